import { ok, refuse } from "@flowstate/shared/parsed";
import { pacScript } from "../pac.ts";
import type { PayloadFile, Target } from "../payload.ts";
import type { MdmSettings } from "../settings.ts";
import { readFileSync } from "node:fs";

const extensionFiles = ["manifest.json", "background.js", "schema.json"] as const;

const extension: readonly PayloadFile[] = extensionFiles.map((name) => ({
  filename: `extension/${name}`,
  language: name.endsWith(".js") ? "javascript" : "json",
  content: readFileSync(new URL(`../../extension/${name}`, import.meta.url), "utf8"),
}));

/**
 * Chrome policies. Chrome drops credentials in a proxy setting (a fixed server becomes an outage, a PAC entry goes
 * direct), so the person is proven by a force-installed extension that answers the proxy's challenge, or by a client
 * certificate.
 */
export const googleWorkspace: Target = {
  id: "google-workspace",
  title: "Google Workspace",
  variants: ["install", "uninstall"],
  render: (variant, settings) => {
    if (settings.mode !== "direct") {
      return refuse(
        "not_possible",
        "ChromeOS runs no agent, so there is no relay; render it with --mode direct",
      );
    }
    const policies = variant === "install" ? installed(settings) : { ProxySettings: { ProxyMode: "system" } };
    return ok({
      filename: `flowstate-proxy-${variant}.json`,
      language: "json",
      content: `${JSON.stringify(policies, null, 2)}\n`,
      steps: variant === "install" ? installSteps(settings) : uninstallSteps,
      caveats: caveats(settings),
      companions: variant === "install" && settings.identity === "extension" ? extension : [],
    });
  },
};

function installed(settings: MdmSettings): Record<string, unknown> {
  const pac = Buffer.from(pacScript(settings.authority, settings.port), "utf8").toString("base64");
  const routing = {
    ProxySettings: {
      ProxyMode: "pac_script",
      ProxyPacUrl: `data:application/x-ns-proxy-autoconfig;base64,${pac}`,
      ProxyPacMandatory: true,
    },
  };
  if (settings.identity === "certificate") {
    const rule = {
      pattern: `https://${settings.authority}`,
      filter: { ISSUER: { CN: settings.certificateIssuer } },
    };
    return { ...routing, AutoSelectCertificateForUrls: [JSON.stringify(rule)] };
  }
  return {
    ...routing,
    ExtensionSettings: {
      [settings.extensionId]: {
        installation_mode: "force_installed",
        update_url: "https://clients2.google.com/service/update2/crx",
      },
    },
    "3rdparty": {
      extensions: {
        [settings.extensionId]: {
          proxyHost: settings.host,
          proxyPort: settings.port,
          orgKey: `{{${settings.secretName}}}`,
        },
      },
    },
  };
}

function installSteps(settings: MdmSettings): readonly string[] {
  const common = [
    "Admin console > Devices > Chrome > Settings > Users & browsers, test organisational unit > Network > Proxy mode: Always use the proxy auto-config specified; paste the value of ProxyPacUrl and forbid going direct when it fails.",
  ];
  if (settings.identity === "certificate") {
    return [
      ...common,
      "Give the people client certificates whose rfc822Name is their work e-mail, and let the proxy trust their issuer.",
      "Content > Client certificates: paste the entry of AutoSelectCertificateForUrls.",
    ];
  }
  return [
    "Publish the extension (written beside this file by `flowstate-mdm render google-workspace --out FILE`) as an unlisted item of the Chrome Web Store, and render again with --extension-id and the 32 letters it was assigned.",
    ...common,
    `Apps & extensions > Users & browsers: add the extension by its id, Force install, and as policy for extensions paste {"proxyHost":{"Value":"${settings.host}"},"proxyPort":{"Value":${settings.port}},"orgKey":{"Value":"the organisation key"}}.`,
    `For Chromium or Chrome managed by files, replace {{${settings.secretName}}} by the key and put this file in /etc/opt/chrome/policies/managed or /etc/chromium/policies/managed, readable by the people concerned.`,
  ];
}

const uninstallSteps = [
  "Set Proxy mode back to inherited, and remove the extension or the AutoSelectCertificateForUrls entry from the organisational unit.",
  "Where policy files are used, delete the installed file; this one states the neutral setting.",
];

function caveats(settings: MdmSettings): readonly string[] {
  const caveats = [
    "Chrome ignores credentials in a proxy setting: with user:key@ in a fixed server every request fails, in a PAC answer the request goes direct and unmetered. Hence no credential stands in this policy.",
    "Only Chrome's own traffic on AI hosts is routed; Android apps may ignore it, and Linux containers on ChromeOS do not inherit it.",
    "ChromeOS services have no per-user credential; they stay direct, since the PAC names AI hosts alone.",
    "The wording of the Admin console and its acceptance of data: addresses were not checked on a real tenant; host the PAC on https:// where the field refuses it.",
  ];
  if (settings.identity === "extension") {
    caveats.push(
      "A person can read the organisation key in chrome://policy; the certificate variant has no shared secret.",
      "Chrome for Windows and macOS force-installs extensions from outside the store on managed devices only.",
    );
  }
  return caveats;
}
