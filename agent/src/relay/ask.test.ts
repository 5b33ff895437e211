import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import test from "ava";
import { freePort } from "@flowstate/shared/testing/free-port";
import { ask, readText } from "./ask.ts";

const { signal } = new AbortController();

async function serve(answer: RequestListener): Promise<AsyncDisposable & { readonly url: URL }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/here`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("a question is asked with its fields and body, and the answer is read", async (t) => {
  await using server = await serve((request, response) => {
    request.pipe(response.setHeader("x-seen", `${request.method} ${request.headers["content-length"]}`));
  });
  const answer = await ask(server.url, { method: "POST", body: "größer", signal });
  t.is(answer.statusCode, 200);
  t.is(answer.headers["x-seen"], "POST 8");
  t.is(await readText(answer, 8), "größer");
});

test("a redirect is an answer and is not followed: the credential is for whom it was sent to", async (t) => {
  let asked = 0;
  await using server = await serve((_, response) => {
    asked += 1;
    response.writeHead(307, { location: "/there" }).end();
  });
  const answer = await ask(server.url, { headers: { authorization: "Basic eA==" }, signal });
  t.is(await readText(answer, 100), "");
  t.is(answer.statusCode, 307);
  t.is(asked, 1);
});

test("an answer that is too long, breaks off or takes too long is an error", async (t) => {
  await using long = await serve((_, response) => response.end("x".repeat(101)));
  await t.throwsAsync(readText(await ask(long.url, { signal }), 100), { message: /longer than 100 bytes/ });

  await using broken = await serve((_, response) => {
    response.writeHead(200, { "content-length": "10" });
    response.write("half", () => response.destroy());
  });
  await t.throwsAsync(readText(await ask(broken.url, { signal }), 100), { code: "ECONNRESET" });

  await using slow = await serve((_, response) => response.writeHead(200).flushHeaders());
  const stop = new AbortController();
  const answer = await ask(slow.url, { signal: stop.signal });
  stop.abort();
  await t.throwsAsync(readText(answer, 100), { code: "ECONNRESET" });
});

test("nobody who listens is an error of the connection", async (t) => {
  const nobody = new URL(`http://127.0.0.1:${await freePort()}`);
  await t.throwsAsync(ask(nobody, { signal }), { code: "ECONNREFUSED" });
});
