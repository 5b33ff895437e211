/**
 * The registration that a client sent (RFC 7591) as we take it:
 * - every client is public, so that there is no secret to keep: it proves itself by PKCE;
 * - a scope named here would bound all later requests, and clients name the first one they are challenged for;
 * - one that is called back without TLS or by a scheme of its own is native, whether it says so or not (RFC 8252); of
 *   native ones the server takes plain http to this machine alone.
 */
export function normaliseRegistration(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return {};
  const { scope: _, client_secret: __, ...metadata } = body as Record<string, unknown>;
  const redirects = Array.isArray(metadata["redirect_uris"]) ? metadata["redirect_uris"] : [];
  const native = redirects.some((uri) => typeof uri === "string" && isNative(uri));
  return {
    ...metadata,
    token_endpoint_auth_method: "none",
    ...(native ? { application_type: "native" } : {}),
    redirect_uris: redirects,
  };
}

function isNative(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).protocol !== "https:";
}
