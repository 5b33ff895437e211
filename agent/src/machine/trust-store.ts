import { existsSync } from "node:fs";
import { join, win32 } from "node:path";
import { noChange, type Change } from "./change.ts";
import { system32, windowsFolder } from "./system32.ts";

/** The system stores that a certificate can be placed in. */
export type TrustStore = "macos" | "windows" | "debian" | "redhat" | "suse" | "arch";

export interface TrustedCertificate {
  readonly pem: string;
  /** SHA-1 of the certificate in hexadecimal without colons, the name by which the stores of macOS and Windows know it. */
  readonly sha1: string;
}

interface Anchor {
  readonly folder: string;
  readonly update: readonly [string, ...string[]];
  /** Where taking away needs more than adding. */
  readonly updateAfterRemove?: readonly [string, ...string[]];
}

/** Folders of the Linux families and what rebuilds their bundles, in the order in which they are looked for. */
const anchors: Readonly<Record<Exclude<TrustStore, "macos" | "windows">, Anchor>> = {
  debian: {
    folder: "/usr/local/share/ca-certificates",
    update: ["update-ca-certificates"],
    updateAfterRemove: ["update-ca-certificates", "--fresh"],
  },
  redhat: { folder: "/etc/pki/ca-trust/source/anchors", update: ["update-ca-trust", "extract"] },
  suse: { folder: "/usr/share/pki/trust/anchors", update: ["update-ca-certificates"] },
  arch: { folder: "/etc/ca-certificates/trust-source/anchors", update: ["trust", "extract-compat"] },
};

/** The store of this system; null where no known one is there. */
export function findTrustStore(platform: NodeJS.Platform, root = "/"): TrustStore | null {
  if (platform === "darwin") return "macos";
  if (platform === "win32") return "windows";
  const found = Object.entries(anchors).find(([, { folder }]) => existsSync(join(root, folder)));
  return found === undefined ? null : (found[0] as TrustStore);
}

/**
 * Makes the system trust a certificate, and takes it back without a trace. The commands of macOS and Windows are given a
 * copy that an administrator alone can change: the agent's own lies where its person may.
 */
export function trustChange(store: TrustStore, { pem, sha1 }: TrustedCertificate): Change {
  const name = "trust";
  if (store === "macos") {
    const keychain = "/Library/Keychains/System.keychain";
    const file = "/Library/Application Support/Flowstate/device-ca.pem";
    return {
      ...noChange,
      name,
      files: [{ path: file, content: pem, mode: 0o644 }],
      afterInstall: [["security", "add-trusted-cert", "-d", "-r", "trustRoot", "-k", keychain, file]],
      beforeRemove: [
        ["security", "remove-trusted-cert", "-d", file],
        ["security", "delete-certificate", "-Z", sha1, keychain],
      ],
    };
  }
  if (store === "windows") {
    const certutil = system32("certutil.exe");
    const file = win32.join(windowsFolder, "device-ca.pem");
    return {
      ...noChange,
      name,
      files: [{ path: file, content: pem, mode: 0o644 }],
      afterInstall: [[certutil, "-addstore", "-f", "root", file]],
      beforeRemove: [[certutil, "-delstore", "root", sha1]],
    };
  }
  const { folder, update, updateAfterRemove } = anchors[store];
  return {
    ...noChange,
    name,
    files: [{ path: `${folder}/flowstate-device.crt`, content: pem, mode: 0o644 }],
    afterInstall: [update],
    afterRemove: [updateAfterRemove ?? update],
  };
}
