import { isIP, type BlockList } from "node:net";
import { Agent, request } from "undici";
import { systemCode } from "@flowstate/shared/errors";
import { isPublicAddress, lookupAmong, notPublic } from "../../egress/public-address.ts";
import { describeNetworkError } from "../../providers/failure.ts";
import { retryAfterMs } from "../../providers/http.ts";

/** What became of one attempt. The sentence names no more of the address than its host. */
export type Posted =
  | { readonly kind: "accepted"; readonly status: number }
  | {
      readonly kind: "refused";
      readonly status: number;
      readonly reason: string;
      readonly retryAfterMs: number | null;
    }
  | { readonly kind: "unreachable"; readonly reason: string };

/** Sends one body; never throws for anything the other side does. */
export type Post = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
) => Promise<Posted>;

const connectMs = 5000;
const attemptMs = 15_000;
const mostAnswerBytes = 64 * 1024;

const privately = "it leads to a private address; FLOWSTATE_SIGNAL_NETWORKS allows those that it names";

/**
 * Posts to public addresses, and to the private ones of `networks`, over verified TLS. Each name is resolved at the
 * connection itself, so that no second answer of a name server leads elsewhere; redirects are not followed.
 */
export function createPost(networks: BlockList): Post & AsyncDisposable {
  const mayReach = (address: string): boolean =>
    isPublicAddress(address) || networks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  const dispatcher = new Agent({
    connect: { lookup: lookupAmong(mayReach), timeout: connectMs },
    headersTimeout: attemptMs,
    bodyTimeout: attemptMs,
  });
  const post: Post = async (url, headers, body, signal) => {
    const { host, hostname, protocol } = url;
    // A literal address never passes the resolver.
    const literal = hostname.replace(/^\[|\]$/g, "");
    if (protocol !== "https:" || (isIP(literal) !== 0 && !mayReach(literal))) {
      return { kind: "unreachable", reason: `${host}: ${privately}` };
    }
    const deadline = AbortSignal.timeout(attemptMs);
    try {
      const answer = await request(url, {
        method: "POST",
        dispatcher,
        headers: {
          "content-type": "application/json",
          "user-agent": "Flowstate (signals)",
          ...headers,
        },
        body,
        signal: AbortSignal.any([signal, deadline]),
      });
      await answer.body.dump({ limit: mostAnswerBytes });
      const { statusCode: status } = answer;
      if (status >= 200 && status < 300) return { kind: "accepted", status };
      const { "retry-after": after } = answer.headers;
      return {
        kind: "refused",
        status,
        reason: `${host} answered ${status}`,
        retryAfterMs: retryAfterMs(typeof after === "string" ? after : null, Date.now()),
      };
    } catch (error) {
      const why = deadline.aborted
        ? "it did not answer in time"
        : systemCode(error) === notPublic
          ? privately
          : describeNetworkError(error);
      return { kind: "unreachable", reason: `${host}: ${why}` };
    }
  };
  return Object.assign(post, { [Symbol.asyncDispose]: () => dispatcher.close() });
}
