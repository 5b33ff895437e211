import { z } from "zod";
import { isFlowstateError } from "@flowstate/shared/errors";
import type { Pulled, VendorIdentity } from "../connector.ts";
import { field } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";
import { readList } from "./reports.ts";

const user = z.object({ id: field.text, name: field.text.nullish(), email: field.text.nullish() });
const project = z.object({ id: field.text, name: field.text.nullish() });
const apiKey = z.object({
  id: field.text,
  name: field.text.nullish(),
  owner: z
    .object({
      user: z.object({ email: field.text }).nullish(),
      service_account: z.object({ id: field.text }).nullish(),
    })
    .nullish(),
});

/** People, projects, and the keys of each project with the person who owns them. */
export async function* readDirectory(http: VendorHttp, signal: AbortSignal): AsyncGenerator<Pulled> {
  for await (const { id, name, email } of readList(
    http,
    { path: "/organization/users", item: user },
    signal,
  )) {
    yield identity({ kind: "vendor_user", value: id, email: email ?? null, label: name ?? email ?? null });
  }
  const projects = { path: "/organization/projects", query: { include_archived: true }, item: project };
  for await (const { id, name } of readList(http, projects, signal)) {
    yield identity({ kind: "project", value: id, email: null, label: name ?? null });
    yield* readKeys(http, id, signal);
  }
}

/** An archived project may have no list of keys any more; its costs still name the project. */
async function* readKeys(http: VendorHttp, project: string, signal: AbortSignal): AsyncGenerator<Pulled> {
  const path = `/organization/projects/${encodeURIComponent(project)}/api_keys`;
  try {
    for await (const key of readList(
      http,
      { path, query: { owner_project_access: "any" }, item: apiKey },
      signal,
    )) {
      const label = key.name ?? null;
      yield identity({ kind: "api_key", value: key.id, email: key.owner?.user?.email ?? null, label });
    }
  } catch (error) {
    if (!isFlowstateError(error) || error.details["failure"] !== "missing") throw error;
  }
}

function identity(given: Omit<VendorIdentity, "provider">): Pulled {
  return { type: "identity", identity: { provider: "openai", ...given } };
}
