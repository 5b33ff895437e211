import { pino, type DestinationStream, type Logger } from "pino";
import { hideKeys } from "./redact.ts";

export { hideKeys };
export type { Logger };

/** Fields that never reach a log, at any depth of two; secrets held as `Secret` print as `[secret]` anyway. */
const redacted = [
  "authorization",
  "proxyAuthorization",
  '["proxy-authorization"]',
  "cookie",
  '["set-cookie"]',
  "password",
  "secret",
  "token",
  "key",
  "apiKey",
  "credential",
  "credentials",
];

/** The root logger of one program: one JSON object a line, UTC time, credentials removed. */
export function createLogger(name: string, level: string, destination?: DestinationStream): Logger {
  const deep = (path: string): string => (path.startsWith("[") ? `*${path}` : `*.${path}`);
  return pino(
    {
      name,
      level,
      base: { name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: [...redacted, ...redacted.map(deep)], censor: "[redacted]" },
      hooks: { streamWrite: hideKeys },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  );
}
