import { once } from "node:events";
import cluster from "node:cluster";
import { InvalidArgumentError, type Command } from "commander";
import { createProgram } from "@flowstate/shared/cli";
import { reportFindings } from "@flowstate/shared/findings";
import { untilSignal } from "@flowstate/shared/lifecycle";
import { readCertificate } from "./accept/certificate.ts";
import { compose } from "./compose.ts";
import { readConfig, type Config } from "./config.ts";
import { diagnose } from "./doctor.ts";
import { version } from "./version.ts";
import { superviseWorkers } from "./workers/supervisor.ts";
import { serveAsWorker } from "./workers/worker.ts";

/** `flowstate-proxy`. */
export function proxyProgram(env: NodeJS.ProcessEnv): Command {
  const program = createProgram("flowstate-proxy", "The Flowstate forward proxy", version);
  program
    .command("serve")
    .description("run the proxy; SIGHUP replaces its workers one by one")
    .option("--workers <number>", "processes that share the port, one per core", parseWorkers)
    .action(({ workers }: { readonly workers?: number }) => {
      const config = readConfig(env);
      if (cluster.isWorker) return serveAsWorker(config);
      return workers === undefined ? serve(config) : serveWithWorkers(config, workers);
    });
  program
    .command("check-config")
    .description("read every setting and the certificate, and say what is wrong")
    .action(() => {
      readCertificate(readConfig(env));
      process.stdout.write("the settings are in order\n");
    });
  program
    .command("doctor")
    .description("check everything that keeps the proxy from serving, without starting it")
    .action(async () => reportFindings(await diagnose(env)));
  return program;
}

async function serve(config: Config): Promise<void> {
  const stop = untilStopped();
  await using proxy = await compose(config);
  announce(proxy);
  await stop;
}

async function serveWithWorkers(config: Config, count: number): Promise<void> {
  const stop = untilStopped();
  await using workers = await superviseWorkers(config, count);
  process.on("SIGHUP", () => void workers.restart());
  announce(workers);
  await stop;
}

/** A stop signal, or the end of whoever started this program. */
function untilStopped(): Promise<unknown> {
  return Promise.race([untilSignal(), once(process, "disconnect")]);
}

function announce({ address, admin }: { readonly address: string; readonly admin: string | null }): void {
  process.send?.({ type: "ready", address, admin });
  if (process.send === undefined) process.stdout.write(`Flowstate proxy: ${address} (admin ${admin})\n`);
}

function parseWorkers(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError("it must be a whole number of 1 or more");
  return count;
}
