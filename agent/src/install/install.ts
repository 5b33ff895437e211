import { isDeepStrictEqual } from "node:util";
import { join } from "node:path";
import {
  applyChange,
  makeFolders,
  revertChange,
  traceOf,
  type Change,
  type Hands,
  type Trace,
} from "../machine/change.ts";
import { withRightsOf } from "../machine/rights.ts";
import { version } from "../version.ts";
import { removeData } from "./data.ts";
import { planInstallation, type Installation } from "./plan.ts";
import { forgetUpgrades, readRecord, recordChange, recordFile, type InstallRecord } from "./record.ts";

/**
 * Makes the machine what the installation says, whatever an earlier one has made of it: what is the same stays, what has
 * changed is replaced, and what is no longer wanted goes. The record of it is there before the first change, so that
 * an installation that was interrupted can be taken back, too.
 */
export async function install(
  installation: Installation,
  hands: Hands,
  { asBefore = false }: InstallOptions = {},
): Promise<void> {
  const { platform, scope, person, dataFolder } = installation;
  const file = recordFile(platform, scope, person.home);
  const before = readRecord(join(hands.root, file));
  const earlier = before?.traces ?? [];
  const known = (name: string): Trace | null => earlier.find((trace) => trace.name === name) ?? null;
  const authority = installation.authority?.sha256 ?? null;
  // An upgrade does not take another control plane over: it would be the next one's source.
  const { controlPlane } = asBefore && before !== null ? before : installation;
  const record = { version, scope, person, dataFolder, controlPlane, authority, traces: [] };
  const planned = planInstallation(installation);
  const changes = planned.filter(({ name }) => !asBefore || !choices.has(name) || known(name) !== null);
  const traces = [recordChange(file, record), ...changes].map((change) =>
    traceOf(change, hands, known(change.name)),
  );
  const write = (written: readonly Trace[]): Promise<void> =>
    applyChange(recordChange(file, { ...record, traces: written }), hands);

  const obsolete = obsoleteOf(earlier, traces);
  await write([...traces, ...obsolete]);
  withRightsOf(person.owner, () => makeFolders(join(hands.root, dataFolder), 0o700));
  for (const trace of obsolete.toReversed()) await revertChange(trace, hands);
  for (const change of changes) await applyChange(asBefore ? withoutStoppingUpdater(change) : change, hands);
  await write(traces);
}

export interface InstallOptions {
  /**
   * The program alone is another one, and the updater does this: what the earlier installation left alone is left alone,
   * and the updater itself is not stopped.
   */
  readonly asBefore?: boolean;
}

/** Somebody has decided about these when they installed; an upgrade that nobody looks at does not decide anew. */
const choices = new Set(["trust", "tools", "telemetry"]);

/** The updater runs this: stopped with its timer, it could not bring it to an end. */
function withoutStoppingUpdater(change: Change): Change {
  return change.name === "updater" ? { ...change, toStop: [], afterInstall: [] } : change;
}

/** What an earlier installation left and this one does not make: whole changes, and single files of those it does. */
function obsoleteOf(earlier: readonly Trace[], traces: readonly Trace[]): readonly Trace[] {
  return earlier.flatMap((old) => {
    const now = traces.find(({ name }) => name === old.name);
    if (now === undefined) return [old];
    const files = old.files.filter((path) => !now.files.includes(path));
    const lines = old.lines.filter((path) => !now.lines.includes(path));
    const values = old.values.filter((each) => !now.values.some((other) => isDeepStrictEqual(each, other)));
    if (files.length + lines.length + values.length === 0) return [];
    return [
      {
        ...old,
        files,
        lines,
        values,
        newFolders: [],
        toStop: [],
        toUnmake: [],
        beforeRemove: [],
        afterRemove: [],
      },
    ];
  });
}

/**
 * Takes an installation back without a trace, its data too unless they are to be kept. What fails does not keep the rest
 * from being done: it stays in the record for another try, and the first failure is thrown.
 */
export async function uninstall(
  record: InstallRecord,
  { keepData, ...hands }: Hands & { readonly keepData: boolean },
): Promise<void> {
  const { dataFolder, person, scope } = record;
  withRightsOf(scope === "user" ? person.owner : null, () => forgetUpgrades(record, hands.root));
  const failures: unknown[] = [];
  const left: Trace[] = [];
  const [own, ...traces] = record.traces;
  for (const trace of traces.toReversed()) {
    await revertChange(trace, hands).catch((error: unknown) => {
      failures.push(error);
      left.unshift(trace);
    });
  }
  if (!keepData) withRightsOf(person.owner, () => removeData(join(hands.root, dataFolder)));
  if (own === undefined) return;
  if (failures.length === 0) return revertChange(own, hands);
  await applyChange(recordChange(own.files[0] ?? "", { ...record, traces: [own, ...left] }), hands);
  throw failures[0];
}
