import { z } from "zod";
import type { Clock } from "@flowstate/shared/clock";
import { Secret } from "@flowstate/shared/secret";
import type { ConnectContext } from "../connector.ts";
import { field, readAnswer } from "../exact-json.ts";
import type { VendorHttp } from "../http.ts";

export const vendor = "Azure";

/** An app registration of Microsoft Entra ID. */
export interface AppRegistration {
  readonly tenantId: string;
  readonly clientId: string;
  readonly secret: Secret;
}

/** Azure Resource Manager on behalf of an app registration. */
export interface Azure {
  /** Posts a question; null where the answer is that there is nothing (204). */
  ask<Schema extends z.ZodType>(
    path: string,
    body: unknown,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.output<Schema> | null>;
}

/** A token is asked for again so long before it ends. */
const tokenMarginMs = 5 * 60_000;

export function createAzure(
  { tenantId, clientId, secret }: AppRegistration,
  open: ConnectContext["open"],
  clock: Clock,
): Azure {
  const login = open({
    vendor,
    address: "https://login.microsoftonline.com",
    secrets: [secret],
    perMinute: 30,
  });
  let session: { readonly http: VendorHttp; readonly endsAt: number } | null = null;

  async function signIn(signal: AbortSignal): Promise<VendorHttp> {
    if (session !== null && clock.now() < session.endsAt - tokenMarginMs) return session.http;
    const form = {
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: secret.reveal(),
      scope: "https://management.azure.com/.default",
    };
    const path = `/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
    const { access_token, expires_in } = await login.json({ path, form, schema: tokenAnswer }, signal);
    const http = open({
      vendor,
      address: "https://management.azure.com",
      headers: { authorization: `Bearer ${access_token}` },
      secrets: [secret, new Secret(access_token)],
      perMinute: 12,
      retryAfterHeaders: ["qpu", "entity", "tenant"].map(
        (quota) => `x-ms-ratelimit-microsoft.costmanagement-${quota}-retry-after`,
      ),
    });
    session = { http, endsAt: clock.now() + expires_in * 1000 };
    return http;
  }

  return {
    async ask(path, json, schema, signal) {
      const http = await signIn(signal);
      const { status, text } = await http.send({ path, json, expect: [200, 204] }, signal);
      if (status === 204) return null;
      return readAnswer(text, schema, vendor, path.split("?", 1)[0] ?? path);
    },
  };
}

const tokenAnswer = z.object({ access_token: field.text.min(1), expires_in: field.epoch });
