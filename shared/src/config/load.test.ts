import test from "ava";
import { inspect } from "node:util";
import { loadConfig } from "./load.ts";
import { option } from "./option.ts";
import { describeOptions } from "./describe.ts";

const declaration = {
  port: option.port({ env: "T_PORT", fallback: "7443", describe: "where it listens" }),
  cidrs: option.cidrs({ env: "T_CIDRS", fallback: "", describe: "ranges" }),
  ports: option.ports({ env: "T_PORTS", fallback: "80,443", describe: "ports" }),
  url: option.httpUrl({ env: "T_URL", describe: "an address" }),
  secret: option.secret({ env: "T_SECRET", describe: "a secret" }),
  flag: option.flag({ env: "T_FLAG", fallback: "0", describe: "a flag" }),
};

test("what is unset takes its default, and an empty variable counts as unset", (t) => {
  const config = loadConfig(declaration, { T_PORT: "" });
  t.is(config.port, 7443);
  t.is(config.url, null);
  t.deepEqual(config.ports, new Set([80, 443]));
  t.false(config.flag);
});

test("every wrong setting is named at once with what it held and what it takes", (t) => {
  const error = t.throws(() =>
    loadConfig(declaration, { T_PORT: "70000", T_CIDRS: "10.0.0.0/99", T_URL: "ftp://x/" }),
  );
  t.like(error, { code: "FS_CONFIG_INVALID" });
  t.regex(error.message, /T_PORT is "70000"; it takes a port from 0 to 65535/);
  t.regex(error.message, /T_CIDRS/);
  t.regex(error.message, /T_URL/);
});

test("a secret is never printed", (t) => {
  const { secret } = loadConfig(declaration, { T_SECRET: "hunter2" });
  t.is(secret?.reveal(), "hunter2");
  t.false(`${inspect(secret)} ${JSON.stringify({ secret })} ${String(secret)}`.includes("hunter2"));
});

test("ranges match the addresses inside them", (t) => {
  const { cidrs } = loadConfig(declaration, { T_CIDRS: "127.0.0.0/8, ::1" });
  t.true(cidrs.check("127.1.2.3"));
  t.true(cidrs.check("::1", "ipv6"));
  t.false(cidrs.check("10.0.0.1"));
});

test("the declaration documents itself", (t) => {
  t.regex(describeOptions(declaration), /\| `T_PORT` \| `7443` \| a port from 0 to 65535/);
});
