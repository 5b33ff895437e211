import { join } from "node:path";
import { FlowstateError, systemCode } from "@flowstate/shared/errors";
import { openSqlite } from "@flowstate/shared/sqlite";

/**
 * Holds a data folder for one daemon, after waiting some seconds for one that is just stopping. The lock is the
 * operating system's on an open file: it ends with the process however that ends. Throws FS_ALREADY_RUNNING.
 */
export function claimInstance(dataFolder: string): Disposable {
  return claimFile(
    join(dataFolder, "instance.db"),
    () => new FlowstateError("FS_ALREADY_RUNNING", `another agent runs with the data folder ${dataFolder}`),
  );
}

/** The same for one upgrade of a program. Throws FS_CONFLICT. */
export function claimUpgrade(file: string): Disposable {
  return claimFile(file, () => new FlowstateError("FS_CONFLICT", "an upgrade is under way"));
}

function claimFile(file: string, taken: () => FlowstateError): Disposable {
  const db = openSqlite(file);
  try {
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (systemCode(error) !== "SQLITE_BUSY") throw error;
    throw taken();
  }
  return { [Symbol.dispose]: () => void db.close() };
}
