import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A listener whose program is stopped and whose queue is full: the kernel drops every further SYN, as a dead host would. */
export async function startDeafTarget(): Promise<AsyncDisposable & { readonly port: number }> {
  const script = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () { console.log(this.address().port) })`;
  const child = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(line.toString());
  child.kill("SIGSTOP");
  const fillers: Socket[] = [];
  for (let index = 0; index < 8; index += 1) {
    fillers.push(connect(port, "127.0.0.1").on("error", () => undefined));
  }
  await once(fillers[0] ?? child, "connect");
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
