import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Dial } from "../dial/connect.ts";
import { refuseSocket, renderHead, type Refusal } from "../reply.ts";
import { answerFields, onwardFields, sendHead, type OriginTarget } from "./origin.ts";

export interface UpgradeOptions extends OriginTarget {
  readonly request: IncomingMessage;
  readonly client: Duplex;
  readonly dial: Dial;
}

export type Upgraded =
  | { readonly kind: "switched"; readonly target: Socket }
  /** The origin answered without switching; its answer has been relayed. */
  | { readonly kind: "answered"; readonly status: number; readonly target: Socket }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** Asks the origin to switch, and writes its answer to the client. The caller joins the two sockets. Never rejects. */
export async function upgrade(options: UpgradeOptions): Promise<Upgraded> {
  const { request, client, to, authority, path, dial } = options;
  const refuse = (refusal: Refusal): Upgraded => {
    refuseSocket(client, refusal);
    return { kind: "refused", refusal };
  };
  const onward = onwardFields(request, options);
  if (onward.kind !== "onward")
    return refuse(onward.kind === "refused" ? onward.refusal : noSwitch(authority));
  const gone = new AbortController();
  const onClose = (): void => gone.abort();
  client.once("close", onClose);
  const dialled = await dial(to, gone.signal);
  client.off("close", onClose);
  if (dialled.kind === "refused") return refuse(dialled.refusal);
  const { socket: target } = dialled;
  const hop: [string, string][] = [
    ["Connection", "Upgrade"],
    ["Upgrade", request.headers.upgrade ?? ""],
  ];
  const answered = await firstAnswer(sendHead(request, target, path, [...onward.fields, ...hop]));
  if (answered === null) {
    target.destroy();
    return refuse(noSwitch(authority));
  }
  const { answer, head } = answered;
  const status = answer.statusCode ?? 502;
  const fields = answerFields(answer, false);
  if (head === null) {
    client.write(renderHead(status, [...fields, ["Connection", "close"]], answer.statusMessage));
    await pipeline(answer, client).catch(() => undefined);
    return { kind: "answered", status, target };
  }
  const protocol = answer.headers.upgrade ?? "";
  client.write(renderHead(status, [...fields, ["Connection", "Upgrade"], ["Upgrade", protocol]]));
  if (head.length > 0) target.unshift(head);
  return { kind: "switched", target };
}

/** The answer, with the bytes behind a 101; null where there is none. */
async function firstAnswer(
  upstream: ClientRequest,
): Promise<{ readonly answer: IncomingMessage; readonly head: Buffer | null } | null> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof firstAnswer>>>();
  upstream.once("upgrade", (answer: IncomingMessage, _: Duplex, head: Buffer) => resolve({ answer, head }));
  upstream.once("response", (answer: IncomingMessage) => resolve({ answer, head: null }));
  upstream.once("error", () => resolve(null));
  upstream.end();
  return promise;
}

function noSwitch(authority: string): Refusal {
  return { status: 502, error: "http_protocol_error", text: `${authority} gave no HTTP answer` };
}
