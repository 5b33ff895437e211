/**
 * `npm run release-key -w agent -- FILE`: a new pair of keys for releases. The private half goes into the file, which is
 * to be kept offline; the public half, which devices are installed with, is printed.
 */
import { existsSync, writeFileSync } from "node:fs";
import { generateReleaseKey } from "@flowstate/shared/release-signature";
import { callerPath } from "./caller-path.ts";

const [given, ...rest] = process.argv.slice(2);
const file = callerPath(given ?? "");
// Never over a key that is there: what devices trust could not be signed any more.
if (given === undefined || rest.length > 0 || existsSync(file)) {
  process.stderr.write("say which file the private key is to be written to; it must not exist\n");
  process.exit(64);
}
const { privatePem, publicKey } = generateReleaseKey();
writeFileSync(file, privatePem, { mode: 0o600, flag: "wx" });
process.stdout.write(`${publicKey}\n`);
