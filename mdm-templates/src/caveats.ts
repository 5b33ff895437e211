import type { MdmSettings } from "./settings.ts";

/** Limits that every payload which sets variables shares. */
export function variableCaveats({ mode, caPem, lowerCase }: MdmSettings): readonly string[] {
  const caveats = [
    "Programs that are open keep their old environment; GUI programs and IDEs must be restarted.",
    "Tools that ignore HTTP_PROXY and HTTPS_PROXY (Java, Safari, Electron cores) are not metered.",
  ];
  if (mode === "direct") {
    caveats.push(
      "One key serves the whole organisation, so a person who reads it on a device can use another person's name; personal keys or loopback mode avoid this.",
      "aiohttp, gRPC and .NET 7 or older do not speak to https:// proxies and go direct; Copilot refuses them. Those need loopback mode.",
    );
    if (lowerCase)
      caveats.push(
        "wget and Python's urllib read the lower-case names and send the key in clear text to the TLS port.",
      );
  } else
    caveats.push(
      "The Flowstate agent must run on the device: without its relay these tools have no connection.",
    );
  if (caPem !== null)
    caveats.push(
      "Node and git are told of the proxy's certificate authority; for other programs it must be in the system's trust store, and curl needs --proxy-cacert. A public certificate avoids all of this.",
    );
  return caveats;
}

export const launchctlCaveat =
  "macOS offers no way but `launchctl setenv` to reach GUI programs: in direct mode the value stands in its arguments for an instant at every login.";
