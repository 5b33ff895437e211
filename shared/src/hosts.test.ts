import test from "ava";
import { aiHosts, recogniseHost } from "./hosts.ts";

const cases: [host: string, outcome: string][] = [
  ["api.openai.com", "openai capture"],
  ["eu.api.openai.com", "openai capture"],
  ["evilapi.openai.com", "none"],
  ["api.openai.com.evil.example", "none"],
  ["api.anthropic.com", "anthropic capture"],
  ["us-central1-aiplatform.googleapis.com", "google-vertex capture"],
  ["aiplatform.googleapis.com", "google-vertex capture"],
  ["storage.googleapis.com", "none"],
  ["bedrock-runtime.eu-west-1.amazonaws.com", "aws-bedrock capture"],
  ["bedrock-runtime.a.b.amazonaws.com", "none"],
  ["s3.eu-west-1.amazonaws.com", "none"],
  ["acme.openai.azure.com", "azure-openai capture"],
  ["api.business.githubcopilot.com", "github-copilot capture"],
  ["x.api5.cursor.sh", "cursor pinned"],
  ["ab.chatgpt.com", "openai ignore"],
  ["example.com", "none"],
];

for (const [host, outcome] of cases) {
  test(`host ${host} -> ${outcome}`, (t) => {
    const found = recogniseHost(host);
    t.is(found === null ? "none" : `${found.provider} ${found.mode}`, outcome);
  });
}

test("no pattern stands twice", (t) => {
  t.is(new Set(aiHosts.map(({ pattern }) => pattern)).size, aiHosts.length);
});
