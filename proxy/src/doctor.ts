import { createServer } from "node:net";
import { accessSync, constants, mkdirSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { describeError } from "@flowstate/shared/cli";
import { systemCode } from "@flowstate/shared/errors";
import { finding, type Finding } from "@flowstate/shared/findings";
import { readCertificate } from "./accept/certificate.ts";
import { listen } from "./accept/listener.ts";
import { readConfig, type Config } from "./config.ts";
import { createResolver } from "./dial/resolve.ts";
import { parseSnapshot } from "./link/snapshot-file.ts";

const { ok, warn, fail } = finding;
const dayMs = 86_400_000;
const soonDays = 14;
const mostSkewMs = 60_000;
const fewDescriptors = 4096;
const knownName = "api.openai.com";
const answerMs = 5000;

/** Looks at everything that keeps a proxy from serving, without starting it. Never throws. */
export async function diagnose(env: NodeJS.ProcessEnv): Promise<readonly Finding[]> {
  let config: Config;
  try {
    config = readConfig(env);
  } catch (error) {
    return [fail(`settings: ${describeError(error)}`)];
  }
  return [
    ok(`settings: data in ${config.folder}, control plane ${config.controlPlane.origin}`),
    findCertificate(config),
    findFolder(config),
    findDescriptors(),
    await findPort(config),
    ...(await findControlPlane(config)),
    await findNames(config),
  ];
}

function findCertificate(config: Config): Finding {
  try {
    const { context, expiresAt } = readCertificate(config);
    const { publicKey, subjectAltName } = new X509Certificate(String(context.cert));
    const days = Math.floor((expiresAt - Date.now()) / dayMs);
    const names = subjectAltName ?? "no name";
    if (days < 0) return fail(`certificate: expired ${-days} days ago (${names})`);
    if (days < soonDays) return warn(`certificate: expires in ${days} days (${names})`);
    if (publicKey.asymmetricKeyType === "rsa")
      return warn(`certificate: an RSA key costs several times an ECDSA P-256 key per connection (${names})`);
    return ok(`certificate: good for ${days} days (${names})`);
  } catch (error) {
    return fail(`certificate: ${describeError(error)}`);
  }
}

function findFolder({ folder }: Config): Finding {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    accessSync(folder, constants.R_OK | constants.W_OK);
    return ok(`data folder: ${folder} is writable`);
  } catch (error) {
    return fail(`data folder: ${describeError(error)}`);
  }
}

/** A tunnel takes two. */
function findDescriptors(): Finding {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: number | "unlimited" } };
  };
  const most = userLimits?.open_files?.soft;
  if (most === undefined || most === "unlimited") return ok("descriptors: not limited");
  const text = `descriptors: ${most}, which is room for about ${Math.floor(most / 2)} tunnels`;
  return most < fewDescriptors ? warn(`${text}; raise the limit (LimitNOFILE)`) : ok(text);
}

/** A port that is taken is taken by this proxy, as long as it runs. */
async function findPort({ host, port }: Config): Promise<Finding> {
  const server = createServer();
  try {
    await listen(server, host, port);
    return ok(`listener: ${host}:${port} is free`);
  } catch (error) {
    const taken = systemCode((error as Error).cause) === "EADDRINUSE";
    return taken
      ? warn(`listener: ${host}:${port} is in use, which is right while the proxy runs`)
      : fail(`listener: ${describeError(error)}`);
  } finally {
    server.close();
  }
}

async function findControlPlane({ controlPlane, token }: Config): Promise<readonly Finding[]> {
  try {
    const answer = await fetch(new URL("/ingest/v1/snapshot", controlPlane), {
      headers: { authorization: `Bearer ${token.reveal()}` },
      signal: AbortSignal.timeout(answerMs),
    });
    const text = await answer.text();
    if (answer.status === 401 || answer.status === 403)
      return [
        fail(`control plane: it refuses the enrolment token (${answer.status}); enrol this proxy again`),
      ];
    const snapshot = answer.ok ? parseSnapshot(text, "its answer") : null;
    if (snapshot === null || !snapshot.ok)
      return [fail(`control plane: ${controlPlane.origin} answers ${answer.status} without keys`)];
    const { revision, keys } = snapshot.value;
    const keysFinding =
      keys.length === 0
        ? warn("keys: none is active; provision an organisation key")
        : ok(`keys: ${keys.length} active, revision ${revision}`);
    return [ok(`control plane: ${controlPlane.origin} answers`), keysFinding, findClock(answer)];
  } catch (error) {
    return [fail(`control plane: ${controlPlane.origin} cannot be reached (${(error as Error).message})`)];
  }
}

/** Meter rows carry the proxy's hours. */
function findClock(answer: Response): Finding {
  const theirs = Date.parse(answer.headers.get("date") ?? "");
  if (Number.isNaN(theirs)) return ok("clock: the control plane tells no time");
  const skewMs = Math.abs(Date.now() - theirs);
  const text = `clock: ${Math.round(skewMs / 1000)} s from the control plane's`;
  return skewMs > mostSkewMs ? warn(`${text}; hours of the meter will be off`) : ok(text);
}

async function findNames({ dnsServers, upstream }: Config): Promise<Finding> {
  if (upstream !== null) return ok("names: the upstream proxy resolves them");
  const resolution = await createResolver(dnsServers)(knownName);
  switch (resolution.kind) {
    case "found":
      return ok(`names: ${knownName} resolves`);
    case "failed":
      return fail(`names: ${knownName} does not resolve (${resolution.rcode})`);
    case "timeout":
      return fail("names: no name server answers");
  }
}
