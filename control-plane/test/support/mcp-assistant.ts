/** The official clients of both eras, as an assistant uses them: signing in by the browser of a person. */
import {
  Client as NewClient,
  StreamableHTTPClientTransport as NewTransport,
  UnauthorizedError as NewUnauthorizedError,
  type OAuthClientProvider as NewProvider,
} from "@modelcontextprotocol/client";
import {
  UnauthorizedError as OldUnauthorizedError,
  type OAuthClientProvider as OldProvider,
} from "@modelcontextprotocol/sdk/client/auth.js";
import { Client as OldClient } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as OldTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Browser } from "./connect.ts";

/** Nothing listens there: what the browser is sent to it with is taken from the browser. */
export const redirectUrl = "http://127.0.0.1:33418/callback";

/** One assistant of one person. */
interface Assistant extends AsyncDisposable {
  /** The authorization requests that it has sent the browser to, in order. */
  readonly requests: readonly URL[];
  /** The revision that it has agreed on with the server. */
  readonly revision: () => string | undefined;
  tools(): Promise<readonly Tool[]>;
  /** Signs in once more where the tool demands it. */
  call(name: string, args: Readonly<Record<string, unknown>>): Promise<ToolAnswer>;
}

interface Tool {
  readonly name: string;
  readonly annotations?: { readonly readOnlyHint?: boolean | undefined } | undefined;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
}

/** With `content`, `structuredContent` and `isError`. */
type ToolAnswer = Readonly<Record<string, unknown>>;

/** What a person does about an authorization request; returns where they came back to. */
type Person = Pick<Browser, "decide">;

type Connect = (address: URL, person: Person) => Promise<Assistant>;

export const connectNew: Connect = async (address, person) => {
  const memory = createMemory(person, ["authorization_code", "refresh_token"]);
  const open = () => new NewTransport(address, { authProvider: memory.provider });
  const client = new NewClient({ name: "new", version: "1" }, { versionNegotiation: { mode: "auto" } });
  let transport = open();
  const signedIn = retrying(NewUnauthorizedError, () => transport.finishAuth(memory.callback()));
  await signedIn(() => client.connect((transport = open())));
  return {
    requests: memory.requests,
    revision: () => client.getNegotiatedProtocolVersion(),
    tools: async () => (await client.listTools()).tools,
    call: (name, args) => signedIn(() => client.callTool({ name, arguments: args })),
    [Symbol.asyncDispose]: () => client.close(),
  };
};

/**
 * It spends a refresh token where it has one, even when challenged for more than that can ever give (RFC 6749, section
 * 6), so it registers without.
 */
export const connectOld: Connect = async (address, person) => {
  const memory = createMemory(person, ["authorization_code"]);
  const open = () => new OldTransport(address, { authProvider: memory.provider });
  const client = new OldClient({ name: "old", version: "1" });
  let transport = open();
  const signedIn = retrying(OldUnauthorizedError, () =>
    transport.finishAuth(memory.callback().get("code") ?? ""),
  );
  await signedIn(() => client.connect((transport = open())));
  return {
    requests: memory.requests,
    revision: () => transport.protocolVersion,
    tools: async () => (await client.listTools()).tools,
    call: (name, args) => signedIn(() => client.callTool({ name, arguments: args })),
    [Symbol.asyncDispose]: () => client.close(),
  };
};

/** Work that is done anew after the sign-in that it was refused for. */
function retrying(Refusal: new () => Error, finishSignIn: () => Promise<void>) {
  return <T>(work: () => Promise<T>): Promise<T> =>
    work().catch(async (error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      await finishSignIn();
      return work();
    });
}

/** What an assistant keeps of its sign-ins. */
function createMemory(person: Person, grantTypes: readonly string[]) {
  const requests: URL[] = [];
  let callback = new URLSearchParams();
  let information: Awaited<ReturnType<NewProvider["clientInformation"]>>;
  let tokens: Awaited<ReturnType<NewProvider["tokens"]>>;
  let discovery: Awaited<ReturnType<NonNullable<NewProvider["discoveryState"]>>>;
  let verifier = "";
  const provider: NewProvider & OldProvider = {
    redirectUrl,
    clientMetadata: {
      client_name: "Assistant",
      redirect_uris: [redirectUrl],
      grant_types: [...grantTypes],
    },
    clientInformation: () => information,
    saveClientInformation: (given) => void (information = given),
    tokens: () => tokens,
    saveTokens: (given) => void (tokens = given),
    codeVerifier: () => verifier,
    saveCodeVerifier: (given) => void (verifier = given),
    discoveryState: () => discovery,
    saveDiscoveryState: (given) => void (discovery = given),
    async redirectToAuthorization(url) {
      requests.push(url);
      callback = (await person.decide(url)).searchParams;
    },
  };
  return { requests, provider, callback: () => callback };
}
