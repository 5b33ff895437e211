import test from "ava";
import fc from "fast-check";
import { recogniseHost } from "@flowstate/shared/hosts";
import { expandNoProxy, lintNoProxy } from "./no-proxy.ts";

const cases: readonly (readonly [entry: string, verdict: string])[] = [
  ["corp.example", "clean"],
  [".corp.example", "clean"],
  ["CORP.EXAMPLE", "clean"],
  ["10.1.2.3", "clean"],
  ["::1", "clean"],
  ["localhost", "clean"],
  ["*", "error: wildcard"],
  ["*.corp.example", "error: wildcard"],
  ["10.*", "error: wildcard"],
  ["[::1]", "error: malformed"],
  ["a.example b.example", "error: malformed"],
  ["corp.example'; touch x", "error: malformed"],
  ["10.0.0.0/8", "warning: cidr"],
  ["corp.example:443", "warning: port"],
  ["com", "error: ai_host"],
  [".internal", "error: single_label"],
  ["co.uk", "error: public_suffix"],
  ["googleapis.com", "error: ai_host"],
  [".amazonaws.com", "error: ai_host"],
  ["openai.azure.com", "error: ai_host"],
  ["githubcopilot.com", "error: ai_host"],
  ["api.openai.com", "error: ai_host"],
  ["api.anthropic.com:443", "error: ai_host"],
];
for (const [entry, verdict] of cases) {
  test(`NO_PROXY ${entry} -> ${verdict}`, (t) => {
    const [finding] = lintNoProxy([entry]);
    t.is(finding === undefined ? "clean" : `${finding.severity}: ${finding.rule}`, verdict);
  });
}

test("a domain stands in both forms, once, after the defaults", (t) => {
  t.is(
    expandNoProxy(["corp.example", ".corp.example", "10.1.2.3"]).join(","),
    "localhost,127.0.0.1,::1,.local,169.254.169.254,metadata.google.internal,corp.example,.corp.example,10.1.2.3",
  );
});

test("whatever passes the linter lets no AI host pass by suffix", (t) => {
  const hosts = [
    "api.openai.com",
    "api.anthropic.com",
    "generativelanguage.googleapis.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
  ];
  t.true(hosts.every((host) => recogniseHost(host) !== null));
  const suffixes = hosts.flatMap((host) =>
    host.split(".").map((_, index, labels) => labels.slice(index).join(".")),
  );
  fc.assert(
    fc.property(fc.constantFrom(...suffixes), fc.constantFrom("", ".", "*."), (suffix, prefix) =>
      lintNoProxy([prefix + suffix]).some(({ severity }) => severity === "error"),
    ),
  );
});
