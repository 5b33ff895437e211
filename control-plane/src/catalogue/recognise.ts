import { aiHosts, recogniseHost, type AiHost } from "@flowstate/shared/hosts";
import { catalogueServices } from "./services.data.ts";

const byPattern = new Map(
  catalogueServices.flatMap((row) => row.patterns.map((pattern) => [pattern, row] as const)),
);
const byTool = new Map(catalogueServices.flatMap((row) => row.tools.map((tool) => [tool, row] as const)));
const byProvider = new Map(
  catalogueServices.flatMap((row) => (row.provider === null ? [] : [[row.provider, row] as const])),
);

/** Provider slugs that mean the same service as another. */
const sameProvider: Readonly<Record<string, string>> = { "google-vertex": "google" };

/** The service behind a host, `null` where the host is none of an AI service. An unlisted one is named by its provider. */
export function serviceOfHost(host: string): string | null {
  const found = recogniseHost(host);
  return found === null || isIgnored(found) ? null : serviceOfPattern(found);
}

/**
 * The services that a call is a use of: the tool's own, and the API that answered it. A call of neither is a use of
 * its provider, which nobody has listed.
 */
export function servicesOfCall(provider: string, tool: string): readonly string[] {
  const named = byTool.get(tool)?.id ?? null;
  const answered = serviceOfProvider(provider);
  return named === null || named === answered ? [answered] : [named, answered];
}

/** Host patterns by which a service is recognised, listed or not. */
export function hostsOf(id: string): readonly string[] {
  return aiHosts
    .filter((row) => !isIgnored(row) && serviceOfPattern(row) === id)
    .map(({ pattern }) => pattern);
}

function serviceOfPattern({ pattern, provider }: AiHost): string {
  return byPattern.get(pattern)?.id ?? serviceOfProvider(provider);
}

function serviceOfProvider(provider: string): string {
  return byProvider.get(sameProvider[provider] ?? provider)?.id ?? provider;
}

function isIgnored({ mode }: AiHost): boolean {
  return mode === "ignore";
}
