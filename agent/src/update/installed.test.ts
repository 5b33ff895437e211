import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { machine, noFlags } from "../../test/support/machine.ts";
import { install } from "../install/install.ts";
import { prepare, type Surroundings } from "../install/prepare.ts";
import { findInstalled, keyToUpgradeWith } from "./installed.ts";

const { publicKey } = generateReleaseKey();

test("the program that runs is the installed one, by whatever path it was started, or it is not upgraded", async (t) => {
  using at = machine("linux");
  const file = join(at.root, "flowstate-packaged");
  writeFileSync(file, "program 1");
  const run = (file: string): Surroundings => ({ ...at.surroundings, program: { kind: "executable", file } });
  const before = findInstalled(run(file));
  t.like(before, { ok: false, reason: "FS_NOT_FOUND" }, "nothing is installed");
  await install(prepare({ ...noFlags, releaseKey: publicKey }, run(file)), at.hands);
  const target = join(at.root, "/usr/local/bin/flowstate");
  const link = join(at.root, "link");
  symlinkSync(target, link);
  for (const started of [target, link])
    t.like(findInstalled(run(started)), {
      ok: true,
      value: {
        target,
        key: { text: publicKey },
        journalFile: join(at.root, "/var/lib/flowstate/upgrade.json"),
        record: { scope: "system" },
      },
    });
  const copy = join(at.root, "copy");
  copyFileSync(target, copy);
  const others: readonly Surroundings[] = [
    run(copy),
    run(file),
    run(join(at.root, "absent")),
    at.surroundings,
    { ...run(target), platform: "aix" },
  ];
  const codes = others.map((each) => findInstalled(each)).map((found) => (found.ok ? "found" : found.reason));
  t.deepEqual(codes, [
    "FS_NOT_FOUND",
    "FS_NOT_FOUND",
    "FS_NOT_FOUND",
    "FS_INPUT_INVALID",
    "FS_INPUT_INVALID",
  ]);
});

test("a machine's agent is upgraded by an administrator, and only with a key", async (t) => {
  using at = machine("linux");
  mkdirSync(join(at.root, "/usr/local/bin"), { recursive: true });
  const file = join(at.root, "flowstate-packaged");
  writeFileSync(file, "program 1");
  await install(prepare(noFlags, { ...at.surroundings, program: { kind: "executable", file } }), at.hands);
  const program = { kind: "executable", file: join(at.root, "/usr/local/bin/flowstate") } as const;
  const found = findInstalled({ ...at.surroundings, program });
  if (!found.ok) return t.fail(found.detail);
  t.like(keyToUpgradeWith(found.value, 1000), { ok: false, reason: "FS_FORBIDDEN" });
  t.like(keyToUpgradeWith(found.value, 0), { ok: false, reason: "FS_CONFIG_INVALID" });
  t.false(
    at.ran.some((command) => command.includes("flowstate-upgrade")),
    "without a key there is no updater",
  );
  const personal = { ...found.value, record: { ...found.value.record, scope: "user" as const } };
  t.like(keyToUpgradeWith(personal, 1000), { ok: false, reason: "FS_CONFIG_INVALID" });
});
