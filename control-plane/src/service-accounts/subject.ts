const prefix = "service-account:";
const mostLetters = 60;

/** Whether calls of this subject are a program's and no person's. No e-mail address has this form. */
export function isServiceAccount(subject: string): boolean {
  return subject.startsWith(prefix);
}

/**
 * The subject of a new account, made from its name so that people recognise it wherever spend is listed:
 * `Deploy bot` -> `service-account:deploy-bot`. `taken` are subjects that accounts have or had.
 */
export function subjectOf(name: string, taken: ReadonlySet<string>): string {
  const letters = name
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .slice(0, mostLetters)
    .replace(/^-+|-+$/g, "");
  const first = `${prefix}${letters === "" ? "account" : letters}`;
  let subject = first;
  for (let number = 2; taken.has(subject); number += 1) subject = `${first}-${number}`;
  return subject;
}
