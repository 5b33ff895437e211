import type { FastifyRequest } from "fastify";
import type { Provider } from "oidc-provider";
import { systemClock, type Clock } from "@flowstate/shared/clock";
import { background } from "@flowstate/shared/lifecycle";
import { createLogger, type Logger } from "@flowstate/shared/log";
import type { Config } from "./config.ts";
import { createEvents } from "./events.ts";
import { createPushHub } from "./ingest/push.ts";
import { ingestRoutes } from "./ingest/routes.ts";
import { watchInsights } from "./insights/watch.ts";
import { createKeyring } from "./keys/keyring.ts";
import { createOidcClient } from "./login/oidc/client.ts";
import { signInLink } from "./login/invite.ts";
import { loginRoutes } from "./login/routes.ts";
import { bootstrap, offerFirstLink } from "./login/first-start.ts";
import { mcpPaths, mcpRoutes } from "./mcp/routes.ts";
import { createUsageSurface, type McpSurface } from "./mcp/surface.ts";
import type { ToolServices } from "./mcp/tools.ts";
import { createPublicFetch } from "./oauth/public-fetch.ts";
import { oauthRoutes } from "./oauth/routes.ts";
import { createOAuthServer } from "./oauth/server.ts";
import { findConnector } from "./providers/registry.ts";
import { createPolicyDesk } from "./policy/desk.ts";
import { watchPolicy } from "./policy/push.ts";
import { watchProviders } from "./providers/watch.ts";
import { watchMonth } from "./proxy-status/month.ts";
import { createStatusCard } from "./proxy-status/status.ts";
import { watchReconciliation } from "./reconcile/watch.ts";
import { releaseRoutes } from "./releases/routes.ts";
import { createShelf } from "./releases/shelf.ts";
import { openInstallation } from "./secrets/installation.ts";
import { graphqlRoutes } from "./serve/graphql/server.ts";
import { healthRoutes } from "./serve/health.ts";
import { createHttpServer, listen } from "./serve/http.ts";
import { findPrincipal } from "./serve/principal.ts";
import { restRoutes } from "./serve/rest/directory.ts";
import { scimRoutes } from "./serve/scim/routes.ts";
import { readWebFiles, webRoutes } from "./serve/web.ts";
import { createPost } from "./signals/delivery/post.ts";
import { watchDeliveries } from "./signals/delivery/watch.ts";
import { watchRetention } from "./signals/watch-retention.ts";
import { watchSignals } from "./signals/watch.ts";
import { watchStanding } from "./standing/watch.ts";
import { version } from "./version.ts";

export interface ControlPlane extends AsyncDisposable {
  /** Where it listens. */
  readonly address: string;
  /** One-time link of the first owner, on the first start alone. */
  readonly signInLink: string | null;
}

export interface ComposeOptions {
  readonly clock?: Clock;
  readonly log?: Logger;
  /** What `/mcp` offers. */
  readonly createMcp?: (services: ToolServices) => McpSurface;
  /** How the documents of OAuth clients are fetched that name themselves by an address. */
  readonly fetchDocument?: typeof fetch;
}

/** Builds the whole program and starts it; disposing drains it. */
export async function compose(
  config: Config,
  {
    clock = systemClock,
    log = createLogger("control-plane", config.logLevel),
    createMcp = createUsageSurface,
    fetchDocument = createPublicFetch(),
  }: ComposeOptions = {},
): Promise<ControlPlane> {
  await using stack = new AsyncDisposableStack();
  const { store, master } = stack.use(await openInstallation(config, clock));
  await bootstrap(store, config.admin, clock);
  const { pepper } = master;

  const keyring = createKeyring(store, pepper, clock);
  const events = createEvents(log);
  const onError = (error: unknown): void => log.error({ err: error }, "background work failed");
  const desk = createPolicyDesk({ reader: store.reader, clock, onError });
  const hub = createPushHub({ reader: store.reader, keyring, pepper, clock, onError });

  let address = config.localUrl;
  const publicUrl = (): URL => config.publicUrl ?? address;
  const { proxyUrl } = config;
  const principalOf = (request: FastifyRequest) =>
    findPrincipal(request, { store, keyring, clock, publicUrl });
  const syncing = {
    store,
    master,
    clock,
    events,
    findConnector,
    baseUrlAllowed: config.providerBaseUrlAllowed,
  };
  const shelf = createShelf(config.releasesFolder);
  const postSignal = stack.use(createPost(config.signalNetworks));
  const stopping = new AbortController();
  const oidc = createOidcClient(createPublicFetch(config.oidcNetworks), clock);
  const services = {
    store,
    clock,
    pepper,
    statusCard: createStatusCard(store.reader),
    proxyUrl,
    publicUrl,
    poke: () => {
      hub.poke();
      desk.poke();
    },
    syncing,
    oidc,
    shelf,
    postSignal,
    stopping: stopping.signal,
  };

  const mcp = createMcp({ store, clock });
  const [mcpPath, ...otherPaths] = mcpPaths;
  const mcpResource = (path: string): string => new URL(path, publicUrl()).href;
  const resources = (): [string, ...string[]] => [mcpResource(mcpPath), ...otherPaths.map(mcpResource)];
  // Made on first use, because its name is the address, which is known once it listens.
  let madeServer: Provider | null = null;
  const server = (): Provider =>
    (madeServer ??= createOAuthServer({
      store,
      clock,
      pepper,
      publicUrl: publicUrl(),
      resources: resources(),
      scopes: mcp.scopes,
      fetchDocument,
    }));

  let accepting = true;
  const app = createHttpServer({ log, trustedProxies: config.trustedProxies });
  stack.defer(() => app.close());
  await healthRoutes(app, {
    store,
    events,
    findPrincipal: principalOf,
    connectedProxies: () => hub.connected,
    accepting: () => accepting,
  });
  await app.register((scope) => ingestRoutes(scope, { store, events, keyring, hub, desk, pepper, clock }));
  await app.register((scope) => releaseRoutes(scope, { keyring, shelf }));
  const web = readWebFiles();
  await app.register((scope) =>
    graphqlRoutes(scope, {
      services,
      findPrincipal: principalOf,
      operations: new Map(Object.entries(web?.operations ?? {})),
      log,
    }),
  );
  await app.register((scope) => restRoutes(scope, { store, clock, publicUrl, findPrincipal: principalOf }));
  await app.register((scope) => scimRoutes(scope, { store, clock, publicUrl, findPrincipal: principalOf }));
  await app.register((scope) => oauthRoutes(scope, { store, clock, publicUrl, server, scopes: mcp.scopes }));
  await app.register((scope) =>
    mcpRoutes(scope, { store, clock, keyring, publicUrl, server, resources, handler: mcp.handler }),
  );
  const hasWeb = web !== null;
  await app.register((scope) => webRoutes(scope, web));
  await app.register((scope) =>
    loginRoutes(scope, { store, events, clock, master, oidc, publicUrl, proxyUrl, version, hasWeb }),
  );
  address = await listen(app, config.http.host, config.http.port);
  stack.use(background((signal) => hub.watch(signal)));
  stack.use(background((signal) => desk.watch(signal)));
  stack.use(background((signal) => watchMonth(store, clock, signal, onError)));
  stack.use(background((signal) => watchProviders(syncing, signal, onError)));
  stack.use(background((signal) => watchReconciliation({ store, clock }, signal, onError)));
  stack.use(background((signal) => watchPolicy({ store, clock }, signal, onError)));
  stack.use(background((signal) => watchInsights({ store, clock }, signal, onError)));
  stack.use(background((signal) => watchSignals({ store, clock }, signal, onError)));
  const retaining = { store, clock, retentionDays: config.signalRetentionDays };
  stack.use(background((signal) => watchRetention(retaining, signal, onError)));
  stack.use(background((signal) => watchStanding({ store, clock }, signal, onError)));
  const delivering = { store, clock, master, events, post: postSignal };
  stack.use(background((signal) => watchDeliveries(delivering, signal, onError)));
  stack.defer(() => {
    accepting = false;
    stopping.abort();
  });
  log.info({ address: address.origin, engine: store.engine }, "listening");

  const firstLink = await offerFirstLink(store, clock);
  const running = stack.move();
  return {
    address: address.origin,
    signInLink: firstLink === null ? null : signInLink(publicUrl(), firstLink),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
