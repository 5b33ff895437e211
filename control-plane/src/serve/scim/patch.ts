import { ok, refuse, type Parsed } from "@flowstate/shared/parsed";
import { attribute, isDocument, type ScimDocument } from "./document.ts";

/** Attributes of more than one value; those that clients give no others are left out. */
const several: ReadonlySet<string> = new Set(["emails", "members"]);

interface Place {
  readonly name: string;
  readonly filter: { readonly name: string; readonly value: string } | null;
  readonly part: string | null;
}

type Mutable = Record<string, unknown>;
const mostOperations = 1000;

/**
 * Applies a PatchOp (RFC 7644 3.5.2) to a resource as it is shown, and gives the resource as it should be. Entra's
 * ways are understood: operations with a capital, values without a path, dotted names in them, and members to remove
 * in the value. It never throws.
 */
export function applyPatch(
  resource: ScimDocument,
  body: ScimDocument,
): Parsed<ScimDocument, "invalid_patch"> {
  const operations = attribute(body, "Operations");
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > mostOperations) {
    return refuse("invalid_patch", `Operations: a list of 1 to ${mostOperations} operations`);
  }
  const patched: Mutable = structuredClone(resource);
  for (const operation of operations as readonly unknown[]) {
    const fault = apply(patched, operation);
    if (fault !== null) return refuse("invalid_patch", fault);
  }
  return ok(patched);
}

/** What is wrong with the operation, or null when it was applied. */
function apply(resource: Mutable, operation: unknown): string | null {
  if (!isDocument(operation)) return "Operations: each is an object";
  const verb = wordOf(attribute(operation, "op"));
  if (verb !== "add" && verb !== "replace" && verb !== "remove") return "op: add, replace or remove";
  const value = attribute(operation, "value");
  const path = attribute(operation, "path");
  if (path !== undefined && path !== null) {
    if (typeof path !== "string") return "path: a text";
    const place = parsePath(path);
    return place === null
      ? `path: "${path.slice(0, 100)}" is not understood`
      : change(resource, verb, place, value);
  }
  if (verb === "remove") return "path: remove needs one";
  if (!isDocument(value)) return "value: an object where there is no path";
  for (const [name, part] of Object.entries(value)) {
    const place = parsePath(name);
    if (place !== null) change(resource, verb, place, part);
  }
  return null;
}

/** `active`, `name.formatted`, `emails[type eq "work"].value`, or an extension's attribute by its whole name. */
function parsePath(path: string): Place | null {
  const [, name, filterName, filterValue, part] =
    /^((?:urn:[\w.:-]+:)?[A-Za-z]\w*)(?:\[(\w+) eq "?([^"\]]*)"?\])?(?:\.([A-Za-z]\w*))?$/.exec(path) ?? [];
  if (name === undefined)
    return /^urn:[\w.:-]+$/.test(path) ? { name: path, filter: null, part: null } : null;
  const filter =
    filterName === undefined || filterValue === undefined ? null : { name: filterName, value: filterValue };
  return { name, filter, part: part ?? null };
}

function change(resource: Mutable, verb: "add" | "replace" | "remove", place: Place, value: unknown): null {
  const { holder, name } = holderOf(resource, place.name);
  const before = attribute(holder, name);
  const key = Object.keys(holder).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
  if (several.has(name.toLowerCase())) {
    const list = Array.isArray(before) ? before.filter(isDocument) : [];
    holder[key] =
      place.filter === null ? changedList(list, verb, value) : changedElement(list, verb, place, value);
    return null;
  }
  if (place.part !== null) {
    const inner: Mutable = isDocument(before) ? { ...before } : {};
    if (verb === "remove") delete inner[place.part];
    else inner[place.part] = value;
    holder[key] = inner;
    return null;
  }
  if (verb === "remove") delete holder[key];
  else holder[key] = isDocument(before) && isDocument(value) ? { ...before, ...value } : value;
  return null;
}

/** An extension's attribute stands under the extension's identifier, whose version has a dot in it. */
function holderOf(resource: Mutable, name: string): { holder: Mutable; name: string } {
  const [, urn, own] = /^(urn:.+:[A-Z]\w*):(\w+)$/.exec(name) ?? [];
  if (urn === undefined || own === undefined) return { holder: resource, name };
  const extension = resource[urn];
  const holder: Mutable = isDocument(extension) ? { ...extension } : {};
  resource[urn] = holder;
  return { holder, name: own };
}

function changedList(
  list: readonly ScimDocument[],
  verb: "add" | "replace" | "remove",
  value: unknown,
): readonly ScimDocument[] {
  const given = (Array.isArray(value) ? value : value === undefined ? [] : [value]).filter(isDocument);
  const named = new Set(given.map((each) => attribute(each, "value")));
  switch (verb) {
    case "replace":
      return given;
    case "add":
      return [...list.filter((each) => !named.has(attribute(each, "value"))), ...given];
    case "remove":
      return given.length === 0 ? [] : list.filter((each) => !named.has(attribute(each, "value")));
  }
}

function changedElement(
  list: readonly ScimDocument[],
  verb: "add" | "replace" | "remove",
  { filter, part }: Place,
  value: unknown,
): readonly ScimDocument[] {
  const fits = (each: ScimDocument): boolean =>
    filter !== null && wordOf(attribute(each, filter.name)) === filter.value.toLowerCase();
  if (verb === "remove" && part === null) return list.filter((each) => !fits(each));
  const changed = (each: ScimDocument): ScimDocument =>
    part === null
      ? isDocument(value)
        ? { ...each, ...value }
        : each
      : { ...each, [part]: verb === "remove" ? null : value };
  if (list.some(fits)) return list.map((each) => (fits(each) ? changed(each) : each));
  return filter === null || verb === "remove" ? list : [...list, changed({ [filter.name]: filter.value })];
}

/** Texts and booleans in lower case; nothing else has a word, and asking an object for one could throw. */
function wordOf(value: unknown): string {
  return typeof value === "string" || typeof value === "boolean" ? String(value).toLowerCase() : "";
}
