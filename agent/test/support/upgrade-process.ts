/** An upgrade of a stand-in in a process of its own, so that it can be killed. Says each line to its parent. */
import * as v from "valibot";
import { Secret } from "@flowstate/shared/secret";
import { offeredRelease } from "@flowstate/shared/wire/release";
import { upgrade } from "../../src/update/upgrade.ts";
import { upgradingOf } from "./stand-in.ts";

const [folder = "", releaseKey = "", controlPlane = "", release = ""] = process.argv.slice(2);
const upgrading = upgradingOf({ folder, releaseKey }, (line) => process.send?.(line));
const access = { controlPlane: new URL(controlPlane), credential: new Secret("Basic eDp5") };
const signal = AbortSignal.timeout(60_000);
await upgrade(access, v.parse(offeredRelease, JSON.parse(release)), upgrading, signal);
process.disconnect?.();
