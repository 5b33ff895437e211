import test from "ava";
import fc from "fast-check";
import { callSet } from "../normalise/call-set.ts";
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

test("packed calls are the calls that whole sightings make, whatever names they share", (t) => {
  fc.assert(
    fc.property(fc.array(sighting, { maxLength: 12 }), (all) => {
      const [plain, packed] = [callSet(), packedCalls()];
      for (const one of all) {
        plain.add(one);
        packed.add(one);
      }
      const sorted = (calls: Iterable<Sighting>) =>
        [...calls]
          .map((call) => ({ ...call, aliases: call.aliases.toSorted() }))
          .sort((a, b) => (a.callId < b.callId ? -1 : 1));
      t.deepEqual(sorted(packed.calls()), sorted(plain.calls()));
      t.is(packed.size, plain.size);
    }),
    { numRuns: 1000 },
  );
});
