import type { Migration } from "../migration.ts";

export const signalDelivery: Migration = {
  number: 601,
  name: "signal-delivery",
  async up(execute, { integer, strict }) {
    await execute(`CREATE TABLE signal_destinations (
      org_id TEXT NOT NULL REFERENCES orgs,
      destination_id TEXT NOT NULL,
      name TEXT NOT NULL,
      format TEXT NOT NULL,
      host TEXT NOT NULL,
      sealed TEXT,
      min_severity TEXT NOT NULL,
      categories TEXT,
      created_at ${integer} NOT NULL,
      created_by TEXT NOT NULL,
      last_delivered_at ${integer},
      last_error TEXT,
      removed_at ${integer},
      PRIMARY KEY (org_id, destination_id)
    ) ${strict}`);
    await execute(`CREATE TABLE signal_deliveries (
      org_id TEXT NOT NULL REFERENCES orgs,
      destination_id TEXT NOT NULL,
      delivery_id TEXT NOT NULL,
      event TEXT NOT NULL,
      attempts ${integer} NOT NULL,
      created_at ${integer} NOT NULL,
      PRIMARY KEY (org_id, destination_id, delivery_id)
    ) ${strict}`);
  },
};
