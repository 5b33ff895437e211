/** A browser without a screen: keeps each origin's cookies and follows redirects from one to another. */
export interface Traveller {
  /** Asks once. */
  ask(url: URL | string, form?: Readonly<Record<string, string>>): Promise<Response>;
  /** Asks and follows until there is a page, or until `stop` says so of the next address. */
  travel(url: URL | string, stop?: (url: URL) => boolean): Promise<Arrival>;
  cookie(origin: string, name: string): string | undefined;
}

export interface Arrival {
  readonly url: URL;
  readonly status: number;
  readonly text: string;
}

export function newTraveller(): Traveller {
  const jars = new Map<string, Map<string, string>>();
  const jarOf = (origin: string): Map<string, string> => {
    const jar = jars.get(origin) ?? new Map<string, string>();
    jars.set(origin, jar);
    return jar;
  };
  const ask: Traveller["ask"] = async (url, form) => {
    const { origin } = new URL(url);
    const jar = jarOf(origin);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
    const sent = form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) };
    const headers = form === undefined ? { cookie } : { cookie, origin };
    const answer = await fetch(url, { ...sent, redirect: "manual", headers });
    for (const line of answer.headers.getSetCookie()) {
      const [name = "", value = ""] = (line.split(";")[0] ?? "").split(/=(.*)/s);
      jar.set(name, value);
    }
    return answer;
  };
  const travel: Traveller["travel"] = async (url, stop = () => false) => {
    const answer = await ask(url);
    const text = await answer.text();
    const location = answer.headers.get("location");
    const here = new URL(url);
    if (location === null) return { url: here, status: answer.status, text };
    const next = new URL(location, here);
    return stop(next) ? { url: next, status: answer.status, text } : travel(next, stop);
  };
  return { ask, travel, cookie: (origin, name) => jarOf(origin).get(name) };
}
