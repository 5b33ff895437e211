import { aiHosts } from "@flowstate/shared/hosts";

/**
 * A proxy auto-configuration script that sends AI hosts, and nothing else, to the proxy. It holds no credential: a
 * browser would drop the whole entry and go direct. AI hosts have no direct fall-back.
 */
export function pacScript(authority: string, port: number): string {
  const proxied = aiHosts.filter(({ mode }) => mode !== "ignore").map(({ pattern }) => pattern);
  const exact = proxied.filter((pattern) => !pattern.includes("*"));
  const wild = proxied.filter((pattern) => pattern.includes("*"));
  const proxy = `HTTPS ${authority.replace(/:\d+$/, "")}:${port}`;
  return `var exact = ${JSON.stringify(Object.fromEntries(exact.map((host) => [host, 1])))};
var wild = ${JSON.stringify(wild)};
function FindProxyForURL(url, host) {
  host = host.toLowerCase();
  if (exact.hasOwnProperty(host)) return "${proxy}";
  for (var i = 0; i < wild.length; i += 1) if (shExpMatch(host, wild[i])) return "${proxy}";
  return "DIRECT";
}
`;
}
