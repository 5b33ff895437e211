import test from "ava";
import fc from "fast-check";
import { mergeSightings } from "../normalise/merge.ts";
import { logSighting, type Sighting } from "../normalise/sighting.ts";
import { packedCalls } from "./packed-calls.ts";

const count = fc.option(fc.nat(1_000_000), { nil: null });
const sighting: fc.Arbitrary<Sighting> = fc
  .record({
    callId: fc.constantFrom("a", "b", "c", "d"),
    aliases: fc.uniqueArray(fc.constantFrom("c", "d", "x", "y"), { maxLength: 2 }),
    session: fc.constantFrom(null, "s1", "s2"),
    at: fc.nat(1_700_000_000_000),
    tokens: fc.record({
      input: count,
      output: count,
      cacheRead: count,
      cacheWrite5m: count,
      cacheWrite1h: count,
      reasoning: count,
    }),
    least: count,
    stopped: count,
    blocks: fc.option(fc.dictionary(fc.constantFrom("text:1", "toolu_1"), fc.nat(99)), { nil: null }),
    durationMs: count,
  })
  .map(({ callId, aliases, session, at, tokens, least, stopped, blocks, durationMs }) =>
    logSighting({
      callId,
      aliases: aliases.filter((alias) => alias !== callId),
      tool: "t",
      provider: "p",
      model: session,
      place: { occurredAt: at, sessionId: session },
      tokens,
      evidence: { declared: "floor", least, stopped, blocks },
      durationMs,
    }),
  );

const namesOf = ({ callId, aliases }: Sighting): readonly string[] => [callId, ...aliases];

/** Whole sightings, each merged with all that share a name with it. */
function plainly(all: readonly Sighting[]): readonly Sighting[] {
  let calls: readonly Sighting[] = [];
  for (const one of all) {
    const names = new Set(namesOf(one));
    const isSame = (call: Sighting): boolean => namesOf(call).some((name) => names.has(name));
    const merged = calls.filter(isSame).reduce((sum, call) => mergeSightings(call, sum), one);
    calls = [...calls.filter((call) => !isSame(call)), merged];
  }
  return calls;
}

test("packed calls are the calls that whole sightings make, whatever names they share", (t) => {
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 12 }), (all) => {
      const packed = packedCalls();
      for (const one of all) packed.add(one);
      const plain = plainly(all);
      const sorted = (calls: Iterable<Sighting>) =>
        [...calls]
          .map((call) => ({ ...call, aliases: call.aliases.toSorted() }))
          .sort((a, b) => (a.callId < b.callId ? -1 : 1));
      t.deepEqual(sorted(packed.calls()), sorted(plain));
      t.is(packed.size, plain.length);
    }),
    { numRuns: 1000 },
  );
});
