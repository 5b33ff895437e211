/** Where signals may go, how long a destination rests, and the words of each format. */
import test from "ava";
import { dayMs, hourMs } from "@flowstate/shared/time";
import { restAfter } from "./deliver.ts";
import { parseDestinationUrl } from "./destinations.ts";
import { renderEvent, type SignalEvent } from "./payload.ts";

const addresses: readonly [url: string, taken: string][] = [
  ["https://siem.example.com/services/collector/raw", "taken"],
  ["https://siem.example.com:8088/?channel=1", "taken"],
  ["http://siem.example.com/", "not_https"],
  ["ftp://siem.example.com/", "not_https"],
  ["siem.example.com", "not_https"],
  [`https://siem.example.com/${"x".repeat(2000)}`, "not_https"],
  ["https://user:secret@siem.example.com/", "not_plain"],
  ["https://siem.example.com/#part", "not_plain"],
];

for (const [url, taken] of addresses) {
  test(`the address ${url.slice(0, 60)} is ${taken}`, (t) => {
    const parsed = parseDestinationUrl(url);
    t.is(parsed.ok ? "taken" : parsed.reason, taken);
  });
}

test("a destination rests longer with each failure, and as long as it asks for, within a day", (t) => {
  const refused = (retryAfterMs: number | null) =>
    ({ kind: "refused", status: 429, reason: "", retryAfterMs }) as const;
  const rests = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => restAfter(refused(null), failures) / 1000);
  t.deepEqual(rests, [5, 60, 300, 1800, 7200, 18_000, 36_000, 36_000]);
  t.is(restAfter(refused(hourMs), 0), hourMs);
  t.is(restAfter(refused(40 * dayMs), 0), dayMs);
  t.is(restAfter({ kind: "unreachable", reason: "" }, 1), 60_000);
});

const event: SignalEvent = {
  type: "signal.detected",
  timestamp: "2026-11-20T12:00:00.000Z",
  data: {
    id: "sig_1",
    type: "new_service",
    category: "OPERATIONAL",
    severity: "WARN",
    meaning: "an AI service that nobody in the organisation has used before",
    subject: "<!channel> & co@example.com",
    serviceAccountId: null,
    sessionId: null,
    service: "groq",
    detail: { rule: "new_service/1", people: 2, hosts: ["api.groq.com"], nothing: null },
    happenedAt: "2026-11-20T11:00:00.000Z",
    detectedAt: "2026-11-20T12:00:00.000Z",
    resolution: null,
    resolvedBy: null,
    note: null,
  },
};

test("Slack gets a message in which no name is markup", (t) => {
  const about = "&lt;!channel&gt; &amp; co@example.com";
  t.deepEqual(JSON.parse(renderEvent("SLACK", event)), {
    text: `new_service: ${event.data.meaning} (${about}, groq)`,
    blocks: [
      {
        type: "section",
        text: {
          type: "mrkdwn",
          text: `:warning: *new_service* · ${about} · groq\n${event.data.meaning}\n• people: 2\n• hosts: ["api.groq.com"]`,
        },
      },
      { type: "context", elements: [{ type: "mrkdwn", text: "WARN · OPERATIONAL · sig_1" }] },
    ],
  });
  const long = { ...event, data: { ...event.data, detail: { much: "x".repeat(9000) } } };
  const { blocks } = JSON.parse(renderEvent("SLACK", long)) as { blocks: { text: { text: string } }[] };
  t.true((blocks[0]?.text.text.length ?? 0) < 3000);
});

test("a SIEM gets a Detection Finding of OCSF, whose activity and status follow the verdict", (t) => {
  t.like(JSON.parse(renderEvent("OCSF", event)), {
    class_uid: 2004,
    category_uid: 2,
    activity_id: 1,
    type_uid: 200_401,
    severity_id: 3,
    status_id: 1,
    is_alert: true,
    time: Date.parse(event.timestamp),
    metadata: { version: "1.3.0", product: { name: "Flowstate", vendor_name: "Flowstate" } },
    finding_info: { uid: "sig_1", title: "new_service", types: ["OPERATIONAL"] },
  });
  const verdicts = (["ESCALATED", "FALSE_POSITIVE", "ACKNOWLEDGED"] as const).map((resolution) => {
    const data = { ...event.data, resolution };
    const told = JSON.parse(renderEvent("OCSF", { ...event, type: "signal.resolved", data })) as Record<
      string,
      number
    >;
    return [told["activity_id"], told["type_uid"], told["status_id"], told["is_alert"]];
  });
  t.deepEqual(verdicts as unknown[], [
    [2, 200_402, 2, false],
    [3, 200_403, 3, false],
    [3, 200_403, 4, false],
  ]);
});
