import test from "ava";
import fc from "fast-check";
import { tokens, totalTokens } from "@flowstate/shared/tokens";
import { callOf, mergeCalls, mergeSightings, resolveCall } from "./merge.ts";
import { logSighting, sightingBy, type Sighting } from "./sighting.ts";

const count = fc.option(fc.nat(1000), { nil: null });
const trust = fc.constantFrom("final", "floor", "estimated" as const);

/** Accounts of one call, by any source, as different as sources can be. */
const sighting: fc.Arbitrary<Sighting> = fc
  .record({
    callId: fc.constantFrom("msg_1", "resp_1", "req_1"),
    aliases: fc
      .uniqueArray(fc.constantFrom("a", "b", "c"), { maxLength: 2 })
      .map((names) => names.toSorted()),
    capture: fc.constantFrom("session-log", "otlp", "intercept", "relay" as const),
    model: fc.constantFrom(null, "m1", "m2"),
    occurredAt: fc.nat(5),
    sidechain: fc.boolean(),
    sessionId: fc.constantFrom(null, "s1", "s2"),
    billing: fc.constantFrom("unknown", "plan", "metered" as const),
    counts: fc.record({
      input: count,
      output: count,
      cacheRead: count,
      cacheWrite5m: count,
      cacheWrite1h: count,
      reasoning: count,
    }),
    declared: trust,
    least: count,
    stopped: count,
    blocks: fc.option(fc.dictionary(fc.constantFrom("text:1", "toolu_1"), fc.nat(5000)), { nil: null }),
  })
  .map(
    ({
      callId,
      aliases,
      capture,
      model,
      occurredAt,
      sidechain,
      sessionId,
      billing,
      counts,
      declared,
      least,
      stopped,
      blocks,
    }) =>
      sightingBy(capture, {
        callId,
        aliases,
        tool: "t",
        provider: "p",
        model,
        place: { occurredAt, sidechain, sessionId },
        billing,
        tokens: counts,
        evidence: { declared, least, stopped, blocks },
      }),
  );

const merged = (all: readonly Sighting[]) => all.map(callOf).reduce((a, b) => mergeCalls(a, b));

test("any arrival order and any repetition give the same call", (t) => {
  fc.assert(
    fc.property(
      fc
        .array(sighting, { minLength: 1, maxLength: 6 })
        .chain((all) =>
          fc.tuple(fc.constant(all), fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2 })),
        ),
      ([all, shuffled]) => {
        t.deepEqual(resolveCall(merged(shuffled)), resolveCall(merged(all)));
        t.deepEqual(merged(shuffled).names, merged(all).names);
      },
    ),
    { numRuns: 1000 },
  );
});

test("how sightings are grouped on their way does not matter", (t) => {
  fc.assert(
    fc.property(sighting, sighting, sighting, (a, b, c) => {
      const [x, y, z] = [callOf(a), callOf(b), callOf(c)];
      t.deepEqual(resolveCall(mergeCalls(mergeCalls(x, y), z)), resolveCall(mergeCalls(x, mergeCalls(y, z))));
    }),
    { numRuns: 1000 },
  );
});

test("a merged call never has more tokens than its prompt and its output had at most", (t) => {
  fc.assert(
    fc.property(fc.array(sighting, { minLength: 1, maxLength: 6 }), (all) => {
      const log = all.map((one): Sighting => ({ ...one, capture: "session-log" }));
      const one = log.reduce((a, b) => mergeSightings(a, b));
      const prompts = log.map(({ tokens: counts }) => totalTokens({ ...counts, output: null }) ?? 0);
      t.is(totalTokens({ ...one.tokens, output: null }) ?? 0, Math.max(...prompts));
      t.is(one.tokens.output ?? 0, Math.max(...log.map(({ tokens: counts }) => counts.output ?? 0)));
    }),
  );
});

const at = (known: Partial<Sighting>): Sighting => ({
  ...logSighting({
    callId: "msg_1",
    tool: "claude-code",
    provider: "anthropic",
    model: "m",
    place: { occurredAt: 1 },
    tokens: tokens({ input: 1, output: 1, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 }),
  }),
  ...known,
});

test("the wire's output, the log's place and the log's split of cache writes make one call", (t) => {
  const log = at({
    tokens: tokens({ input: 10, output: 2, cacheRead: 5, cacheWrite5m: 30, cacheWrite1h: 70 }),
    evidence: { declared: "floor", least: 2, stopped: null, blocks: null },
    place: { occurredAt: 5, sidechain: false, sessionId: "s", cwd: "/src", parentCallId: null },
  });
  const otlp = at({
    capture: "otlp",
    tokens: tokens({ input: 10, output: 400, cacheRead: 5, cacheWrite5m: 100 }),
  });
  const { tokens: counts, sighting, outputTrust } = resolveCall(merged([otlp, log]));
  t.deepEqual(counts, {
    input: 10,
    output: 400,
    cacheRead: 5,
    cacheWrite5m: 30,
    cacheWrite1h: 70,
    reasoning: null,
  });
  t.is(sighting.place.cwd, "/src");
  t.is(outputTrust, "final");
});

test("a copy in a side branch belongs to the original conversation", (t) => {
  const branch = at({
    place: { occurredAt: 1, sidechain: true, sessionId: "branch", cwd: null, parentCallId: null },
  });
  const original = at({
    place: { occurredAt: 9, sidechain: false, sessionId: "main", cwd: null, parentCallId: null },
  });
  t.is(mergeSightings(branch, original).place.sessionId, "main");
});
