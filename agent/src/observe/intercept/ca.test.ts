import { X509Certificate } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { aiHosts, recogniseHost } from "@flowstate/shared/hosts";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { dayMs } from "@flowstate/shared/time";
import { openAuthority, permittedDomains } from "./ca.ts";
import { leafStore } from "./leaves.ts";

test("the authority stays the same until it nears its end or its files do not fit", (t) => {
  using folder = temporaryFolder();
  const at = Date.now();
  const first = openAuthority(folder.path, at);
  t.is(statSync(join(folder.path, "ca-key.pem")).mode & 0o077, 0);
  t.deepEqual(openAuthority(folder.path, at + 600 * dayMs), first);
  const second = openAuthority(folder.path, at + 705 * dayMs);
  t.not(second.certificate, first.certificate);
  writeFileSync(join(folder.path, "ca-key.pem"), first.privateKey);
  const third = openAuthority(folder.path, at);
  t.not(third.certificate, second.certificate);
  t.is(readFileSync(join(folder.path, "ca.pem"), "utf8"), third.certificate);
});

test("the authority may speak for every captured host and for no whole top-level domain", (t) => {
  for (const { pattern, mode } of aiHosts) {
    if (mode !== "capture") continue;
    const host = pattern.replaceAll("*", "x");
    t.truthy(recogniseHost(host), host);
    t.true(
      permittedDomains.some((domain) => host === domain || host.endsWith(`.${domain}`)),
      host,
    );
  }
  t.deepEqual(
    permittedDomains.filter((domain) => !domain.includes(".")),
    [],
  );
});

test("a leaf is kept for half its life, and all share one key", async (t) => {
  using folder = temporaryFolder();
  let at = Date.now();
  const leafFor = leafStore(openAuthority(folder.path), () => at);
  const first = await leafFor("api.openai.com");
  t.is(await leafFor("api.openai.com"), first);
  t.is((await leafFor("api.anthropic.com")).privateKey, first.privateKey);
  at += 16 * dayMs;
  const second = await leafFor("api.openai.com");
  t.not(second, first);
  t.is(new X509Certificate(second.certificate).subjectAltName, "DNS:api.openai.com");
});
