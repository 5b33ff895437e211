/** Signatures against vectors that were computed with botocore and with AWS's own worked example. */
import { readFileSync } from "node:fs";
import test from "ava";
import { Secret } from "@flowstate/shared/secret";
import { signRequest } from "./sign.ts";

interface Vector {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly region: string;
  readonly service: string;
  readonly access_key: string;
  readonly secret_key: string;
  readonly signature: string;
}

const file = new URL("../../../test/contracts/aws-sigv4-vectors.json", import.meta.url);
const vectors = JSON.parse(readFileSync(file, "utf8")) as Record<string, Vector>;

for (const name of ["documentation_example", "cost_explorer"]) {
  test(`the signature of ${name} is AWS's`, (t) => {
    const vector = vectors[name];
    if (vector === undefined) return t.fail("no such vector");
    const { "x-amz-date": date = "", host: _, ...headers } = vector.headers;
    const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
    const { authorization = "" } = signRequest(
      { method: vector.method, url: new URL(vector.url), headers, body: vector.body, at },
      { accessKeyId: vector.access_key, secretAccessKey: new Secret(vector.secret_key), sessionToken: null },
      vector,
    );
    return t.is(authorization.split("Signature=")[1], vector.signature);
  });
}

test("the token of a temporary key is signed as well", (t) => {
  const { authorization, ...headers } = signRequest(
    { method: "POST", url: new URL("https://ce.us-east-1.amazonaws.com/"), headers: {}, body: "{}", at: 0 },
    { accessKeyId: "ASIAEXAMPLE", secretAccessKey: new Secret("secret"), sessionToken: new Secret("token") },
    { region: "us-east-1", service: "ce" },
  );
  t.is(headers["x-amz-security-token"], "token");
  t.regex(authorization ?? "", /SignedHeaders=host;x-amz-date;x-amz-security-token, /);
});
