/** How the policy reaches an agent: by a stream where one comes through, by a question that waits where none does. */
import test from "ava";
import { WebSocket } from "ws";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { Secret } from "@flowstate/shared/secret";
import { settableClock } from "@flowstate/shared/testing/clock";
import { until } from "@flowstate/shared/testing/until";
import { startPolicyDesk, type FakePolicyDesk } from "../../test/support/policy-desk.ts";
import { followPolicy } from "./follow.ts";
import type { KeptPolicy } from "./kept.ts";

interface Follower extends AsyncDisposable {
  /** Versions as they came. */
  readonly versions: readonly (number | null)[];
  readonly problems: readonly string[];
  readonly heard: number;
  readonly ended: Promise<void>;
}

function follow(
  desk: FakePolicyDesk,
  {
    clock = systemClock,
    kept = null,
    onPolicy = () => undefined,
  }: { clock?: Clock; kept?: KeptPolicy | null; onPolicy?: (kept: KeptPolicy) => void } = {},
): Follower {
  const stopping = new AbortController();
  const versions: (number | null)[] = [];
  const problems: string[] = [];
  let heard = 0;
  const ended = followPolicy(
    {
      controlPlane: new URL(desk.url),
      credential: new Secret("Basic eDp5"),
      clock,
      kept,
      onPolicy(news) {
        versions.push(news.policy.version);
        onPolicy(news);
      },
      onHeard: () => (heard += 1),
      onProblem: (reason) => problems.push(reason),
    },
    stopping.signal,
  );
  ended.catch(() => undefined);
  return {
    versions,
    problems,
    get heard() {
      return heard;
    },
    ended,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await ended.catch(() => undefined);
    },
  };
}

const opened = (desk: FakePolicyDesk): Promise<WebSocket> =>
  until("a stream", () => [...desk.streams].find(({ readyState }) => readyState === WebSocket.OPEN));

test("the first answer is asked for, and all that follows is pushed", async (t) => {
  await using desk = await startPolicyDesk();
  desk.put({ version: 1 });
  await using agent = follow(desk);
  await opened(desk);
  t.deepEqual(agent.versions, [1]);
  for (const version of [2, 3]) desk.put({ version });
  await until("the news", () => agent.versions.length === 3);
  t.deepEqual(agent.versions, [1, 2, 3]);
  t.is(desk.asked, 1);
});

test("a stream begins with what came since the last answer, and with nothing that is known", async (t) => {
  await using desk = await startPolicyDesk();
  desk.put({ version: 1 });
  const told: KeptPolicy[] = [];
  await using agent = follow(desk, { onPolicy: (news) => told.push(news) });
  const stream = await opened(desk);
  t.deepEqual(desk.known, [told[0]?.etag]);
  await using again = follow(desk, { kept: told[0] ?? null });
  await until("its stream", () => desk.known.length === 2);
  t.deepEqual(desk.known, [told[0]?.etag, told[0]?.etag]);
  t.deepEqual(again.versions, []);
  desk.upgrades = "refused";
  stream.terminate();
  desk.put({ version: 2 });
  await until("what was missed", () => agent.versions.length === 2);
  t.deepEqual(agent.versions, [1, 2]);
});

for (const upgrades of ["refused", "swallowed"] as const) {
  test(`where streams are ${upgrades} on the way, a question waits for the news`, async (t) => {
    await using desk = await startPolicyDesk();
    desk.upgrades = upgrades;
    await using agent = follow(desk);
    await until("the question", () => desk.waiting === 1);
    desk.put({ version: 1 });
    await until("the news", () => agent.versions.includes(1));
    t.is(desk.streams.size, 0);
    t.deepEqual(agent.problems, []);
  });
}

test("where streams come through again, the waiting question is given up for one", async (t) => {
  await using desk = await startPolicyDesk();
  desk.upgrades = "refused";
  const clock = settableClock();
  await using agent = follow(desk, { clock });
  await until("the question", () => desk.waiting === 1);
  desk.upgrades = "opened";
  clock.advance(900_000);
  desk.put({ version: 1 });
  await opened(desk);
  await until("the question to be given up", () => desk.waiting === 0);
  desk.put({ version: 2 });
  await until("the news", () => agent.versions.includes(2));
  t.is(desk.waiting, 0);
});

test("a stream that ends is followed by a question and by the next stream", async (t) => {
  await using desk = await startPolicyDesk();
  const clock = settableClock();
  await using agent = follow(desk, { clock });
  const first = await opened(desk);
  clock.advance(61_000);
  first.close(1001);
  const next = await until("the next", () =>
    [...desk.streams].find((stream) => stream !== first && stream.readyState === WebSocket.OPEN),
  );
  t.not(next, first);
  desk.put({ version: 1 });
  await until("the news", () => agent.versions.includes(1));
  t.is(agent.versions.filter((version) => version === 1).length, 1);
});

test("pings say that the control plane is there, and where none come the stream is given up", async (t) => {
  await using desk = await startPolicyDesk();
  const clock = settableClock();
  await using agent = follow(desk, { clock });
  const stream = await opened(desk);
  for (const round of [1, 2, 3]) {
    clock.advance(40_000);
    const heard = agent.heard;
    stream.ping();
    await until(`ping ${round} to be heard`, () => agent.heard > heard);
  }
  t.is(stream.readyState, WebSocket.OPEN);
  clock.advance(76_000);
  await until("the stream to be given up", () => stream.readyState === WebSocket.CLOSED);
  await opened(desk);
});

test("what a later version says besides is passed over, and a policy that is not understood is asked for", async (t) => {
  await using desk = await startPolicyDesk();
  await using agent = follow(desk);
  const stream = await opened(desk);
  stream.send(JSON.stringify({ type: "of-another-day" }));
  desk.put({ version: 1 });
  await until("the news", () => agent.versions.includes(1));
  t.is(stream.readyState, WebSocket.OPEN);
  const asked = desk.asked;
  desk.upgrades = "refused";
  stream.send(JSON.stringify({ type: "policy", etag: "x", policy: { version: "two" } }));
  await until("the question", () => desk.asked > asked);
  t.is(stream.readyState, WebSocket.CLOSED);
  t.deepEqual(agent.versions.slice(-1), [1]);
});

test("no stream is tried while questions fail, and the failure is told", async (t) => {
  await using desk = await startPolicyDesk();
  desk.status = 401;
  await using agent = follow(desk);
  await until("two questions", () => desk.asked >= 2);
  t.is(agent.problems[0], "the control plane refuses the key or the e-mail (401)");
  t.deepEqual(desk.known, []);
  desk.status = null;
  await opened(desk);
});

test("what the disk says of the news ends the following, also where a stream brought it", async (t) => {
  await using desk = await startPolicyDesk();
  await using agent = follow(desk, {
    onPolicy({ policy }) {
      if (policy.version === 1) throw new Error("no space left");
    },
  });
  await opened(desk);
  desk.put({ version: 1 });
  await t.throwsAsync(agent.ended, { message: "no space left" });
});
