import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { describeError } from "@flowstate/shared/cli";
import { reasonOf } from "@flowstate/shared/errors";
import { finding, type Finding } from "@flowstate/shared/findings";
import { newUuid } from "@flowstate/shared/ids";
import { basicCredential } from "@flowstate/shared/net/basic-auth";
import { Secret } from "@flowstate/shared/secret";
import type { DaemonConfig } from "../daemon-config.ts";
import { ask, readText } from "../relay/ask.ts";
import { cloudDial, upstreamDial } from "../relay/dial.ts";

const answerMs = 10_000;
const mostBytes = 1 << 20;
const mostSkewMs = 5 * 60_000;
/** A name that every proxy lets through and resolves. */
const provenTarget = { host: "api.openai.com", port: 443, family: 0 } as const;

/** The relay answers, and serves browsers their script. */
export async function findRelay(relay: string | null): Promise<Finding> {
  if (relay === null) return finding.fail("relay: not running");
  try {
    const answer = await ask(new URL("/proxy.pac", relay), { signal: AbortSignal.timeout(answerMs) });
    const text = await readText(answer, mostBytes);
    return text.includes("FindProxyForURL")
      ? finding.ok(`relay: ${relay} answers and serves ${relay}/proxy.pac`)
      : finding.fail(`relay: ${relay} answers ${answer.statusCode}, and is not this agent's`);
  } catch (error) {
    return finding.fail(`relay: ${relay} does not answer (${reasonOf(error)})`);
  }
}

/** Asks the cloud proxy for a tunnel as the relay does, and closes it unused. */
export async function findCloudProxy(config: DaemonConfig, url: URL): Promise<Finding> {
  try {
    const ca = config.cloudProxyCa === null ? undefined : [readFileSync(config.cloudProxyCa, "utf8")];
    const credential = credentialOf(config);
    const via = config.upstream === null ? null : upstreamDial(config.upstream);
    const dial = cloudDial({ url, credential, ca }, () => via);
    const dialled = await dial(provenTarget, AbortSignal.timeout(answerMs));
    if (dialled.kind === "open") {
      dialled.socket.destroy();
      return finding.ok(`cloud proxy: ${url.host} opens a tunnel to ${provenTarget.host}`);
    }
    return finding.fail(`cloud proxy: ${dialled.refusal.text}`);
  } catch (error) {
    return finding.fail(`cloud proxy: ${describeError(error)}`);
  }
}

/** Delivers a batch of nothing, which proves the address, the key and the e-mail, and tells the time. */
export async function findControlPlane(config: DaemonConfig): Promise<readonly Finding[]> {
  const { controlPlane } = config;
  try {
    const answer = await ask(new URL("/ingest/v1/sessions", controlPlane), {
      method: "POST",
      headers: { authorization: credentialOf(config).reveal(), "content-type": "application/json" },
      body: JSON.stringify({ source: newUuid(), batch: newUuid(), events: [] }),
      signal: AbortSignal.timeout(answerMs),
    });
    answer.resume();
    const status = answer.statusCode ?? 0;
    if (status === 401 || status === 403)
      return [
        finding.fail(`control plane: ${controlPlane.origin} refuses the key or the e-mail (${status})`),
      ];
    if (status !== 200) return [finding.fail(`control plane: ${controlPlane.origin} answers ${status}`)];
    return [finding.ok(`control plane: ${controlPlane.origin} takes calls with this key`), findClock(answer)];
  } catch (error) {
    return [finding.fail(`control plane: ${controlPlane.origin} cannot be reached (${reasonOf(error)})`)];
  }
}

function findClock(answer: IncomingMessage): Finding {
  const theirs = Date.parse(answer.headers.date ?? "");
  if (Number.isNaN(theirs)) return finding.ok("clock: the control plane tells no time");
  const skewMs = Math.abs(Date.now() - theirs);
  const text = `clock: ${Math.round(skewMs / 1000)} s from the control plane's`;
  return skewMs > mostSkewMs ? finding.warn(`${text}; set this device's clock`) : finding.ok(text);
}

function credentialOf({ user, key }: DaemonConfig): Secret {
  return new Secret(basicCredential({ user, password: key.reveal() }));
}
