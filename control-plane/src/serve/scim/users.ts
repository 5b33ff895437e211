import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import type { Entity } from "../../directory/entities.ts";
import { attribute, booleanOf, isDocument, schemas, textOf, type ScimDocument } from "./document.ts";

/** Which field of an employee a filter's attribute stands for. */
export const userFilters: Readonly<Record<string, string>> = {
  id: "id",
  username: "email",
  "emails.value": "email",
  emails: "email",
  externalid: "externalId",
  displayname: "name",
  active: "active",
};

/** An employee as a User (RFC 7643 4.1). The user name is the work e-mail, by which meters and calls know the person. */
export function toUser({ id, values }: Entity): ScimDocument {
  const { email, name, title, externalId, active, managerId } = values;
  return {
    schemas: managerId === null ? [schemas.user] : [schemas.user, schemas.enterpriseUser],
    id,
    ...(externalId === null ? {} : { externalId }),
    userName: email,
    ...(name === null ? {} : { displayName: name, name: { formatted: name } }),
    ...(title === null ? {} : { title }),
    active,
    emails: [{ value: email, type: "work", primary: true }],
    ...(managerId === null ? {} : { [schemas.enterpriseUser]: { manager: { value: managerId } } }),
  };
}

/**
 * An employee's fields from a User. A user name that is no e-mail gives way to the primary or work e-mail. Unknown
 * attributes are passed over, as RFC 7644 3.3 lets a service do.
 */
export function fromUser(user: ScimDocument): Parsed<Readonly<Record<string, unknown>>, "invalid_value"> {
  const userName = textOf(attribute(user, "userName"));
  const email = userName?.includes("@") === true ? userName : emailOf(user);
  if (email === null) return refuse("invalid_value", "userName: the person's work e-mail");
  const given = attribute(user, "active");
  const active = given === undefined || given === null ? true : booleanOf(given);
  if (active === null) return refuse("invalid_value", "active: true or false");
  const extension = attribute(user, schemas.enterpriseUser);
  const manager = isDocument(extension) ? attribute(extension, "manager") : undefined;
  return ok({
    email,
    name: nameOf(user),
    title: textOf(attribute(user, "title")),
    externalId: textOf(attribute(user, "externalId")),
    managerId: isDocument(manager) ? textOf(attribute(manager, "value")) : textOf(manager),
    active,
  });
}

function emailOf(user: ScimDocument): string | null {
  const emails = attribute(user, "emails");
  const all = Array.isArray(emails) ? emails.filter(isDocument) : [];
  const best =
    all.find((each) => booleanOf(attribute(each, "primary")) === true) ??
    all.find((each) => attribute(each, "type") === "work") ??
    all[0];
  return best === undefined ? null : textOf(attribute(best, "value"));
}

/** A whole changed name counts for more than the display name, which then still is what was made of the one before. */
function nameOf(user: ScimDocument): string | null {
  const name = attribute(user, "name");
  const parts = isDocument(name)
    ? ["givenName", "familyName"].flatMap((part) => textOf(attribute(name, part)) ?? [])
    : [];
  const formatted = isDocument(name) ? textOf(attribute(name, "formatted")) : null;
  const whole = parts.length === 2 ? parts.join(" ") : null;
  return whole ?? textOf(attribute(user, "displayName")) ?? formatted ?? parts[0] ?? null;
}
