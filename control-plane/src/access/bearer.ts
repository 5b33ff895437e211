/** The token of `Authorization: Bearer …` (RFC 6750), or an empty text. */
export function bearerToken(header: string | undefined): string {
  return /^Bearer +([\w.~+/=-]+)$/i.exec(header ?? "")?.[1] ?? "";
}
