/** The GitHub Copilot connector against a local server that enforces GitHub's own description. */
import test from "ava";
import { githubCopilot } from "../src/providers/github-copilot/connector.ts";
import { hurriedClock } from "./support/clock.ts";
import { connectTo, pullAll, window } from "./support/connection.ts";
import { testFaults } from "./support/faults.ts";
import { emptyGithub, githubToken, startGithub, type GithubWorld } from "./support/vendors/github.ts";

const credentials = { token: githubToken, organisation: "acme" };
const october = window("2026-10-01", "2026-10-31");

function acme(): GithubWorld {
  return {
    ...emptyGithub(),
    seats: [
      { login: "ada-gh", email: "Ada@Example.com" },
      { login: "bob-gh" },
      { login: "never", lastActivityAt: "2026-01-01T00:00:00Z" },
    ],
    usage: [
      { day: "2026-10-02", login: "ada-gh", gross: 4.25, net: 0 },
      { day: "2026-10-02", login: "bob-gh", gross: 2, net: 1.5 },
      { day: "2026-10-02", login: "left-gh", gross: 8, net: 8 },
      { day: "2026-10-31", login: "ada-gh", gross: 1, net: 1, model: "GPT-5.4" },
      { day: "2026-11-01", login: "ada-gh", gross: 1, net: 1 },
    ],
    fees: [
      { date: "2026-10-01T00:00:00Z", sku: "Copilot Business", quantity: 0, net: 57 },
      { date: "2026-10-01T00:00:00Z", sku: "Copilot AI Credits", quantity: 9, net: 9 },
      { date: "2026-10-01T00:00:00Z", sku: "Actions Linux", quantity: 9, net: 9, product: "Actions" },
    ],
    metrics: { "2026-10-02 ada-gh": 17, "2026-10-02 bob-gh": 3 },
  };
}

test("credits go to whoever used them, included ones at nought, and seats are a purchase", async (t) => {
  await using vendor = await startGithub(acme());
  const { lines, usages, identities, feeds } = await pullAll(
    connectTo(githubCopilot, vendor, credentials),
    october,
  );
  const shown = lines.map(({ day, identity, sku, amount, listAmount, chargeCategory }) =>
    [day, identity.value, sku, amount.text, listAmount?.text, chargeCategory].join(" "),
  );
  t.deepEqual(shown, [
    "2026-10-01  Copilot Business 57 57 Purchase",
    "2026-10-02 ada-gh Copilot AI Credits 0 4.25 Usage",
    "2026-10-02 bob-gh Copilot AI Credits 1.5 2 Usage",
    "2026-10-02  Copilot AI Credits 8 8 Usage",
    "2026-10-31 ada-gh Copilot AI Credits 1 1 Usage",
  ]);
  t.deepEqual(
    usages.map(({ identity, requests }) => [identity.value, requests]),
    [
      ["ada-gh", 17n],
      ["bob-gh", 3n],
    ],
  );
  t.like(identities[0], { kind: "login", value: "ada-gh", email: "ada@example.com" });
  t.deepEqual(feeds, ["fees", "ai_credit", "premium_request"]);
  t.false(
    vendor.calls.some(({ query }) => query.get("user") === "never"),
    "nobody is asked for who was not there",
  );
  t.deepEqual(vendor.violations, []);
});

test("where an enterprise owns the organisation, the amounts are whole and name nobody", async (t) => {
  await using vendor = await startGithub({ ...acme(), enterpriseOwned: true });
  const { lines } = await pullAll(connectTo(githubCopilot, vendor, credentials), october);
  const credits = lines.filter(({ feed }) => feed === "ai_credit");
  t.deepEqual(
    credits.map(({ day, identity, amount }) => [day.slice(8), identity.kind, amount.text]),
    [
      ["02", "org", "9.5"],
      ["31", "org", "1"],
    ],
  );
  const refused = vendor.calls.filter(({ query }) => query.has("user"));
  t.is(refused.length, 1, "a refusal is not asked for again");
});

test("an enterprise's report names every person with one question, once it is written", async (t) => {
  const twice = { day: "2026-10-02", login: "bob-gh", gross: 1, net: 0.25 };
  await using vendor = await startGithub({
    ...acme(),
    enterpriseOwned: true,
    usage: [...acme().usage, twice],
  });
  const clock = hurriedClock();
  const connection = connectTo(githubCopilot, vendor, { ...credentials, enterprise: "acme-inc" }, clock);
  const { lines, feeds } = await pullAll(connection, october);
  const credits = lines.filter(({ feed }) => feed === "ai_credit");
  t.deepEqual(
    credits.map(({ day, identity, account, amount, listAmount }) =>
      [day, identity.value, account, amount.text, listAmount?.text].join(" "),
    ),
    [
      "2026-10-02 ada-gh acme 0 4.25",
      "2026-10-02 bob-gh acme 1.75 3",
      "2026-10-02 left-gh acme 8 8",
      "2026-10-31 ada-gh acme 1 1",
    ],
  );
  t.deepEqual(feeds, ["fees", "ai_credit", "premium_request"]);
  t.true(clock.sleeps.includes(10_000), "it is waited for");
  t.false(vendor.calls.some(({ query }) => query.has("user")));
  t.false(
    vendor.calls.some(({ path, headers }) => path === "/usage.csv" && headers.authorization !== undefined),
    "the token does not go to the file's address",
  );
  t.deepEqual(vendor.violations, []);
});

test("a token of the least rights has seats and activity, and says nothing of amounts", async (t) => {
  await using vendor = await startGithub({ ...acme(), showsBilling: false });
  const now = window("2026-11-18", "2026-11-20");
  const plain = await pullAll(connectTo(githubCopilot, vendor, credentials), now);
  t.deepEqual(plain.lines, []);
  t.deepEqual(plain.feeds, [], "what may not be read is not taken for nothing");
  t.is(plain.identities.length, 3);
  const priced = connectTo(githubCopilot, vendor, { ...credentials, seatPriceUsd: "19" });
  const { lines } = await pullAll(priced, now);
  t.is(lines.length, 1, "the seat whose person GitHub names");
  t.like(lines[0], { chargeCategory: "Purchase", amount: { text: "19", currency: "USD" } });
});

test("seats over many pages are all read", async (t) => {
  const seats = Array.from({ length: 1050 }, (_, index) => ({ login: `p${index}`, lastActivityAt: null }));
  await using vendor = await startGithub({ ...emptyGithub(), seats });
  const { identities } = await pullAll(
    connectTo(githubCopilot, vendor, credentials),
    window("2026-10-02", "2026-10-02"),
  );
  t.is(identities.length, 1050);
  t.deepEqual(vendor.violations, []);
});

testFaults({
  connector: githubCopilot,
  start: () => startGithub(acme()),
  startEmpty: () => startGithub(emptyGithub()),
  credentials,
  secret: "token",
  scopeRefusal: {
    kind: "reply",
    status: 403,
    body: { message: "Must have admin rights to the organization", status: "403" },
  },
  changed: { kind: "reply", status: 200, body: { total_seats: 1, seats: [{ assignee: { id: 1 } }] } },
  changedField: /seats\[0\]\.assignee\.login/,
});
