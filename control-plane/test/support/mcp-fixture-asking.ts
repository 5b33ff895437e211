import {
  inputRequired,
  inputResponse,
  type CallToolResult,
  type ElicitRequestFormParams,
  type InputRequest,
  type InputRequiredResult,
  type McpServer,
  type RequestStateCodec,
  type ServerContext,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { textResult } from "./mcp-fixture-tools.ts";

/** Which round the client answers. */
export interface Round {
  readonly round: number;
}

export type StateCodec = RequestStateCodec<Round>;

type Questions = Readonly<Record<string, InputRequest>>;
type RequestedSchema = ElicitRequestFormParams["requestedSchema"];

const askName = (message: string): InputRequest =>
  inputRequired.elicit({ message, requestedSchema: z.object({ name: z.string() }) });

const askModel = (text: string, maxTokens = 100): InputRequest =>
  inputRequired.createMessage({ messages: [{ role: "user", content: { type: "text", text } }], maxTokens });

const askConfirmation = inputRequired.elicit({
  message: "Please confirm",
  requestedSchema: z.object({ ok: z.boolean() }),
});

/** What was answered to all of the questions, as text; null while an answer is missing. */
function answersTo(questions: Questions, { mcpReq }: ServerContext): string | null {
  const answers = Object.keys(questions).map((key) => inputResponse(mcpReq.inputResponses, key));
  return answers.some(({ kind }) => kind === "missing") ? null : JSON.stringify(answers);
}

/** The tools that ask before they answer: within the result since 2026-07-28, by requests of their own before. */
export function addAskingTools(server: McpServer, states: StateCodec): void {
  const add = (
    name: string,
    answer: (
      context: ServerContext,
    ) => CallToolResult | InputRequiredResult | Promise<InputRequiredResult | CallToolResult>,
  ) => server.registerTool(name, { description: name }, answer);
  const addOne = (name: string, questions: Questions, answer: (answers: string) => string) =>
    add(name, (context) => {
      const answers = answersTo(questions, context);
      return answers === null ? inputRequired({ inputRequests: questions }) : textResult(answer(answers));
    });
  const addSealed = (name: string, questions: Questions) =>
    add(name, async (context) => {
      const answers = answersTo(questions, context);
      const state = context.mcpReq.requestState<Round>();
      if (answers !== null && state?.round === 1) return textResult(`state-ok ${answers}`);
      return inputRequired({ inputRequests: questions, requestState: await states.mint({ round: 1 }) });
    });

  addOne(
    "test_input_required_result_elicitation",
    { user_name: askName("What is your name?") },
    (answers) => `Hello, ${answers}!`,
  );
  addOne(
    "test_input_required_result_sampling",
    { capital_question: askModel("What is the capital of France?") },
    (answers) => answers,
  );
  addOne(
    "test_input_required_result_list_roots",
    { client_roots: inputRequired.listRoots() },
    (answers) => answers,
  );
  addOne("test_streaming_elicitation", { user_name: askName("What is your name?") }, (answers) => answers);
  addOne("test_missing_capability", { model: askModel("What may you do?") }, (answers) => answers);
  addSealed("test_input_required_result_request_state", { confirm: askConfirmation });
  addSealed("test_input_required_result_tampered_state", { confirm: askConfirmation });
  addSealed("test_input_required_result_multiple_inputs", {
    user_name: askName("What is your name?"),
    greeting: askModel("Generate a greeting", 50),
    client_roots: inputRequired.listRoots(),
  });

  const steps: readonly Questions[] = [
    { step1: askName("Step 1: What is your name?") },
    {
      step2: inputRequired.elicit({
        message: "Step 2: What is your favorite color?",
        requestedSchema: z.object({ color: z.string() }),
      }),
    },
  ];
  add("test_input_required_result_multi_round", async (context) => {
    const asked = context.mcpReq.requestState<Round>()?.round ?? 0;
    const questions = steps[asked - 1];
    const answers = questions === undefined ? null : answersTo(questions, context);
    const round = answers === null ? Math.max(asked, 1) : asked + 1;
    const next = steps[round - 1];
    if (next === undefined) return textResult(`done: ${answers}`);
    return inputRequired({ inputRequests: next, requestState: await states.mint({ round }) });
  });

  add("test_input_required_result_capabilities", () => {
    const { sampling, elicitation } = server.server.getClientCapabilities() ?? {};
    return inputRequired({
      inputRequests: {
        ...(sampling === undefined ? {} : { model: askModel("What may you do?") }),
        ...(elicitation === undefined ? {} : { person: askName("Who are you?") }),
      },
    });
  });

  server.registerTool(
    "test_sampling",
    { description: "asks the client's model", inputSchema: z.object({ prompt: z.string() }) },
    ({ prompt }, context) => {
      const questions = { answer: askModel(prompt) };
      const answers = answersTo(questions, context);
      return answers === null
        ? inputRequired({ inputRequests: questions })
        : textResult(`LLM response: ${answers}`);
    },
  );
  server.registerTool(
    "test_elicitation",
    { description: "asks the person", inputSchema: z.object({ message: z.string() }) },
    ({ message }, context) => {
      const requestedSchema = z.object({
        username: z.string().describe("User's response"),
        email: z.string().describe("User's email address"),
      });
      const questions = { answer: inputRequired.elicit({ message, requestedSchema }) };
      const answers = answersTo(questions, context);
      return answers === null
        ? inputRequired({ inputRequests: questions })
        : textResult(`User response: ${answers}`);
    },
  );
  for (const [name, requestedSchema] of [
    ["test_elicitation_sep1034_defaults", defaults],
    ["test_elicitation_sep1330_enums", enums],
  ] as const) {
    const form = inputRequired.elicit({ message: "Please fill in", requestedSchema });
    addOne(name, { form }, (answers) => `Elicitation completed: ${answers}`);
  }
}

const defaults: RequestedSchema = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
};

const options = ["option1", "option2", "option3"];
const titled = ["First", "Second", "Third"].map((title, index) => ({ const: `value${index + 1}`, title }));

/** Each shape of a choice (SEP-1330). */
const enums: RequestedSchema = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: options },
    titledSingle: { type: "string", oneOf: titled },
    legacyEnum: {
      type: "string",
      enum: ["opt1", "opt2", "opt3"],
      enumNames: ["Option One", "Option Two", "Option Three"],
    },
    untitledMulti: { type: "array", items: { type: "string", enum: options } },
    titledMulti: { type: "array", items: { anyOf: titled } },
  },
};
