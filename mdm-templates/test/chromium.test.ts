import test from "ava";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { createServer } from "node:tls";
import { assert } from "@flowstate/shared/assert";
import { mintKey } from "@flowstate/shared/keys";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { chromium } from "playwright-core";
import { render } from "../src/render.ts";

const email = "ada+test@corp.example";

/** A TLS proxy that challenges every CONNECT without a credential, refuses the rest, and keeps the heads. */
async function startProxy() {
  const authority = createAuthority({ commonName: "Test authority", days: 2 });
  const names = ["127.0.0.1"];
  const { certificate, privateKey } = issueCertificate(authority, { commonName: "proxy", names, days: 1 });
  const heads: string[] = [];
  const server = createServer({ cert: certificate, key: privateKey }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (bytes: Buffer) => {
      const head = bytes.toString("latin1");
      heads.push(head);
      const answer = /^proxy-authorization:/im.test(head)
        ? "HTTP/1.1 502 Bad Gateway\r\n"
        : 'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="Flowstate"\r\n';
      socket.end(`${answer}Content-Length: 0\r\nConnection: close\r\n\r\n`);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { heads, port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

// A full Chromium reads policies from one folder of the system only, so it runs where that folder can be replaced.
const probe = "command -v chromium && bwrap --dev-bind / / --tmpfs /etc/chromium true";
const runnable = spawnSync("sh", ["-c", probe]).status === 0 ? test : test.skip;

runnable(
  "real Chromium under the rendered policy takes AI hosts alone to the proxy and signs in by the extension (skipped without chromium and bwrap)",
  async (t) => {
    using folder = temporaryFolder();
    using proxy = await startProxy();
    const extension = join(folder.path, "extension");
    const extensionId = createHash("sha256")
      .update(extension)
      .digest("hex")
      .slice(0, 32)
      .replace(/[0-9a-f]/g, (digit) => "abcdefghijklmnop".charAt(Number.parseInt(digit, 16)));
    const payload = render("google-workspace", "install", {
      proxyHost: `127.0.0.1:${proxy.port}`,
      extensionId,
    });
    assert(payload.ok, payload.ok ? "" : payload.detail);
    for (const { filename, content } of payload.value.companions) {
      mkdirSync(dirname(join(folder.path, filename)), { recursive: true });
      writeFileSync(join(folder.path, filename), content);
    }
    const key = mintKey("org").text;
    const policy = JSON.parse(payload.value.content.replace("{{MDM_FLOWSTATE_KEY}}", key)) as {
      ExtensionSettings?: unknown;
      "3rdparty": { extensions: Record<string, Record<string, unknown>> };
    };
    // Loaded unpacked here: the store has no such item. Nobody is signed in, so the policy names the person.
    delete policy.ExtensionSettings;
    policy["3rdparty"].extensions[extensionId] = {
      ...policy["3rdparty"].extensions[extensionId],
      userEmail: email,
    };
    const policyFile = join(folder.path, "policy.json");
    writeFileSync(policyFile, JSON.stringify(policy));
    const wrapper = join(folder.path, "chromium");
    const managed = "/etc/chromium/policies/managed";
    writeFileSync(
      wrapper,
      `#!/bin/sh\nexec bwrap --dev-bind / / --tmpfs /etc/chromium --dir ${managed} --ro-bind '${policyFile}' ${managed}/flowstate.json chromium "$@"\n`,
    );
    chmodSync(wrapper, 0o755);

    const context = await chromium.launchPersistentContext(join(folder.path, "profile"), {
      executablePath: wrapper,
      headless: true,
      chromiumSandbox: false,
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [
        "--ignore-certificate-errors",
        `--disable-extensions-except=${extension}`,
        `--load-extension=${extension}`,
        "--disable-features=DisableLoadExtensionCommandLineSwitch",
      ],
    });
    try {
      if (context.serviceWorkers().length === 0) await context.waitForEvent("serviceworker");
      const page = await context.newPage();
      // Its worker is there before the browser has given it its policy; until then it has nothing to sign in with.
      const failure = await until("the extension to have its policy", async () => {
        const said = await page.goto("https://api.anthropic.com/v1/messages").then(String, String);
        return said.includes("ERR_INVALID_AUTH_CREDENTIALS") ? null : said;
      });
      t.regex(failure, /ERR_TUNNEL_CONNECTION_FAILED/);
      await t.throwsAsync(page.goto("https://intranet.corp.invalid/"), { message: /ERR_NAME_NOT_RESOLVED/ });
    } finally {
      await context.close();
    }
    t.true(proxy.heads.length > 1);
    for (const head of proxy.heads) t.regex(head, /^CONNECT api\.anthropic\.com:443 HTTP\/1\.1\r\n/);
    const credentials = proxy.heads.flatMap(
      (head) => /^proxy-authorization: Basic (\S+)/im.exec(head)?.[1] ?? [],
    );
    t.deepEqual(
      [...new Set(credentials.map((text) => Buffer.from(text, "base64").toString()))],
      [`${email}:${key}`],
    );
  },
);
