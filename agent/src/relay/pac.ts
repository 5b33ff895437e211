import { aiHosts } from "@flowstate/shared/hosts";

/** What a browser does with an AI host while the relay does not answer: go direct, or not at all. */
export type WhenDown = "direct" | "fail";

/**
 * The proxy auto-configuration script of this device: AI hosts go to the relay, everything else goes where it went. An
 * older browser that reads a list takes its second entry when the first is down.
 */
export function pacScript(port: number, whenDown: WhenDown): string {
  const routed = aiHosts.filter(({ mode }) => mode !== "ignore").map(({ pattern }) => pattern);
  const exact = Object.fromEntries(
    routed.filter((pattern) => !pattern.includes("*")).map((host) => [host, 1]),
  );
  const wild = routed.filter((pattern) => pattern.includes("*"));
  const way = `PROXY 127.0.0.1:${port}${whenDown === "direct" ? "; DIRECT" : ""}`;
  return `var exact = ${JSON.stringify(exact)};
var wild = ${JSON.stringify(wild)};
function FindProxyForURL(url, host) {
  host = host.toLowerCase();
  if (exact.hasOwnProperty(host)) return "${way}";
  for (var i = 0; i < wild.length; i += 1) if (shExpMatch(host, wild[i])) return "${way}";
  return "DIRECT";
}
`;
}
