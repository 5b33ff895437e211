/** The Bedrock connector against a local Cost Explorer that checks signatures and enforces the service's model. */
import test from "ava";
import { awsBedrock } from "../src/providers/aws-bedrock/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import { awsKey, emptyAws, refusal, startAws, type AwsLine, type AwsWorld } from "./support/vendors/aws.ts";

const october = window("2026-10-01", "2026-10-31");
const claude = "Claude Sonnet 5 (Amazon Bedrock Edition)";

function line(given: Partial<AwsLine>): AwsLine {
  const usual = {
    day: "2026-10-02",
    account: "111122223333",
    service: "Amazon Bedrock",
    record: "Usage",
  } as const;
  return { ...usual, type: "USE1-input-tokens", amount: "1.2500000001", ...given };
}

function acme(): AwsWorld {
  return {
    ...emptyAws(),
    lines: [
      line({}),
      line({ account: "444455556666", amount: "-0" }),
      line({ service: claude, type: "USE1-MP:USE1_output_tokens_standard-Units", amount: "184.22" }),
      line({ service: claude, type: "Tax", record: "Tax", amount: "15.5" }),
      line({ type: "Credit", record: "Credit", amount: "-1" }),
      line({ service: "Amazon Simple Storage Service", amount: "99" }),
      line({ day: "2026-10-31", amount: "3" }),
      line({ day: "2026-11-01", amount: "5" }),
    ],
  };
}

test("every service of the bill that is Bedrock is read, by account and usage type, to the last digit", async (t) => {
  await using vendor = await startAws(acme());
  const { lines, feeds } = await pullAll(connectTo(awsBedrock, vendor, awsKey), october);
  const shown = lines.map(({ day, account, chargeCategory, sku, amount, model }) =>
    [day, account, chargeCategory, sku, amount.text, model].join(" "),
  );
  t.deepEqual(shown, [
    "2026-10-02 111122223333 Usage USE1-input-tokens 1.2500000001 ",
    "2026-10-02 444455556666 Usage USE1-input-tokens 0 ",
    "2026-10-31 111122223333 Usage USE1-input-tokens 3 ",
    "2026-10-02 111122223333 Credit Credit -1 ",
    "2026-10-02 111122223333 Usage USE1-MP:USE1_output_tokens_standard-Units 184.22 Claude Sonnet 5",
    "2026-10-02 111122223333 Tax Tax 15.5 Claude Sonnet 5",
  ]);
  t.deepEqual(feeds, ["costs"]);
  t.deepEqual(vendor.violations, []);
});

test("100,000 lines over many pages are all read", async (t) => {
  const lines = Array.from({ length: 100_000 }, (_, index) =>
    line({
      day: `2026-10-${String((index % 31) + 1).padStart(2, "0")}`,
      type: `type-${Math.floor(index / 31)}`,
      amount: "0.01",
    }),
  );
  await using vendor = await startAws({ ...emptyAws(), lines, pageSize: 2000 });
  const read = await pullAll(connectTo(awsBedrock, vendor, awsKey), october);
  t.is(read.lines.length, 100_000);
});

test("a bill in another currency keeps it", async (t) => {
  await using vendor = await startAws({ ...acme(), currency: "EUR" });
  const { lines } = await pullAll(connectTo(awsBedrock, vendor, awsKey), october);
  t.true(lines.every(({ amount }) => amount.currency === "EUR"));
});

test("a throttled question, which AWS answers with 400, is asked again", async (t) => {
  await using vendor = await startAws(acme());
  const throttled = refusal("LimitExceededException", "Rate exceeded");
  vendor.fail(
    { kind: "reply", status: 400, body: throttled.body },
    { kind: "reply", status: 400, body: throttled.body },
  );
  const clock = hurriedClock();
  const { lines } = await pullAll(connectTo(awsBedrock, vendor, awsKey, clock), october);
  t.is(lines.length, 6);
  t.true(clock.sleeps.length >= 2);
});

test("the month before is read again whole until the fifth", (t) => {
  const rereadOn = (day: string) => {
    const clock = hurriedClock(Date.parse(`${day}T12:00:00Z`));
    return connectTo(awsBedrock, { url: "http://127.0.0.1:1" }, awsKey, clock).rereadDays;
  };
  t.is(rereadOn("2026-11-05"), 35);
  t.is(rereadOn("2026-03-01"), 28);
  t.is(rereadOn("2026-11-06"), 7);
});

testFaults({
  connector: awsBedrock,
  start: () => startAws(acme()),
  startEmpty: () => startAws(emptyAws()),
  credentials: awsKey,
  secret: "secretAccessKey",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { __type: "AccessDeniedException", message: "not authorized to perform: ce:GetDimensionValues" },
  },
  changed: { kind: "reply", status: 200, body: { DimensionValues: [{ Name: "x" }] } },
  changedField: /DimensionValues\[0\]\.Value/,
});
