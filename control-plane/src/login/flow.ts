import { createHmac, hash, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { Writer } from "../store/open.ts";
import { cookieOf, valueOfCookie } from "./cookie.ts";

/** What a browser is in the middle of. */
export type FlowKind = "passkey" | "new-passkey" | "oidc";

/**
 * A sign-in that takes more than one request. It stands in a cookie under a signature, so that starting one, which
 * anybody may, writes nothing; finishing it writes that it is spent.
 */
export interface Flow {
  readonly kind: FlowKind;
  /** 256 random bits. */
  readonly id: string;
  readonly expiresAt: number;
  /** Whom it is about: the member who adds a passkey, the organisation whose provider is asked. */
  readonly about: string | null;
  /** Path of ours to go to afterwards. */
  readonly next: string | null;
}

export const flowLifetimeMs = 10 * 60_000;

/** The key under which flows are signed. */
export function deriveFlowKey(pepper: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", pepper, "", "flowstate/sign-in-flows/v1", 32));
}

export function newFlow(
  given: Pick<Flow, "kind"> & Partial<Pick<Flow, "about" | "next">>,
  now: number,
): Flow {
  const id = randomBytes(32).toString("base64url");
  return { about: null, next: null, ...given, id, expiresAt: now + flowLifetimeMs };
}

/** Set-Cookie that binds the flow to this browser. */
export function flowCookie(flow: Flow, key: Buffer, publicUrl: URL): string {
  const body = Buffer.from(JSON.stringify(flow)).toString("base64url");
  const value = `${body}.${sign(`cookie:${body}`, key)}`;
  return cookieOf(flow.kind, value, flowLifetimeMs / 1000, publicUrl);
}

/** The flow of that kind that this browser is in; null where there is none, or it is forged or too old. */
export function readFlow(
  header: string | undefined,
  kind: FlowKind,
  { key, publicUrl, now }: { readonly key: Buffer; readonly publicUrl: URL; readonly now: number },
): Flow | null {
  const [body = "", signature = ""] = (valueOfCookie(header, kind, publicUrl) ?? "").split(".", 2);
  const expected = Buffer.from(sign(`cookie:${body}`, key));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const flow = JSON.parse(Buffer.from(body, "base64url").toString()) as Flow;
  return flow.kind === kind && flow.expiresAt > now ? flow : null;
}

/**
 * A value of 256 bits that belongs to the flow: its challenge, its state, its nonce. Neither stored nor in the cookie;
 * who reads the cookie cannot make it.
 */
export function flowValue({ id }: Flow, name: string, key: Buffer): string {
  return sign(`${name}:${id}`, key);
}

/** Whether the flow had not been spent before; from now on it is. */
export async function spendFlow(db: Writer, { id, expiresAt }: Flow, now: number): Promise<boolean> {
  await db.deleteFrom("spent_flows").where("expires_at", "<=", now).execute();
  const spent = await db
    .insertInto("spent_flows")
    .values({ flow_hash: hash("sha256", id), expires_at: expiresAt })
    .onConflict((on) => on.column("flow_hash").doNothing())
    .returning("flow_hash")
    .executeTakeFirst();
  return spent !== undefined;
}

function sign(text: string, key: Buffer): string {
  return createHmac("sha256", key).update(text).digest("base64url");
}
