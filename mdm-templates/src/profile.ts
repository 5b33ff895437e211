import { build, type PlistValue } from "plist";
import type { PayloadFile } from "./payload.ts";
import type { MdmSettings } from "./settings.ts";
import { nameUuid } from "./uuid.ts";

/**
 * An Apple configuration profile (apple/device-management, TopLevel.yaml) that carries the e-mail placeholder to
 * `/Library/Managed Preferences/inc.flowstate.proxy.plist` and keeps the login item on. Identifiers and UUIDs follow
 * from the proxy's host, so that a new rendering replaces the old one.
 */
export function configurationProfile(emailPlaceholder: string, settings: MdmSettings): PayloadFile {
  const identifier = `inc.flowstate.proxy.${settings.host}`;
  const part = (type: string, name: string, content: Record<string, PlistValue>): PlistValue => ({
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `${identifier}.${name}`,
    PayloadUUID: nameUuid(`${identifier}.${name}`),
    PayloadDisplayName: `Flowstate ${name}`,
    ...content,
  });
  const certificates = (settings.caPem ?? "").match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? [];
  const content = build({
    PayloadType: "Configuration",
    PayloadVersion: 1,
    PayloadIdentifier: identifier,
    PayloadUUID: nameUuid(identifier),
    PayloadDisplayName: "Flowstate cloud proxy",
    PayloadScope: "System",
    PayloadContent: [
      part("inc.flowstate.proxy", "settings", { UserEmail: emailPlaceholder, ProxyHost: settings.authority }),
      part("com.apple.servicemanagement", "login-item", {
        Rules: [{ RuleType: "LabelPrefix", RuleValue: "inc.flowstate.", Comment: "Flowstate" }],
      }),
      ...certificates.map((pem, index) =>
        part("com.apple.security.root", `ca-${index + 1}`, {
          PayloadContent: Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ""), "base64"),
        }),
      ),
    ],
  });
  return { filename: "flowstate-proxy.mobileconfig", language: "xml", content: `${content.trimEnd()}\n` };
}
