/** The Azure OpenAI connector against a local Entra ID and Cost Management. */
import test from "ava";
import { azureOpenai } from "../src/providers/azure-openai/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import {
  azureSecret,
  emptyAzure,
  startAzure,
  type AzureRow,
  type AzureWorld,
} from "./support/vendors/azure.ts";

const credentials = {
  tenantId: "tenant-1",
  clientId: "client-1",
  clientSecret: azureSecret,
  scope: "subscriptions/sub-1",
};
const october = window("2026-10-01", "2026-10-31");

function row(given: Partial<AzureRow>): AzureRow {
  const resource =
    "/subscriptions/sub-1/resourceGroups/RG/providers/Microsoft.CognitiveServices/accounts/acme";
  const usual = { day: "2026-10-02", service: "Cognitive Services", meter: "gpt-5.4 inp glbl Tokens" };
  return { ...usual, resource, cost: 12.34, ...given };
}

function acme(): AzureWorld {
  return {
    ...emptyAzure(),
    rows: [
      row({}),
      row({ meter: "gpt-5.4 outp glbl Tokens", cost: 0.000000123 }),
      row({ service: "Foundry Models", meter: "o5 Tokens", cost: 3 }),
      row({ service: "Virtual Machines", meter: "D2s", cost: 99 }),
      row({ day: "2026-10-31", cost: 1 }),
      row({ day: "2026-11-01", cost: 2 }),
    ],
  };
}

test("services that look like AI are read by resource and meter, whatever they are called this year", async (t) => {
  await using vendor = await startAzure(acme());
  const { lines, feeds } = await pullAll(connectTo(azureOpenai, vendor, credentials), october);
  t.deepEqual(
    lines.map(({ day, sku, amount }) => [day, sku, amount.text].join(" ")),
    [
      "2026-10-02 gpt-5.4 inp glbl Tokens 12.34",
      "2026-10-02 gpt-5.4 outp glbl Tokens 0.000000123",
      "2026-10-02 o5 Tokens 3",
      "2026-10-31 gpt-5.4 inp glbl Tokens 1",
    ],
  );
  t.true(
    lines.every(({ identity }) => identity.kind === "resource" && identity.value?.endsWith("/accounts/acme")),
  );
  t.deepEqual(feeds, ["costs"]);
  t.deepEqual(vendor.violations, []);
});

test("services that the admin names are read and no others", async (t) => {
  await using vendor = await startAzure(acme());
  const named = { ...credentials, serviceNames: "Virtual Machines, Nothing" };
  const { lines } = await pullAll(connectTo(azureOpenai, vendor, named), october);
  t.deepEqual(
    lines.map(({ sku }) => sku),
    ["D2s"],
  );
});

test("100,000 rows over many pages are all read, with one sign-in", async (t) => {
  const rows = Array.from({ length: 100_000 }, (_, index) => row({ meter: `meter ${index}`, cost: 0.01 }));
  await using vendor = await startAzure({ ...emptyAzure(), rows, pageSize: 5000 });
  const { lines } = await pullAll(connectTo(azureOpenai, vendor, credentials), october);
  t.is(lines.length, 100_000);
  t.is(vendor.calls.filter(({ path }) => path.endsWith("/token")).length, 1);
});

test("the longest of Azure's quotas says how long to wait", async (t) => {
  await using vendor = await startAzure(acme());
  const clock = hurriedClock();
  const connection = connectTo(azureOpenai, vendor, credentials, clock);
  await connection.probe(new AbortController().signal);
  const quota = "x-ms-ratelimit-microsoft.costmanagement";
  const headers = {
    "retry-after": "2",
    [`${quota}-qpu-retry-after`]: "5",
    [`${quota}-tenant-retry-after`]: "90",
  };
  vendor.fail({
    kind: "reply",
    status: 429,
    headers,
    body: { error: { code: "429", message: "Too many requests" } },
  });
  await connection.probe(new AbortController().signal);
  t.true(clock.sleeps.includes(90_000));
});

test("a bill in another currency keeps it", async (t) => {
  await using vendor = await startAzure({ ...acme(), currency: "EUR" });
  const { lines } = await pullAll(connectTo(azureOpenai, vendor, credentials), october);
  t.true(lines.every(({ amount }) => amount.currency === "EUR"));
});

testFaults({
  connector: azureOpenai,
  start: () => startAzure(acme()),
  startEmpty: () => startAzure(emptyAzure()),
  credentials,
  secret: "clientSecret",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { error: { code: "AuthorizationFailed", message: "The client does not have authorization" } },
  },
  changed: { kind: "reply", status: 200, body: { access_token: "x" } },
  changedField: /expires_in/,
});
