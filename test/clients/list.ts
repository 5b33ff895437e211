import { join } from "node:path";
import type { Place, Run } from "./place.ts";

/** A real client and how it is told of a proxy. */
export interface Client {
  readonly name: string;
  /** The program that must be here. */
  readonly program: string;
  /** Packages from the npm registry, `name@version`, installed beside each other for this client alone. */
  readonly npm?: readonly string[];
  /** Python modules that must be here. */
  readonly python?: string;
  /** Debian packages that bring what is missing. */
  readonly debian?: readonly string[];
  /** Why it cannot speak to an authenticated TLS proxy, where that is known. */
  readonly cannot?: string;
  readonly run: (given: Given) => Run;
}

export interface Given extends Pick<Place, "origin" | "plainOrigin" | "caFile"> {
  /** The proxy's or the relay's URL. */
  readonly proxy: string;
  /** Where the client's packages are, where it has any. */
  readonly packages: string;
}

const node = process.execPath;

/** The variables that payloads set. */
const variables = ({ proxy, caFile }: Given): Record<string, string> => ({
  HTTPS_PROXY: proxy,
  https_proxy: proxy,
  SSL_CERT_FILE: caFile,
  REQUESTS_CA_BUNDLE: caFile,
  NODE_EXTRA_CA_CERTS: caFile,
  NODE_USE_ENV_PROXY: "1",
});

/** A few lines of JavaScript with the proxy, the origin and the authorities at hand. */
const script =
  (lines: string) =>
  (given: Given): Run => ({
    command: node,
    args: [
      "--input-type=module",
      "-e",
      `const [proxy, url] = process.argv.slice(1);\n${lines}`,
      given.proxy,
      `${given.origin}/v1/models`,
    ],
    // The environment's proxy must not help a client that is told of it in code.
    env: { NODE_EXTRA_CA_CERTS: given.caFile },
    cwd: given.packages,
  });

const environmentScript =
  (lines: string) =>
  (given: Given): Run => ({ ...script(lines)(given), env: variables(given) });

const undici = (version: string): Client => ({
  name: `undici ${version}`,
  program: node,
  npm: [`undici@${version}`],
  run: script(`import { ProxyAgent, fetch } from "undici";
console.log((await fetch(url, { dispatcher: new ProxyAgent(proxy) })).status);`),
});

const agent = (version: string): Client => ({
  name: `https-proxy-agent ${version}`,
  program: node,
  npm: [`https-proxy-agent@${version}`],
  run: script(`import * as all from "https-proxy-agent";
import https from "node:https";
const Agent = all.HttpsProxyAgent ?? all.default;
https.get(url, { agent: new Agent(proxy) }, (answer) => console.log(answer.statusCode)).on("error", (error) => {
  console.error(error.message);
  process.exitCode = 1;
});`),
});

const python = (name: string, lines: string, more: Partial<Client> = {}): Client => ({
  name: `Python ${name}`,
  program: "/usr/bin/python3",
  python: name,
  run: (given) => ({
    command: "/usr/bin/python3",
    args: ["-c", `import os, sys\nurl = sys.argv[1]\n${lines}`, `${given.origin}/v1/models`],
    env: variables(given),
  }),
  ...more,
});

const noTlsToProxy = "it speaks to proxies in the clear only";

export const clients: readonly Client[] = [
  {
    name: "curl",
    program: "curl",
    run: ({ proxy, caFile, origin }) => ({
      command: "curl",
      args: ["-fsS", "--proxy", proxy, "--proxy-cacert", caFile, "--cacert", caFile, `${origin}/v1/models`],
    }),
  },
  {
    name: "git",
    program: "git",
    run: (given) => ({
      command: "git",
      args: ["ls-remote", `${given.origin}/repository.git`],
      env: {
        ...variables(given),
        GIT_TERMINAL_PROMPT: "0",
        GIT_SSL_CAINFO: given.caFile,
        GIT_PROXY_SSL_CAINFO: given.caFile,
      },
    }),
  },
  {
    name: "wget",
    program: "wget",
    cannot: noTlsToProxy,
    run: (given) => ({
      command: "wget",
      args: ["-q", "-O", "-", "--tries=1", `--ca-certificate=${given.caFile}`, `${given.origin}/v1/models`],
      env: variables(given),
    }),
  },
  {
    name: "npm",
    program: "npm",
    run: (given) => ({
      command: "npm",
      args: [
        "view",
        "left-pad",
        `--registry=${given.origin}/`,
        "--fetch-retries=0",
        `--cafile=${given.caFile}`,
      ],
      env: variables(given),
    }),
  },
  {
    name: "Node fetch, NODE_USE_ENV_PROXY",
    program: node,
    run: environmentScript("console.log((await fetch(url)).status);"),
  },
  {
    name: "Node https.get, NODE_USE_ENV_PROXY",
    program: node,
    run: environmentScript(
      'import https from "node:https";\nhttps.get(url, (answer) => console.log(answer.statusCode));',
    ),
  },
  undici("6"),
  undici("7"),
  undici("8"),
  agent("5"),
  agent("7"),
  agent("9"),
  {
    name: "http-proxy-agent 9, http:// origin",
    program: node,
    npm: ["http-proxy-agent@9"],
    run: (given) =>
      script(`import { HttpProxyAgent } from "http-proxy-agent";
import http from "node:http";
http.get(url, { agent: new HttpProxyAgent(proxy) }, (answer) => console.log(answer.statusCode));`)({
        ...given,
        origin: given.plainOrigin,
      }),
  },
  {
    name: "hpagent",
    program: node,
    npm: ["hpagent@1"],
    run: script(`import { HttpsProxyAgent } from "hpagent";
import https from "node:https";
https.get(url, { agent: new HttpsProxyAgent({ proxy }) }, (answer) => console.log(answer.statusCode));`),
  },
  {
    name: "axios, from the environment",
    program: node,
    npm: ["axios@1"],
    run: environmentScript('import axios from "axios";\nconsole.log((await axios.get(url)).status);'),
  },
  {
    name: "got, with hpagent",
    program: node,
    npm: ["got@16", "hpagent@1"],
    run: script(`import got from "got";
import { HttpsProxyAgent } from "hpagent";
console.log((await got(url, { agent: { https: new HttpsProxyAgent({ proxy }) }, retry: { limit: 0 } })).statusCode);`),
  },
  {
    name: "Bun fetch",
    program: node,
    npm: ["bun@1"],
    run: (given) => ({
      command: join(given.packages, "node_modules/.bin/bun"),
      args: ["-e", "console.log((await fetch(process.argv.at(-1))).status)", `${given.origin}/v1/models`],
      env: variables(given),
    }),
  },
  {
    name: "Go net/http",
    program: "go",
    debian: ["golang-go"],
    run: (given) => ({
      command: "go",
      args: ["run", join(import.meta.dirname, "programs/get.go"), `${given.origin}/v1/models`],
      env: { ...variables(given), GOCACHE: join(given.packages, "go-cache"), GO111MODULE: "off" },
    }),
  },
  python("urllib", "import urllib.request\nprint(urllib.request.urlopen(url).status)", {
    cannot: noTlsToProxy,
  }),
  python("requests", "import requests\nprint(requests.get(url).status_code)", {
    debian: ["python3-requests"],
  }),
  python("httpx", "import httpx\nprint(httpx.get(url).status_code)", {
    debian: ["python3-httpx"],
    cannot: "Debian's 0.23 opens no TLS within TLS",
  }),
  python(
    "aiohttp",
    `import aiohttp, asyncio, ssl
async def get():
    trusted = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    async with aiohttp.ClientSession(trust_env=True) as session:
        async with session.get(url, ssl=trusted) as answer:
            print(answer.status)
asyncio.run(get())`,
    { debian: ["python3-aiohttp"], cannot: "Debian's 3.8 passes over proxies that are spoken to over TLS" },
  ),
  {
    name: "Java HttpClient",
    program: "java",
    debian: ["default-jdk-headless"],
    cannot: noTlsToProxy,
    run: ({ proxy, caFile, origin, packages }) => {
      const { hostname, port } = new URL(proxy);
      const trust = join(packages, "trust.p12");
      const java = `java -Dhttps.proxyHost=${hostname} -Dhttps.proxyPort=${port} -Djavax.net.ssl.trustStore=${trust} -Djavax.net.ssl.trustStorePassword=changeit`;
      // Java's tools take one certificate at a time: the last of the file is the origin's authority.
      const split = `csplit -s -z -f ${packages}/ca- ${caFile} '/BEGIN CERT/' '{*}'`;
      const imported = `keytool -importcert -noprompt -storepass changeit -keystore ${trust} -file $(ls ${packages}/ca-* | tail -1)`;
      const get = join(import.meta.dirname, "programs/Get.java");
      return { command: "sh", args: ["-c", `${split} && ${imported} && ${java} ${get} ${origin}/v1/models`] };
    },
  },
  {
    name: "Chromium, headless",
    program: "chromium",
    debian: ["chromium"],
    cannot:
      "it ignores credentials in a proxy's URL; the payload brings an extension or a client certificate",
    run: ({ proxy, origin, packages }) => ({
      command: "chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--ignore-certificate-errors",
        `--user-data-dir=${join(packages, "profile")}`,
        `--proxy-server=${new URL(proxy).protocol}//${new URL(proxy).host}`,
        "--dump-dom",
        `${origin}/v1/models`,
      ],
    }),
  },
  {
    name: "Codex CLI",
    program: node,
    npm: ["@openai/codex"],
    run: (given) => ({
      command: join(given.packages, "node_modules/.bin/codex"),
      args: [
        "exec",
        "--skip-git-repo-check",
        "-c",
        'model_provider="local"',
        "-c",
        `model_providers.local={name="local",base_url="${given.origin}/v1",env_key="LOCAL_KEY",wire_api="responses"}`,
        "hello",
      ],
      env: { ...variables(given), LOCAL_KEY: "none", CODEX_HOME: given.packages },
      cwd: given.packages,
    }),
  },
  {
    name: "Gemini CLI",
    program: node,
    npm: ["@google/gemini-cli"],
    run: (given) => ({
      command: "sh",
      // Without a person to ask, it takes the kind of sign-in from its settings.
      args: [
        "-c",
        `mkdir -p "$HOME/.gemini" && echo '{"security":{"auth":{"selectedType":"gemini-api-key"}}}' > "$HOME/.gemini/settings.json" && exec ${join(given.packages, "node_modules/.bin/gemini")} -p hello --skip-trust`,
      ],
      env: { ...variables(given), GEMINI_API_KEY: "none", GOOGLE_GEMINI_BASE_URL: given.origin },
      cwd: given.packages,
    }),
  },
  {
    name: "Claude Code",
    program: node,
    npm: ["@anthropic-ai/claude-code"],
    run: (given) => ({
      command: join(given.packages, "node_modules/.bin/claude"),
      args: ["-p", "hello"],
      env: {
        ...variables(given),
        ANTHROPIC_API_KEY: "none",
        ANTHROPIC_BASE_URL: given.origin,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      },
      cwd: given.packages,
    }),
  },
];
