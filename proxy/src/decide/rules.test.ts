import test from "ava";
import { parseHostPort, type HostPort } from "@flowstate/shared/net/host-port";
import { must } from "@flowstate/shared/assert";
import {
  defaultProxyPolicy,
  type DestinationPolicy,
  type ProxyPolicy,
  type ServiceRule,
} from "@flowstate/shared/wire/policy";
import { createLimiter } from "./limits.ts";
import { decideDestination } from "./rules.ts";

const open: DestinationPolicy = { mode: "open", aiOnly: false, allow: [], deny: [] };

const at = (text: string): HostPort => {
  const parsed = parseHostPort(text);
  return must(parsed.ok ? parsed.value : null, text);
};

const noOpenai: ServiceRule = {
  name: "no OpenAI",
  list: "deny",
  providers: ["openai"],
  hosts: [{ host: "*.llm.example" }],
  enforce: true,
};
const onlyOpenai: ServiceRule = {
  ...noOpenai,
  name: "only OpenAI",
  list: "allow",
  hosts: [{ host: "api.mistral.ai" }],
};

const decisions: [what: string, policy: Partial<DestinationPolicy>, to: string, decision: string][] = [
  [
    "C1 an exact host",
    { mode: "enforce", allow: [{ host: "a.example" }] },
    "a.example:443",
    "allow allow_rule",
  ],
  [
    "C1 below a suffix",
    { mode: "enforce", allow: [{ host: "*.a.example" }] },
    "x.y.a.example:443",
    "allow allow_rule",
  ],
  [
    "C1 the suffix itself",
    { mode: "enforce", allow: [{ host: "*.a.example" }] },
    "a.example:443",
    "deny not_listed",
  ],
  [
    "C1 a name that only ends like it",
    { mode: "enforce", allow: [{ host: "*.a.example" }] },
    "xa.example:443",
    "deny not_listed",
  ],
  [
    "C1 an address has no suffix",
    { mode: "enforce", allow: [{ host: "*.0.2.1" }] },
    "192.0.2.1:443",
    "deny not_listed",
  ],
  ["C1 an address", { mode: "enforce", allow: [{ host: "192.0.2.1" }] }, "192.0.2.1:443", "allow allow_rule"],
  [
    "C1 a port that the rule names",
    { mode: "enforce", allow: [{ host: "a.example", ports: [443] }] },
    "a.example:443",
    "allow allow_rule",
  ],
  [
    "C1 a port that it does not",
    { mode: "enforce", allow: [{ host: "a.example", ports: [443] }] },
    "a.example:80",
    "deny not_listed",
  ],
  [
    "C1 two rules for one host add up",
    {
      mode: "enforce",
      allow: [
        { host: "a.example", ports: [443] },
        { host: "a.example", ports: [80] },
      ],
    },
    "a.example:80",
    "allow allow_rule",
  ],
  ["C4 not listed, report", { mode: "report" }, "a.example:443", "allow would_deny not_listed"],
  [
    "C4 denied, report",
    { mode: "report", deny: [{ host: "a.example" }] },
    "a.example:443",
    "allow would_deny deny_rule",
  ],
  [
    "C4 allowed, report",
    { mode: "report", allow: [{ host: "a.example" }] },
    "a.example:443",
    "allow allow_rule",
  ],
  ["C5 not listed, enforce", { mode: "enforce" }, "a.example:443", "deny not_listed"],
  ["C6 denied, open", { deny: [{ host: "*.example" }] }, "a.example:443", "deny deny_rule"],
  [
    "C6 denied and allowed",
    { deny: [{ host: "*.example" }], allow: [{ host: "a.example" }] },
    "a.example:443",
    "allow allow_rule",
  ],
  ["an AI host, AI only", { mode: "enforce", aiOnly: true }, "api.openai.com:443", "allow ai_host"],
  ["another host, AI only", { mode: "enforce", aiOnly: true }, "a.example:443", "deny not_listed"],
  ["another host, AI only, open", { aiOnly: true }, "a.example:443", "allow would_deny not_listed"],
  [
    "an AI host that is denied",
    { aiOnly: true, deny: [{ host: "*.openai.com" }] },
    "api.openai.com:443",
    "deny deny_rule",
  ],
  ["any host, open", {}, "a.example:443", "allow mode"],
  ["a provider that is denied", { services: [noOpenai] }, "api.openai.com:443", "deny service_rule"],
  [
    "a provider that is denied, report",
    { mode: "report", services: [noOpenai] },
    "api.openai.com:443",
    "deny service_rule",
  ],
  [
    "a provider that is denied and a host that is allowed",
    { allow: [{ host: "api.openai.com" }], services: [noOpenai] },
    "api.openai.com:443",
    "allow allow_rule",
  ],
  ["where the provider signs people in", { services: [noOpenai] }, "auth.openai.com:443", "allow mode"],
  ["another provider", { services: [noOpenai] }, "api.anthropic.com:443", "allow mode"],
  ["a host that is denied by a rule", { services: [noOpenai] }, "eu.llm.example:443", "deny service_rule"],
  ["a provider that is not listed", { services: [onlyOpenai] }, "api.anthropic.com:443", "deny service_rule"],
  ["a provider that is listed", { services: [onlyOpenai] }, "api.openai.com:443", "allow mode"],
  ["a listed host of another provider", { services: [onlyOpenai] }, "api.mistral.ai:443", "allow mode"],
  ["no AI service", { services: [onlyOpenai] }, "a.example:443", "allow mode"],
  [
    "a provider that is watched",
    { services: [{ ...noOpenai, enforce: false }] },
    "api.openai.com:443",
    "allow would_deny service_rule",
  ],
  [
    "a provider that is watched and not allowed",
    { mode: "enforce", services: [{ ...noOpenai, enforce: false }] },
    "api.openai.com:443",
    "deny not_listed",
  ],
  [
    "a provider that one rule watches and another denies",
    { services: [{ ...noOpenai, enforce: false }, noOpenai] },
    "api.openai.com:443",
    "deny service_rule",
  ],
];

for (const [what, destinations, to, decision] of decisions) {
  test(`${what}: ${to} -> ${decision}`, (t) => {
    const policy = { ...defaultProxyPolicy, destinations: { ...open, ...destinations } };
    const { allowed, wouldDeny, reason } = decideDestination(policy, "a@example.com", at(to));
    t.is([allowed ? "allow" : "deny", ...(wouldDeny ? ["would_deny"] : []), reason].join(" "), decision);
  });
}

test("C7 the first group that holds a subject decides for it, the organisation for everybody else", (t) => {
  const closed: DestinationPolicy = { ...open, mode: "enforce" };
  const policy: ProxyPolicy = {
    ...defaultProxyPolicy,
    destinations: closed,
    groups: [
      { name: "one", subjects: ["a@example.com"], destinations: open },
      { name: "two", subjects: ["a@example.com", "b@example.com"], destinations: closed },
    ],
  };
  const allowed = (subject: string): boolean =>
    decideDestination(policy, subject, at("x.example:443")).allowed;
  t.deepEqual(["a@example.com", "b@example.com", "c@example.com"].map(allowed), [true, false, false]);
});

const identity = { orgId: "O", keyId: "K", subject: "a@example.com" };
const none = { tunnels: null, newTunnelsPerSecond: null, bytesPerSecond: null };

test("new tunnels are let through at the rate of the policy, and what other workers hold counts", (t) => {
  let now = 0;
  const limiter = createLimiter({ global: none, now: () => now });
  const limits = {
    perSubject: { ...none, newTunnelsPerSecond: 2 },
    perOrganisation: { ...none, tunnels: 5 },
  };
  const take = (): string => limiter.take(identity, limits).kind;
  t.deepEqual([take(), take(), take()], ["taken", "taken", "full"]);
  now = 500;
  t.deepEqual([take(), take()], ["taken", "full"]);
  now = 10_000;
  limiter.others({ "organisation O": 2 });
  t.is(take(), "full");
  limiter.others({ "organisation O": 1 });
  t.is(take(), "taken");
});

test("bytes wait once they are more than a second's worth, by the tightest limit, and a slot is given back once", (t) => {
  let now = 0;
  const limiter = createLimiter({ global: { ...none, bytesPerSecond: 1_000_000 }, now: () => now });
  const limits = { perSubject: { ...none, tunnels: 1, bytesPerSecond: 100_000 }, perOrganisation: none };
  const taking = limiter.take(identity, limits);
  t.is(limiter.take(identity, limits).kind, "full");
  if (taking.kind === "full" || taking.slot.pace === null) return t.fail();
  t.is(taking.slot.pace(100_000), 0);
  t.is(taking.slot.pace(50_000), 500);
  now = 1500;
  t.is(taking.slot.pace(50_000), 0);
  taking.slot.release();
  taking.slot.release();
  t.deepEqual(limiter.open(), {});
  t.is(limiter.take(identity, { perSubject: none, perOrganisation: none }).kind, "taken");
});
