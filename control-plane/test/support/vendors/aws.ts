import { Secret } from "@flowstate/shared/secret";
import { signRequest } from "../../../src/providers/aws-bedrock/sign.ts";
import { startVendor, type Vendor, type VendorCall, type VendorReply } from "../vendor.ts";

/** What the local Cost Explorer knows. */
export interface AwsWorld {
  lines: readonly AwsLine[];
  pageSize: number;
  currency: string;
}

export interface AwsLine {
  readonly day: string;
  readonly account: string;
  readonly service: string;
  /** Usage type, or the record type of what is no usage. */
  readonly type: string;
  readonly record: "Usage" | "Tax" | "Credit";
  readonly amount: string;
}

export const awsKey = {
  accessKeyId: "AKIAPLANTED0123456",
  secretAccessKey: "plantedSecret0123456789abcdefghijklmnop",
};

export function emptyAws(): AwsWorld {
  return { lines: [], pageSize: 100, currency: "USD" };
}

interface Question {
  readonly TimePeriod: { readonly Start: string; readonly End: string };
  readonly NextPageToken?: string;
  readonly SearchString?: string;
  readonly Dimension?: string;
  readonly Filter?: {
    readonly And: readonly [
      { readonly Dimensions: { readonly Values: readonly string[] } },
      { readonly Not?: unknown },
    ];
  };
}

export function startAws(world: AwsWorld): Promise<Vendor> {
  return startVendor({
    contract: "aws-cost-explorer",
    authorise: judge,
    routes: {
      "POST /": (call) => {
        const question = JSON.parse(call.body) as Question;
        const { Start, End } = question.TimePeriod;
        const inTime = world.lines.filter(({ day }) => day >= Start && day < End);
        const target = call.headers["x-amz-target"];
        if (target === "AWSInsightsIndexService.GetDimensionValues") return dimensions(inTime, question);
        if (target === "AWSInsightsIndexService.GetCostAndUsage") return costs(world, inTime, question);
        return refusal("UnknownOperationException", String(target));
      },
    },
  });
}

/** AWS computes the signature anew from what it received. */
function judge(call: VendorCall): VendorReply | null {
  const { headers, method, path, body } = call;
  const date = String(headers["x-amz-date"]);
  const at = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const signed = {
    "content-type": String(headers["content-type"]),
    "x-amz-target": String(headers["x-amz-target"]),
  };
  const { authorization } = signRequest(
    { method, url: new URL(path, `http://${headers.host}`), headers: signed, body, at },
    {
      accessKeyId: awsKey.accessKeyId,
      secretAccessKey: new Secret(awsKey.secretAccessKey),
      sessionToken: null,
    },
    { region: "us-east-1", service: "ce" },
  );
  return headers.authorization === authorization
    ? null
    : refusal("InvalidSignatureException", "The request signature we calculated does not match");
}

export function refusal(type: string, message: string): VendorReply {
  return { status: 400, body: { __type: `com.amazonaws#${type}`, message } };
}

function dimensions(lines: readonly AwsLine[], { SearchString = "" }: Question): VendorReply {
  const names = [...new Set(lines.map(({ service }) => service))].filter((name) =>
    name.includes(SearchString),
  );
  const values = names.map((Value) => ({ Value, Attributes: {} }));
  return { body: { DimensionValues: values, ReturnSize: values.length, TotalSize: values.length } };
}

function costs(world: AwsWorld, lines: readonly AwsLine[], { Filter, NextPageToken }: Question): VendorReply {
  const [service, record] = Filter?.And ?? [];
  const wanted = lines.filter(
    (line) =>
      service?.Dimensions.Values.includes(line.service) === true &&
      (line.record === "Usage") === (record?.Not === undefined),
  );
  const start = Number(NextPageToken ?? 0);
  const page = wanted.slice(start, start + world.pageSize);
  const end = start + page.length;
  const days = [...Map.groupBy(page, ({ day }) => day)];
  const results = days.map(([day, of]) => ({
    TimePeriod: { Start: day, End: day },
    Total: {},
    Estimated: true,
    Groups: of.map(({ account, type, amount }) => ({
      Keys: [account, type],
      Metrics: {
        UnblendedCost: { Amount: amount, Unit: world.currency },
        UsageQuantity: { Amount: "12281.3", Unit: "Units" },
      },
    })),
  }));
  return { body: { ResultsByTime: results, ...(end < wanted.length ? { NextPageToken: String(end) } : {}) } };
}
