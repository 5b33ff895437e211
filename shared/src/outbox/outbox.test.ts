import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import fc from "fast-check";
import { temporaryFolder } from "../testing/temp.ts";
import { deliver, flush, type Delivery } from "./deliver.ts";
import { openOutbox, type OutboxBatch } from "./outbox.ts";

test("rows leave in order, come again until acknowledged, and then never", (t) => {
  using folder = temporaryFolder();
  using outbox = openOutbox({ file: join(folder.path, "outbox.db") });
  outbox.append(["a", "b", "c"]);
  t.deepEqual(outbox.peek(2)?.rows, [
    { seq: 1, body: "a" },
    { seq: 2, body: "b" },
  ]);
  t.deepEqual(outbox.peek(2)?.rows, outbox.peek(2)?.rows);
  outbox.acknowledge(2);
  t.deepEqual(outbox.peek(9)?.rows, [{ seq: 3, body: "c" }]);
  outbox.acknowledge(3);
  t.is(outbox.peek(9), null);
  t.deepEqual(outbox.depth(), { rows: 0, bytes: 0 });
});

test("a reopened outbox keeps its source and never uses a sequence number again", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "outbox.db");
  const first = openOutbox({ file });
  first.append(["a"]);
  first.acknowledge(1);
  const { source } = first;
  first[Symbol.dispose]();
  using second = openOutbox({ file });
  second.append(["b"]);
  t.is(second.source, source);
  t.deepEqual(second.peek(9)?.rows, [{ seq: 2, body: "b" }]);
});

test("a full outbox refuses loudly and keeps what it holds", (t) => {
  using folder = temporaryFolder();
  using outbox = openOutbox({ file: join(folder.path, "outbox.db"), maxBytes: 4 });
  outbox.append(["abc"]);
  const error = t.throws(() => outbox.append(["de"]));
  t.like(error, { code: "FS_UNAVAILABLE" });
  t.deepEqual(outbox.depth(), { rows: 1, bytes: 3 });
});

test("a file that is no database is named and left alone", (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "outbox.db");
  writeFileSync(file, "this is not a database, and long enough to be taken for one".repeat(20));
  t.like(
    t.throws(() => openOutbox({ file })),
    { code: "FS_FILE_CORRUPT" },
  );
});

test("who waits for rows is woken by the first, at once where some wait, and by a stop", async (t) => {
  using folder = temporaryFolder();
  using outbox = openOutbox({ file: join(folder.path, "outbox.db") });
  const never = new AbortController().signal;
  const first = outbox.filled(never);
  outbox.append(["a"]);
  await first;
  await outbox.filled(never);
  outbox.acknowledge(1);
  const stop = new AbortController();
  const second = outbox.filled(stop.signal);
  stop.abort();
  await second;
  t.is(outbox.peek(1), null);
});

test("whatever the other side answers, every row arrives, in order, and doubles are recognisable", async (t) => {
  const answer = fc.constantFrom<"done" | "lost answer" | "retry">("done", "lost answer", "retry");
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string(), { maxLength: 30 }),
      fc.array(answer, { maxLength: 30 }),
      async (bodies, answers) => {
        using folder = temporaryFolder();
        using outbox = openOutbox({ file: join(folder.path, "outbox.db") });
        for (const body of bodies) outbox.append([body]);
        const received = new Map<number, string>();
        const stop = new AbortController();
        const send = (batch: OutboxBatch): Promise<Delivery> => {
          const next = answers.shift() ?? "done";
          if (next !== "retry") for (const { seq, body } of batch.rows) received.set(seq, body);
          if (next === "done" && received.size === bodies.length) stop.abort();
          return Promise.resolve(
            next === "done" ? { kind: "done" } : { kind: "retry", reason: next, afterMs: 0 },
          );
        };
        if (bodies.length > 0) {
          await deliver({
            outbox,
            send,
            signal: stop.signal,
            maxRows: 4,
            clock: { now: () => 0, sleep: () => Promise.resolve() },
          });
          await flush({ outbox, send }, AbortSignal.timeout(5000));
        }
        t.deepEqual([...received.values()], bodies);
        t.is(outbox.peek(1), null);
      },
    ),
    { numRuns: 30 },
  );
});

test("a process killed while it appends loses no row that append had returned for", async (t) => {
  using folder = temporaryFolder();
  const file = join(folder.path, "outbox.db");
  const script = join(folder.path, "writer.ts");
  writeFileSync(
    script,
    `import { writeSync } from "node:fs";
     import { openOutbox } from ${JSON.stringify(new URL("outbox.ts", import.meta.url).href)};
     const outbox = openOutbox({ file: ${JSON.stringify(file)} });
     for (let index = 1; ; index += 1) { outbox.append([String(index)]); writeSync(1, index + "\\n"); }`,
  );
  let returned = 0;
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  child.stdout.on("data", (chunk: Buffer) => {
    returned = Number(/(\d+)\n\d*$/.exec(chunk.toString())?.[1] ?? returned);
    if (returned >= 200) child.kill("SIGKILL");
  });
  await once(child, "close");
  using outbox = openOutbox({ file });
  const rows = outbox.peek(1_000_000)?.rows ?? [];
  t.true(rows.length >= returned && returned >= 200);
  t.true(rows.every(({ seq, body }) => body === String(seq)));
});
