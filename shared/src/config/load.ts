import { FlowstateError } from "../errors.ts";
import type { Option } from "./option.ts";

type Declaration = Readonly<Record<string, Option<unknown>>>;
type Values<D extends Declaration> = { readonly [K in keyof D]: D[K] extends Option<infer T> ? T : never };

/**
 * Reads every declared setting from `env`. Throws one FS_CONFIG_INVALID that lists all wrong settings, each with its
 * name, what it held and what it takes; a secret's text is never repeated. An empty variable counts as unset.
 */
export function loadConfig<D extends Declaration>(declaration: D, env: NodeJS.ProcessEnv): Values<D> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, { env: variable, takes, fallback, secret, parse }] of Object.entries(declaration)) {
    const given = env[variable];
    const text = given === undefined || given === "" ? fallback : given;
    if (text === undefined) {
      values[name] = null;
      continue;
    }
    const parsed = parse(text);
    if (parsed.ok) values[name] = parsed.value;
    else
      problems.push(
        `${variable} is ${secret ? "set to something else" : JSON.stringify(text.slice(0, 80))}; it takes ${takes}`,
      );
  }
  if (problems.length > 0) throw new FlowstateError("FS_CONFIG_INVALID", problems.join("; "));
  return values as Values<D>;
}
