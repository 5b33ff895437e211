import test from "ava";
import fc from "fast-check";
import { parseDestinationRule } from "./destination.ts";

const cases: [text: string, result: string][] = [
  ["api.openai.com", "api.openai.com"],
  [" API.OpenAI.com. ", "api.openai.com"],
  ["*.openai.com", "*.openai.com"],
  ["*.openai.com:443", "*.openai.com 443"],
  ["192.0.2.1:8443", "192.0.2.1 8443"],
  ["2001:DB8::1", "2001:db8::1"],
  ["[2001:DB8::1]:443", "2001:db8::1 443"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
  ["*", "refused: bad_wildcard"],
  ["*.", "refused: bad_host"],
  ["*example.com", "refused: bad_wildcard"],
  ["api.*.com", "refused: bad_wildcard"],
  ["example.*", "refused: bad_wildcard"],
  ["*.*.com", "refused: bad_wildcard"],
  ["*.192.0.2.1", "refused: bad_host"],
  ["b\u00fccher.example", "refused: not_punycode; write xn--bcher-kva.example"],
  ["*.b\u00fccher.example", "refused: not_punycode; write *.xn--bcher-kva.example"],
  ["host.example:0", "refused: bad_port"],
  ["host.example:70000", "refused: bad_port"],
  ["host.example:https", "refused: bad_host"],
  ["https://host.example", "refused: bad_host"],
  ["127.1", "refused: bad_host"],
  ["", "refused: bad_host"],
];

for (const [text, result] of cases) {
  test(`C2 C3 destination ${JSON.stringify(text)} -> ${result}`, (t) => {
    const rule = parseDestinationRule(text);
    if (rule.ok) t.is([rule.value.host, ...(rule.value.ports ?? [])].join(" "), result);
    else {
      const [, hint = ""] = /; (write .*)$/.exec(result) ?? [];
      t.is(`refused: ${rule.reason}${hint === "" ? "" : `; ${hint}`}`, result);
      t.true(rule.detail.includes(hint));
    }
  });
}

test("any text is read or refused, and what was read reads as itself", (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6()), (text) => {
      const rule = parseDestinationRule(text);
      if (!rule.ok) return;
      const again = parseDestinationRule(rule.value.host);
      t.true(again.ok);
      if (again.ok) t.is(again.value.host, rule.value.host);
    }),
  );
});
