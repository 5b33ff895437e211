/** What `doctor` says of this machine, and what is shipped to run the proxy on another. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import test from "ava";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { createAuthority, issueCertificate } from "@flowstate/shared/tls/certificate";
import { writeFileSync } from "node:fs";
import { startControlPlane } from "./support/control-plane.ts";
import { startNameServer } from "@flowstate/shared/testing/name-server";

const room = join(import.meta.dirname, "..");

async function doctor(env: NodeJS.ProcessEnv): Promise<{ code: number | null; lines: readonly string[] }> {
  const child = spawn(process.execPath, [join(room, "src/main.ts"), "doctor"], {
    env: { PATH: process.env["PATH"], ...env },
    stdio: ["ignore", "pipe", "ignore"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, lines: text.trim().split("\n") };
}

test("doctor finds an installation in order, and names what is not, one line each", async (t) => {
  using folder = temporaryFolder();
  await using controlPlane = await startControlPlane();
  await using names = await startNameServer({ "api.openai.com": ["192.0.2.1"] });
  const authority = createAuthority({ commonName: "A", days: 400 });
  const certificate = (days: number): NodeJS.ProcessEnv => {
    const leaf = issueCertificate(authority, { commonName: "p", names: ["proxy.example"], days });
    const cert = join(folder.path, `${days}.pem`);
    const key = join(folder.path, `${days}-key.pem`);
    writeFileSync(cert, leaf.certificate);
    writeFileSync(key, leaf.privateKey);
    return { FLOWSTATE_PROXY_CERT: cert, FLOWSTATE_PROXY_KEY: key };
  };
  const sound = {
    FLOWSTATE_DATA_DIR: folder.path,
    FLOWSTATE_PROXY_PORT: "0",
    FLOWSTATE_PROXY_DNS: names.address,
    FLOWSTATE_CONTROL_PLANE: controlPlane.url,
    FLOWSTATE_PROXY_TOKEN: controlPlane.token,
    ...certificate(300),
  };
  const worst = async (change: NodeJS.ProcessEnv, text: RegExp, mark: string): Promise<void> => {
    const { code, lines } = await doctor({ ...sound, ...change });
    t.is(code, mark === "FAIL" ? 69 : 0, lines.join("\n"));
    t.true(
      lines.some((line) => line.startsWith(`${mark}  `) && text.test(line)),
      lines.join("\n"),
    );
  };
  await worst({}, /keys: none is active/, "warn");
  controlPlane.provision();
  await worst({}, /keys: 1 active/, "ok  ");
  await worst({ FLOWSTATE_PROXY_PORT: "nonsense" }, /settings: FLOWSTATE_PROXY_PORT/, "FAIL");
  await worst(certificate(5), /certificate: expires in/, "warn");
  await worst(certificate(-2), /certificate: expired/, "FAIL");
  await worst(
    { FLOWSTATE_CONTROL_PLANE: "http://127.0.0.1:1" },
    /control plane: .* cannot be reached/,
    "FAIL",
  );
  const other = await startControlPlane();
  await worst({ FLOWSTATE_PROXY_TOKEN: other.token }, /refuses the enrolment token/, "FAIL");
  await other[Symbol.asyncDispose]();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  await worst({ FLOWSTATE_PROXY_PORT: String(port) }, /listener: .* is in use/, "warn");
  taken.close();
});

test("the systemd unit is sound", (t) => {
  const found = spawnSync("systemd-analyze", ["verify", join(room, "deploy/flowstate-proxy.service")], {
    encoding: "utf8",
  });
  if (found.error !== undefined) {
    t.log("skipped: systemd-analyze is not on this machine");
    t.pass();
    return;
  }
  t.is(found.status, 0, found.stderr);
});

test("what the container file copies from the repository is there", (t) => {
  const lines = readFileSync(join(room, "deploy/Containerfile"), "utf8").match(/^COPY (?!--).*$/gm) ?? [];
  const sources = lines.flatMap((line) => line.split(" ").slice(1, -1));
  t.true(sources.length > 5);
  for (const source of sources) t.true(existsSync(join(room, "..", source)), source);
});
