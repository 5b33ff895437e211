/** A payload on a device, a real proxy, real curl: the person whom the MDM named is the one who is metered. */
import { readFileSync } from "node:fs";
import test from "ava";
import { assert } from "@flowstate/shared/assert";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { until } from "@flowstate/shared/testing/until";
import { render } from "@flowstate/mdm-templates/render";
import { createDevice } from "../mdm-templates/test/sandbox.ts";
import { runProgram, startInstallation, type Installation } from "./support/installation.ts";
import { startOrigin } from "./support/origin.ts";

const provision = async (installation: Installation): Promise<string> => {
  const { stdout } = await installation.control("org-key", "provision", "--org", "default", "--json");
  return (JSON.parse(stdout) as { key: string }).key;
};

test("installed, curl of a fresh login shell is metered under the MDM's person; rotated, again; verified", async (t) => {
  using folder = temporaryFolder();
  await using installation = await startInstallation();
  await using origin = await startOrigin(folder.path);
  using device = createDevice("Darwin");
  const settings = {
    proxyHost: new URL(installation.proxy).host,
    caPem: readFileSync(installation.caFile, "utf8"),
  };
  const payload = (target: string, variant: string): string => {
    const rendered = render(target, variant, settings);
    assert(rendered.ok, rendered.ok ? "" : rendered.detail);
    return rendered.value.content;
  };
  const install = (key: string) =>
    device.run("sh", payload("jamf-pro", "install"), { args: ["/", "mac", "ada", key] });
  const curl = () =>
    runProgram(
      "curl",
      ["-sS", "-i", "--max-time", "20", "--noproxy", "", "--proxy-cacert", installation.caFile].concat(
        ["--cacert", origin.caFile],
        origin.url,
      ),
      device.loginShell("sh"),
    );
  // Not run synchronously: the origin answers from this process.
  const verify = () =>
    runProgram(
      "sh",
      [device.place(payload("verify", "detect").replace(/^FS_TARGET=.*$/m, `FS_TARGET='${origin.url}'`))],
      { ...process.env, HOME: device.home, CURL_CA_BUNDLE: origin.caFile },
    );

  t.is((await verify()).code, 1);
  device.profile("O'Brien+test@corp.example");
  const first = await provision(installation);
  t.is(install(first).code, 0);
  const answer = await until("the proxy to know the key", async () => {
    const tried = await curl();
    return tried.code === 0 ? tried : null;
  });
  t.regex(answer.stdout, /HTTP\/1\.1 200 OK/);
  await until("the meter", async () => {
    const { subjectMeter } = await installation.graphql<{ subjectMeter: { subject: string }[] }>(
      "{ subjectMeter { subject } }",
    );
    return subjectMeter.some(({ subject }) => subject === "o'brien+test@corp.example");
  });
  t.like(await verify(), { code: 0, stdout: "flowstate: routed; the provider answered 200\n" });

  const second = await provision(installation);
  await until("the key before to be refused", async () => (await verify()).code === 2);
  t.is(install(second).code, 0);
  await until("the new key to be known", async () => (await curl()).code === 0);
  t.is((await verify()).code, 0);
  t.is(device.run("sh", payload("jamf-pro", "uninstall")).code, 0);
  t.is((await verify()).code, 1);
});
