import { pino, type DestinationStream, type Logger } from "pino";

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

const keyInText = /\b(fs[ksuap]_[A-Za-z0-9]{8})_[A-Za-z0-9]{43}_[A-Za-z0-9]{6}\b/g;

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

/** Cuts our own keys down to their public id, wherever in a text they stand. */
export function hideKeys(text: string): string {
  return text.replace(keyInText, "$1…");
}
