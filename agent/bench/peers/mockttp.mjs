/** mockttp as a process of its own: `node mockttp.mjs PROVIDER_PORT PROVIDER_CA_FILE`. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { generateCACertificate, getLocal } = createRequire(`${process.cwd()}/`)("mockttp");
const [, , provider, caFile] = process.argv;
const server = getLocal({
  https: await generateCACertificate(),
  http2: false,
  recordTraffic: false,
  suggestChanges: false,
});
await server.start();
await server.forAnyRequest().thenPassThrough({
  transformRequest: { replaceHost: { targetHost: `localhost:${provider}`, updateHostHeader: false } },
  additionalTrustedCAs: [{ cert: readFileSync(caFile, "utf8") }],
  ignoreHostHttpsErrors: true,
});
process.stdout.write(`${server.port}\n`);
