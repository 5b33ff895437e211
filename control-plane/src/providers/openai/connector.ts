import { FlowstateError } from "@flowstate/shared/errors";
import { addDays, dateOf, dayMs, hourMs } from "@flowstate/shared/time";
import type { ConnectContext, Connection, Connector, Credentials, DayWindow, Pulled } from "../connector.ts";
import { credential, credentialField, optionalCredential } from "../form.ts";
import { kindLabels } from "../kinds.ts";
import { pullChatgptCosts, type Workspace } from "./chatgpt-costs.ts";
import { pullCosts, probeCosts } from "./costs.ts";
import { readDirectory } from "./directory.ts";
import { vendor } from "./reports.ts";
import { pullUsage } from "./usage.ts";

/**
 * OpenAI: the API organisation with an admin key, and ChatGPT Enterprise and Codex credits with a second key, because
 * the admin key does not see them (platform.openai.com, administration API; ChatGPT compliance log platform).
 */
export const openai: Connector = {
  kind: "OPENAI",
  label: kindLabels.OPENAI,
  fields: [
    credentialField({
      name: "adminKey",
      label: "admin key",
      hint: "an admin key from platform.openai.com/organization/admin-keys; project keys do not work",
      pattern: "sk-admin-[\\w-]{4,}",
    }),
    credentialField({
      name: "chatgptKey",
      label: "ChatGPT compliance key",
      required: false,
      hint: "for ChatGPT Enterprise: a key with the scope chatgpt.enterprise.compliance_logs_platform.costs.read",
      pattern: "[\\w-]{8,200}",
    }),
    credentialField({
      name: "chatgptOrgId",
      label: "ChatGPT organisation id",
      secret: false,
      required: false,
      hint: "starts with org-",
      pattern: "org-[\\w-]{3,100}",
    }),
    credentialField({
      name: "creditPriceUsd",
      label: "credit price",
      secret: false,
      required: false,
      hint: "what one credit costs by your contract, in US dollars such as 0.04",
      pattern: "\\d{1,6}(?:\\.\\d{1,9})?",
    }),
  ],
  schedule: { everyMs: 3 * hourMs, rereadDays: 5, backfillDays: 180, windowDays: 31 },
  capabilities: {
    money: "billed",
    person: "directory",
    notes: [
      "Costs name a project and a key; the key's owner is the person. Cost without a key follows shares of usage.",
      "ChatGPT Enterprise states credits: give the compliance key, the organisation and the price of a credit.",
      "ChatGPT seats are in no API.",
    ],
  },
  connect,
};

function connect({ credentials, clock, open }: ConnectContext): Connection {
  const key = credential(credentials, "adminKey");
  const workspace = workspaceOf(credentials, { clock, credentials, open });
  const http = open({
    vendor,
    address: "https://api.openai.com/v1",
    headers: { authorization: `Bearer ${key.reveal()}` },
    secrets: [key],
    perMinute: 30,
  });
  return {
    async probe(signal) {
      await probeCosts(http, addDays(dateOf(clock.now()), -1), signal);
      return { account: null };
    },
    async *pull(window: DayWindow, signal: AbortSignal): AsyncGenerator<Pulled> {
      yield* readDirectory(http, signal);
      yield* pullCosts(http, window, signal);
      yield* pullUsage(http, window, signal);
      if (workspace !== null) yield* pullChatgptCosts(workspace, window, clock.now() - retentionMs, signal);
    },
  };
}

/** The compliance log platform keeps its files for so long. */
const retentionMs = 29 * dayMs;

/** Three fields that only mean something together. */
function workspaceOf(credentials: Credentials, { open }: ConnectContext): Workspace | null {
  const key = optionalCredential(credentials, "chatgptKey");
  const orgId = optionalCredential(credentials, "chatgptOrgId")?.reveal() ?? null;
  const creditPrice = optionalCredential(credentials, "creditPriceUsd")?.reveal() ?? null;
  if (key === null && orgId === null && creditPrice === null) return null;
  if (key === null || orgId === null || creditPrice === null) {
    throw new FlowstateError(
      "FS_INPUT_INVALID",
      "chatgptKey, chatgptOrgId and creditPriceUsd are given together or not at all",
    );
  }
  const http = open({
    vendor: "ChatGPT",
    address: "https://api.chatgpt.com/v1",
    headers: { authorization: `Bearer ${key.reveal()}` },
    secrets: [key],
    perMinute: 30,
    downloadHosts: [".chatgpt.com", ".openai.com", ".oaiusercontent.com", ".blob.core.windows.net"],
  });
  return { http, orgId, creditPrice };
}
