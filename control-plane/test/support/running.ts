import { randomBytes } from "node:crypto";
import { systemClock } from "@flowstate/shared/clock";
import { createLogger } from "@flowstate/shared/log";
import { Secret } from "@flowstate/shared/secret";
import { temporaryFolder } from "@flowstate/shared/testing/temp";
import type { Permission } from "../../src/access/permissions.ts";
import { compose, type ComposeOptions, type ControlPlane } from "../../src/compose.ts";
import { readConfig } from "../../src/config.ts";
import { createApiKey, enrolProxy, type KeyContext } from "../../src/keys/provision.ts";
import { requireOrg } from "../../src/orgs/orgs.ts";
import { openInstallation, type Installation } from "../../src/secrets/installation.ts";
import type { StoreAddress } from "../../src/store/open.ts";

export interface RunningOptions extends Omit<ComposeOptions, "log"> {
  /** A database that exists already; without it, SQLite in a folder of its own. */
  readonly store?: StoreAddress;
  readonly masterKey?: Secret;
  readonly env?: NodeJS.ProcessEnv;
  readonly orgSlug?: string;
}

/** A control plane that listens, and the same installation opened beside it as a command would open it. */
export interface Running extends AsyncDisposable {
  readonly controlPlane: ControlPlane;
  readonly address: string;
  readonly installation: Installation;
  readonly context: KeyContext;
  readonly dataDir: string;
  apiKey(...permissions: readonly Permission[]): Promise<string>;
  proxyToken(): Promise<{ token: string; keyId: string }>;
  graphql(key: string, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>;
}

export interface GraphqlAnswer {
  readonly status: number;
  readonly data: Record<string, unknown>;
  readonly codes: readonly string[];
  readonly messages: readonly string[];
}

export function newMasterKey(): Secret {
  return new Secret(randomBytes(32).toString("base64"));
}

export async function startRunning({
  store,
  masterKey = newMasterKey(),
  env = {},
  clock = systemClock,
  orgSlug = "default",
  ...parts
}: RunningOptions = {}): Promise<Running> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(temporaryFolder());
  const settings = readConfig({
    FLOWSTATE_DATA_DIR: folder.path,
    FLOWSTATE_HTTP_PORT: "0",
    FLOWSTATE_MASTER_KEY: masterKey.reveal(),
    ...env,
  });
  const config = store === undefined ? settings : { ...settings, store };
  const log = createLogger("control-plane", "silent");
  const controlPlane = stack.use(await compose(config, { clock, log, ...parts }));
  const installation = stack.use(await openInstallation(config, clock));
  const { orgId } = await requireOrg(installation.store.reader, orgSlug);
  const { pepper } = installation.master;
  const context = { orgId, actor: "test", pepper, now: clock.now() };
  const { address } = controlPlane;
  return {
    controlPlane,
    address,
    installation,
    context,
    dataDir: folder.path,
    async apiKey(...permissions) {
      const request = { name: "test", permissions, expiresAt: null };
      return (await installation.store.transact((db) => createApiKey(db, context, request))).key;
    },
    async proxyToken() {
      const { key, keyId } = await installation.store.transact((db) => enrolProxy(db, context, "test"));
      return { token: key, keyId };
    },
    graphql: (key, query, variables = {}) => askGraphql(address, key, query, variables),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

export async function askGraphql(
  address: string,
  key: string,
  query: string,
  variables: Record<string, unknown>,
): Promise<GraphqlAnswer> {
  const answer = await fetch(`${address}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  return readGraphqlAnswer(answer);
}

export async function readGraphqlAnswer(answer: Response): Promise<GraphqlAnswer> {
  const { data, errors = [] } = (await answer.json()) as {
    data?: Record<string, unknown> | null;
    errors?: readonly { message: string; extensions?: { code?: string } }[];
  };
  return {
    status: answer.status,
    data: data ?? {},
    codes: errors.map(({ extensions }) => extensions?.code ?? "none"),
    messages: errors.map(({ message }) => message),
  };
}
