import { must } from "@flowstate/shared/assert";
import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { Secret } from "@flowstate/shared/secret";
import type { CredentialField, Credentials } from "./connector.ts";

/** Name of the input that sends a connector to a local server in a test. No form shows it. */
export const baseUrlField = "baseUrl";

/** A field with what most of them share: a secret that must be given. */
export function credentialField(
  given: Pick<CredentialField, "name" | "label"> & Partial<CredentialField>,
): CredentialField {
  return { secret: true, required: true, hint: null, pattern: null, ...given };
}

/** Reads the inputs of a form. A refusal names the field and what it takes, and never repeats a value. */
export function parseCredentials(
  fields: readonly CredentialField[],
  inputs: readonly { readonly name: string; readonly value: string }[],
  { baseUrlAllowed }: { readonly baseUrlAllowed: boolean },
): Parsed<Credentials, "bad_credentials"> {
  const given = new Map(inputs.map(({ name, value }) => [name, value.trim()]));
  if (given.size < inputs.length) return refuse("bad_credentials", "a credential field was given twice");
  for (const name of given.keys()) {
    if (name === baseUrlField) {
      const fault = faultOfBaseUrl(given.get(name) ?? "", baseUrlAllowed);
      if (fault !== null) return refuse("bad_credentials", fault);
    } else if (!fields.some((field) => field.name === name)) {
      const known = fields.length === 0 ? "none" : fields.map((field) => field.name).join(", ");
      return refuse(
        "bad_credentials",
        `"${name.slice(0, 40)}" is not a credential field; there are: ${known}`,
      );
    }
  }
  for (const field of fields) {
    const fault = faultOf(field, given.get(field.name) ?? "");
    if (fault !== null) return refuse("bad_credentials", fault);
  }
  const filled = [...given].filter(([, value]) => value !== "");
  return ok(Object.fromEntries(filled.map(([name, value]) => [name, new Secret(value)])));
}

function faultOf({ name, label, required, pattern, hint }: CredentialField, value: string): string | null {
  if (value === "") return required ? `${name} is missing: ${hint ?? label}` : null;
  if (value.length > 20_000) return `${name} is longer than any ${label}`;
  // A line feed would end a header and begin another.
  if (pattern === null && /\p{Cc}/u.test(value)) return `${name} holds a control character`;
  const fits = pattern === null || new RegExp(`^(?:${pattern})$`).test(value);
  return fits ? null : `${name} takes ${hint ?? `a value that matches ${pattern}`}`;
}

function faultOfBaseUrl(value: string, allowed: boolean): string | null {
  if (!allowed) return `${baseUrlField} is refused unless FLOWSTATE_ALLOW_PROVIDER_BASE_URL=1`;
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? null
    : `${baseUrlField} is not an http:// or https:// address`;
}

/** The value of a required field, which the form has made sure of. */
export function credential(credentials: Credentials, name: string): Secret {
  return must(credentials[name], `credential ${name} was not checked by the form`);
}

/** The value of an optional field, or null. */
export function optionalCredential(credentials: Credentials, name: string): Secret | null {
  return credentials[name] ?? null;
}
