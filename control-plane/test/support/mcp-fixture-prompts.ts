import {
  acceptedContent,
  completable,
  inputRequired,
  ResourceTemplate,
  type GetPromptResult,
  type McpServer,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { png } from "./mcp-fixture-tools.ts";

type Content = GetPromptResult["messages"][number]["content"];

function promptOf(...contents: readonly Content[]): GetPromptResult {
  return { messages: contents.map((content) => ({ role: "user", content })) };
}

const text = (value: string): Content => ({ type: "text", text: value });

export function addPrompts(server: McpServer): void {
  server.registerPrompt("test_simple_prompt", { description: "no arguments" }, () =>
    promptOf(text("This is a simple prompt for testing.")),
  );
  const argument = completable(z.string(), (begun) =>
    ["paris", "park", "party"].filter((word) => word.startsWith(begun)),
  );
  server.registerPrompt(
    "test_prompt_with_arguments",
    { description: "two arguments", argsSchema: z.object({ arg1: argument, arg2: z.string() }) },
    ({ arg1, arg2 }) => promptOf(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  );
  server.registerPrompt(
    "test_prompt_with_embedded_resource",
    { description: "embeds a resource", argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri }) =>
      promptOf(
        {
          type: "resource",
          resource: {
            uri: resourceUri,
            mimeType: "text/plain",
            text: "Embedded resource content for testing.",
          },
        },
        text("Please process the embedded resource above."),
      ),
  );
  server.registerPrompt("test_prompt_with_image", { description: "holds an image" }, () =>
    promptOf({ type: "image", data: png, mimeType: "image/png" }, text("Please analyze the image above.")),
  );
  const contextSchema = z.object({ context: z.string() });
  server.registerPrompt("test_input_required_result_prompt", { description: "asks first" }, ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, "user_context", contextSchema);
    if (given !== undefined) return promptOf(text(`With the context: ${given.context}`));
    return inputRequired({
      inputRequests: {
        user_context: inputRequired.elicit({
          message: "What context should the prompt use?",
          requestedSchema: contextSchema,
        }),
      },
    });
  });
}

export function addResources(server: McpServer): void {
  const description = "a fixture";
  server.registerResource(
    "static-text",
    "test://static-text",
    { description, mimeType: "text/plain" },
    ({ href: uri }) => ({
      contents: [{ uri, mimeType: "text/plain", text: "This is the content of the static text resource." }],
    }),
  );
  server.registerResource(
    "static-binary",
    "test://static-binary",
    { description, mimeType: "image/png" },
    ({ href: uri }) => ({ contents: [{ uri, mimeType: "image/png", blob: png }] }),
  );
  server.registerResource(
    "template",
    new ResourceTemplate("test://template/{id}/data", { list: undefined }),
    { description, mimeType: "application/json" },
    ({ href: uri }, { id }) => ({
      contents: [
        {
          uri,
          mimeType: "application/json",
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  );
  // Nothing here ever changes, so nobody needs to be remembered.
  server.server.setRequestHandler("resources/subscribe", () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", () => ({}));
}
