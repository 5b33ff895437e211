/** Copilot CLI's own store, as SQL. */
export const copilotStore = `CREATE TABLE sessions (id TEXT PRIMARY KEY, cwd TEXT);
  CREATE TABLE assistant_usage_events (id INTEGER PRIMARY KEY, session_id TEXT, model TEXT, input_tokens INTEGER,
    output_tokens INTEGER, cache_read_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER,
    created_at TEXT);
  INSERT INTO sessions VALUES ('s', '/src');`;

/** One request in it. */
export function copilotRequest(id: number): string {
  return `INSERT INTO assistant_usage_events VALUES (${id}, 's', 'gpt-x', 100, 7, 0, 0, 0, '2026-11-20T12:00:00Z');`;
}
