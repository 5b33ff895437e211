import type { Migration } from "../migration.ts";

export const oauthAccounts: Migration = {
  number: 563,
  name: "oauth-accounts",
  async up(execute, { engine, integer }) {
    await execute("ALTER TABLE oauth_records ADD COLUMN account_id TEXT");
    await execute(`ALTER TABLE oauth_records ADD COLUMN used_at ${integer}`);
    const account =
      engine === "sqlite" ? "payload ->> 'accountId'" : "CAST(payload AS JSONB) ->> 'accountId'";
    await execute(`UPDATE oauth_records SET account_id = ${account} WHERE model = 'Grant'`);
    await execute("CREATE INDEX oauth_records_by_account ON oauth_records (account_id)");
  },
};
