import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** A vendor's own description of its API (OpenAPI), as something that says whether a message fits it. */
export interface Contract {
  /** The description of the operation at a path, or null where the vendor has none. */
  find(method: string, path: string): Operation | null;
}

export interface Operation {
  /** Faults of a request, in sentences; none where it fits. */
  checkRequest(query: URLSearchParams, headers: Readonly<Record<string, unknown>>, body: string): string[];
  /** Faults of an answer of that status. */
  checkAnswer(status: number, body: unknown): string[];
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DescribedOperation>>>>;
}

interface DescribedOperation {
  readonly parameters?: readonly (DescribedParameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, unknown>> }>>;
}

interface DescribedParameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: { readonly type?: string };
}

/** Loads `test/contracts/<name>.json`. Unknown fields are allowed everywhere: vendors add them without notice. */
export function loadContract(name: string): Contract {
  const text = readFileSync(new URL(`../contracts/${name}.json`, import.meta.url), "utf8");
  const described = JSON.parse(text) as Described;
  const compilers = { parameter: createCompile(described, true), body: createCompile(described, false) };
  const templates = Object.keys(described.paths).map((template) => ({
    template,
    expression: new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`),
  }));
  return {
    find(method, path) {
      const template = templates.find(({ expression }) => expression.test(path))?.template ?? "";
      const operation = described.paths[template]?.[method.toLowerCase()];
      return operation === undefined
        ? null
        : describeOperation(template, method.toLowerCase(), operation, described, compilers);
    },
  };
}

type Compile = (...steps: readonly string[]) => ValidateFunction;

/** Parameters are text and are read as what the schema wants; a body's types must be right as they are. */
interface Compilers {
  readonly parameter: Compile;
  readonly body: Compile;
}

function createCompile(described: Described, coerce: boolean): Compile {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    logger: false,
    coerceTypes: coerce ? "array" : false,
  });
  addFormats.default(ajv);
  ajv.addSchema(described, "contract");
  const compiled = new Map<string, ValidateFunction>();
  return (...steps) => {
    const pointer = `contract#/${steps.map(escapePointer).join("/")}`;
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: pointer });
    compiled.set(pointer, validate);
    return validate;
  };
}

function describeOperation(
  template: string,
  method: string,
  operation: DescribedOperation,
  described: Described,
  { parameter, body: bodyOf }: Compilers,
): Operation {
  const at = ["paths", template, method];
  return {
    checkRequest(query, headers, body) {
      const parameters = (operation.parameters ?? []).map((given, index) => ({
        ...resolve(given, described),
        at: "$ref" in given ? given.$ref.slice(2).split("/") : [...at, "parameters", String(index)],
      }));
      const inQuery = parameters.filter((known) => known.in === "query");
      const faults = [...new Set(query.keys())]
        .filter((name) => !inQuery.some((known) => known.name === name))
        .map((name) => `there is no parameter ${name}`);
      for (const described of parameters) {
        if (described.in !== "query" && described.in !== "header") continue;
        const { name } = described;
        const values = described.in === "query" ? query.getAll(name) : headerValues(headers, name);
        if (values.length === 0) {
          if (described.required) faults.push(`${name} is missing`);
          continue;
        }
        const value = described.schema.type === "array" ? values : values[0];
        faults.push(...faultsOf(parameter(...described.at, "schema"), value, name));
      }
      const [type] = Object.keys(operation.requestBody?.content ?? {});
      if (type?.includes("json")) {
        faults.push(
          ...faultsOf(bodyOf(...at, "requestBody", "content", type, "schema"), JSON.parse(body), "body"),
        );
      }
      return faults;
    },
    checkAnswer(status, body) {
      const described = operation.responses[String(status)] ?? null;
      // Descriptions seldom list errors.
      if (described === null) return status >= 400 ? [] : [`no answer of status ${status} is described`];
      const [type] = Object.keys(described.content ?? {});
      if (type === undefined) return [];
      return faultsOf(bodyOf(...at, "responses", String(status), "content", type, "schema"), body, "answer");
    },
  };
}

function resolve(
  given: DescribedParameter | { readonly $ref: string },
  described: unknown,
): DescribedParameter {
  if (!("$ref" in given)) return given;
  let found = described as Readonly<Record<string, unknown>>;
  for (const step of given.$ref.slice(2).split("/")) found = found[step] as Readonly<Record<string, unknown>>;
  return found as unknown as DescribedParameter;
}

function headerValues(headers: Readonly<Record<string, unknown>>, name: string): string[] {
  const value = headers[name.toLowerCase()];
  return typeof value === "string" ? [value] : [];
}

/** The value is copied, because the check of a parameter turns text into numbers where the schema wants them. */
function faultsOf(validate: ValidateFunction, value: unknown, what: string): string[] {
  if (validate(structuredClone(value))) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${what}${instancePath} ${message}`);
}

function escapePointer(step: string): string {
  return encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"));
}
