import test from "ava";
import fc from "fast-check";
import { chainStart, entryHash, followChain, type AuditRecord, type ChainedRecord } from "./chain.ts";

const text = fc.string({ maxLength: 20 });
const facts = fc.array(
  fc.record({ actor: text, action: text, target: fc.option(text), detail: fc.option(text), at: fc.nat() }),
  { minLength: 1, maxLength: 8 },
);

type Fact = Omit<AuditRecord, "orgId" | "sequence">;

function chain(entries: readonly Fact[]): ChainedRecord[] {
  let previousHash = chainStart.hash;
  return entries.map((fact, index) => {
    const record = { ...fact, orgId: "o", sequence: BigInt(index + 1) };
    const hash = entryHash(previousHash, record);
    const chained = { ...record, previousHash, hash };
    previousHash = hash;
    return chained;
  });
}

test("an untouched chain leads to its last entry", (t) => {
  fc.assert(
    fc.property(facts, (entries) => {
      const built = chain(entries);
      t.deepEqual(followChain(chainStart, built), {
        point: { sequence: BigInt(built.length), hash: built.at(-1)?.hash },
      });
    }),
  );
});

test("a changed entry is named, whichever field was changed", (t) => {
  const changes = [
    { actor: "else\u0000" },
    { action: "else\u0000" },
    { target: "else\u0000" },
    { detail: "else\u0000" },
    { at: -1 },
    { orgId: "p" },
  ];
  fc.assert(
    fc.property(facts, fc.nat(), fc.constantFrom(...changes), (entries, place, change) => {
      const built = chain(entries);
      const index = place % built.length;
      const forged = built.map((entry, each) => (each === index ? { ...entry, ...change } : entry));
      t.deepEqual(followChain(chainStart, forged), { sequence: BigInt(index + 1), fault: "changed" });
    }),
  );
});

test("an entry that was taken out is missing, and one with a recomputed hash is not linked", (t) => {
  const fact = { actor: "a", action: "b", target: null, detail: null, at: 1 };
  const built = chain([fact, fact, fact]);
  t.deepEqual(followChain(chainStart, built.toSpliced(1, 1)), { sequence: 2n, fault: "missing" });
  const rehashed = built.map((entry, index) => {
    const changed = { ...entry, detail: "else" };
    return index === 0 ? { ...changed, hash: entryHash(changed.previousHash, changed) } : entry;
  });
  t.deepEqual(followChain(chainStart, rehashed), { sequence: 2n, fault: "not_linked" });
});
