/** The intercept of `../intercept.ts` in four settings, started as a daemon is: `node agent.ts PROVIDER_PORT`, by fork. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { createLogger } from "@flowstate/shared/log";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import { defaultAgentSettings } from "@flowstate/shared/wire/agent-policy";
import { listCaptures } from "../../src/enterprise/capture-store.ts";
import { createKeeper } from "../../src/enterprise/keeper.ts";
import type { AnswerListener } from "../../src/observe/intercept/exchange.ts";
import { startIntercept, type Intercept } from "../../src/observe/intercept/server.ts";
import type { KeepWords } from "../../src/observe/intercept/watch.ts";
import { createEvaluator } from "../../src/policy/evaluate.ts";
import { deviceAuthority } from "../../test/support/intercepting.ts";
import {
  callHost,
  rounds,
  socketHost,
  type InterceptDid,
  type InterceptSays,
  type ProviderSays,
} from "./said.ts";

const [provider] = (await once(process, "message")) as [ProviderSays];
const log = createLogger("bench", "silent");
using folder = temporaryFolder();
using keeper = createKeeper({
  dataFolder: folder.path,
  limits: { retentionDays: 7, maxBytes: 100 << 20 },
  log,
  now: Date.now,
});
keeper.follow("enterprise");
const keptMs: number[] = [];
const keepTimed: KeepWords = (call) => {
  const startedAt = performance.now();
  keeper.keepWords()?.(call);
  keptMs.push(performance.now() - startedAt);
};
const evaluator = createEvaluator({
  version: 1,
  issuedAt: new Date().toISOString(),
  settings: defaultAgentSettings,
  rules: [
    {
      rule: {
        name: "Brand",
        type: "CONTENT_DLP",
        action: "OBSERVE",
        in: "answer",
        phrases: Array.from({ length: 500 }, (_, at) => `xx phrase ${at}`),
      },
      spentUsd: null,
    },
  ],
  hasCostCentre: null,
});
const listen = (): AnswerListener | null => {
  const heard = evaluator.listen();
  return heard === null ? null : { hear: heard.hear, end: () => void heard.broken() };
};
let counted = 0;
const common = {
  authority: deviceAuthority,
  upstreamCa: [provider.ca],
  onSighting: () => void (counted += 1),
  judge: () => null,
  log,
};
const toProvider = (): Socket =>
  connect({ port: provider.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
const intercepted = async (intercept: Intercept, client: Socket, host: string): Promise<void> => {
  const target = toProvider();
  await once(target, "connect");
  const dial = () => Promise.resolve({ kind: "open" as const, socket: toProvider() });
  intercept.accept({ client, target, to: { host, port: 443, family: 0 }, userAgent: "bench", dial });
};
const intercepting =
  (intercept: Intercept, host: string) =>
  (client: Socket): void => {
    client.on("error", () => undefined);
    void intercepted(intercept, client, host);
  };
/** Passes bytes on as they are: what any further program on the way costs. */
const passOn = (client: Socket): void => {
  const target = toProvider();
  client.on("error", () => target.destroy()).pipe(target);
  target.on("error", () => client.destroy()).pipe(client);
};
using fronts = new DisposableStack();
const listenWith = async (serve: (client: Socket) => void): Promise<number> => {
  const front = createServer({ allowHalfOpen: true, noDelay: true }, serve).listen(0, "127.0.0.1");
  fronts.defer(() => void front.close());
  await once(front, "listening");
  return (front.address() as AddressInfo).port;
};
const keeping = startIntercept({ ...common, keepWords: () => keepTimed });
const says: InterceptSays = {
  ports: {
    untouched: await listenWith(passOn),
    plain: await listenWith(intercepting(startIntercept(common), callHost)),
    keeping: await listenWith(intercepting(keeping, callHost)),
    listening: await listenWith(intercepting(startIntercept({ ...common, listen }), callHost)),
    socket: await listenWith(intercepting(startIntercept(common), socketHost)),
  },
  ca: deviceAuthority.certificate,
};
process.send?.(says);
await once(process, "message");
const kept = listCaptures(folder.path, 10 * rounds).captures.length;
const did: InterceptDid = { counted, kept, keptMs };
process.send?.(did);
process.disconnect?.();
