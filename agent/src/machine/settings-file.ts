/**
 * Settings as lines of `NAME="value"`, in the form that a POSIX shell, systemd (systemd.exec(5), EnvironmentFile) and
 * this program read alike. Names of the agent only: such a file is no place for other variables.
 */
export type Settings = Readonly<Record<string, string>>;

const nameShape = /^FLOWSTATE_[A-Z0-9_]{1,60}$/;

/** Reads such a file, or one that a person has written without quotes. Never throws; a line it cannot read is no setting. */
export function parseSettingsFile(text: string): Settings {
  const settings: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name = "", rest = ""] = /^\s*(?:export\s+)?(\w+)=(.*?)\s*$/.exec(line) ?? [];
    const value = nameShape.test(name) ? parseValue(rest) : null;
    if (value !== null) settings[name] = value;
  }
  return settings;
}

function parseValue(text: string): string | null {
  const double = /^"((?:[^"\\]|\\.)*)"$/.exec(text)?.[1];
  if (double !== undefined) return double.replaceAll(/\\(["\\$`])/g, "$1");
  const single = /^'([^']*)'$/.exec(text)?.[1];
  if (single !== undefined) return single;
  return /["'\s]/.test(text) ? null : text;
}

/** The settings as such a file. Values are one line each. */
export function renderSettingsFile(settings: Settings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}="${value.replaceAll(/["\\$`]/g, String.raw`\$&`)}"\n`)
    .join("");
}

/** What `reg query KEY` prints: one value a line as name, type and text, with four spaces between. */
export function parseRegistryQuery(text: string): Settings {
  const settings: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const [, name = "", value = ""] = /^ {4}(\S+) {4}REG_(?:EXPAND_)?SZ(?: {4}(.*))?$/.exec(line) ?? [];
    if (nameShape.test(name)) settings[name] = value;
  }
  return settings;
}
