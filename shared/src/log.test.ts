import { Writable } from "node:stream";
import test from "ava";
import { mintKey } from "./keys.ts";
import { createLogger } from "./log.ts";
import { Secret } from "./secret.ts";

test("no credential reaches the log: not as a field, not inside a text, not in an error", (t) => {
  const lines: string[] = [];
  const log = createLogger(
    "test",
    "info",
    new Writable({ write: (chunk: Buffer, _, done) => (lines.push(chunk.toString()), done()) }),
  );
  const key = mintKey("org");
  log.info(
    { authorization: "Basic abc", headers: { "proxy-authorization": "Basic abc", cookie: "s=1" } },
    "head",
  );
  log.info({ url: `https://a%40b.c:${key.text}@proxy` }, "proxy");
  log.error({ err: new Error(`refused ${key.text}`), secret: new Secret("hunter2") }, "failed");
  const text = lines.join("");
  t.false(/Basic abc|s=1|hunter2/.test(text));
  t.false(text.includes(key.text.slice(13)));
  t.true(text.includes(`fsk_${key.keyId}…`));
});
