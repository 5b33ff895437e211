import type { Migration } from "../migration.ts";

export const signalPause: Migration = {
  number: 612,
  name: "signal-pause",
  async up(execute, { integer }) {
    await execute(`ALTER TABLE signal_destinations ADD COLUMN paused_at ${integer}`);
    await execute(`ALTER TABLE signal_destinations ADD COLUMN old_secret_ends_at ${integer}`);
  },
};
