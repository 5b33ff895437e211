import { setTimeout as pause } from "node:timers/promises";
import {
  fromJsonSchema,
  requireScopes,
  type CallToolResult,
  type McpServer,
  type ServerContext,
  type ServerNotifier,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { readScope, type Scope } from "../../src/oauth/scopes.ts";

/** One red pixel. */
export const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/** No samples at all. */
const wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

/** What the suite sends apart reaches a client apart. */
const betweenMs = 50;

export function textResult(text: string): CallToolResult {
  return { content: [{ type: "text", text }] };
}

const image = { type: "image", data: png, mimeType: "image/png" } as const;

/** What each tool that needs nothing answers. */
const plainTools: Readonly<Record<string, CallToolResult>> = {
  test_simple_text: textResult("This is a simple text response for testing."),
  test_image_content: { content: [image] },
  test_audio_content: { content: [{ type: "audio", data: wav, mimeType: "audio/wav" }] },
  test_embedded_resource: {
    content: [
      {
        type: "resource",
        resource: {
          uri: "test://embedded-resource",
          mimeType: "text/plain",
          text: "This is an embedded resource content.",
        },
      },
    ],
  },
  test_multiple_content_types: {
    content: [
      { type: "text", text: "Multiple content types test:" },
      image,
      {
        type: "resource",
        resource: {
          uri: "test://mixed-content-resource",
          mimeType: "application/json",
          text: JSON.stringify({ test: "data", value: 123 }),
        },
      },
    ],
  },
};

/** Every keyword that a server might strip on its way out. */
const wholeVocabulary = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

/** The tools that answer of themselves. */
export function addAnsweringTools(server: McpServer, notifier: () => ServerNotifier, wideScope: Scope): void {
  const add = (name: string, answer: (context: ServerContext) => CallToolResult | Promise<CallToolResult>) =>
    server.registerTool(name, { description: name }, answer);

  for (const [name, result] of Object.entries(plainTools)) add(name, () => result);
  add("test_error_handling", () => {
    throw new Error("This tool intentionally returns an error for testing");
  });
  add("test_tool_with_logging", async ({ mcpReq }) => {
    for (const line of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await mcpReq.log("info", line);
      await pause(betweenMs);
    }
    return textResult("logged three lines");
  });
  add("test_logging_tool", async ({ mcpReq }) => {
    await mcpReq.log("info", "told only to who asked for it");
    return textResult("logged one line");
  });
  add("test_tool_with_progress", async ({ mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      const params = { progressToken, progress, total: 100 };
      if (progressToken !== undefined) await mcpReq.notify({ method: "notifications/progress", params });
      await pause(betweenMs);
    }
    return textResult("reported progress");
  });
  add("test_trigger_tool_change", () => {
    notifier().toolsChanged();
    return textResult("told of changed tools");
  });
  add("test_trigger_prompt_change", () => {
    notifier().promptsChanged();
    return textResult("told of changed prompts");
  });

  server.registerTool(
    "json_schema_2020_12_tool",
    { description: "Tool with JSON Schema 2020-12 features", inputSchema: fromJsonSchema(wholeVocabulary) },
    () => textResult("accepted"),
  );
  server.registerTool(
    "test_parameter_in_header",
    {
      description: "its parameter travels in a header too (SEP-2243)",
      inputSchema: z.object({ region: z.string().meta({ "x-mcp-header": "Region" }) }),
    },
    ({ region }) => textResult(region),
  );
  server.registerTool(
    "test_wider_scope",
    {
      description: "needs more than reading",
      inputSchema: z.object({ value: z.string() }),
      scopeChallenge: requireScopes(readScope.name, wideScope.name),
    },
    ({ value }, { http }) =>
      textResult(`${value} with ${(http?.authInfo?.scopes ?? []).toSorted().join(" ")}`),
  );
}
