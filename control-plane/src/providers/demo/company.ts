import { must } from "@flowstate/shared/assert";
import type { Subject } from "@flowstate/shared/subject";
import { randomFor } from "./random.ts";

/** Everybody of the demo has an address here, in a domain that never exists (RFC 2606). */
export const demoDomain = "demo.invalid";
/** Enrolment of the demo's proxy. */
export const demoKeyId = "demo";
/** Programs of the demo have subjects that begin so. */
export const demoAccounts = "service-account:demo-";

/** By this the demo's policy is known again. */
export const demoPolicyNote =
  "Demo: what a policy looks like; it observes and warns, and means the demo's teams alone";

/** A tool that the demo's people use, as an agent would report it. */
export interface DemoTool {
  readonly tool: string;
  readonly provider: string;
  readonly host: string;
  readonly models: readonly [string, ...string[]];
  /** Catalogue id under which its vendor bills; null where none does. */
  readonly service: string | null;
}

export const demoTools = {
  claudeCode: {
    tool: "claude-code",
    provider: "anthropic",
    host: "api.anthropic.com",
    models: ["claude-sonnet-5", "claude-sonnet-5", "claude-opus-5", "claude-haiku-4-5"],
    service: "claude-code",
  },
  cursor: {
    tool: "cursor",
    provider: "cursor",
    host: "api2.cursor.sh",
    models: ["claude-sonnet-5", "gpt-5.5"],
    service: "cursor",
  },
  codex: {
    tool: "codex-cli",
    provider: "openai",
    host: "api.openai.com",
    models: ["gpt-5.5", "gpt-5.3-codex"],
    service: "openai-api",
  },
  gemini: {
    tool: "gemini-cli",
    provider: "google",
    host: "generativelanguage.googleapis.com",
    models: ["gemini-2.5-pro", "gemini-3.5-flash"],
    service: null,
  },
} as const satisfies Record<string, DemoTool>;

export interface DemoTeam {
  readonly id: string;
  readonly name: string;
  readonly parentId: string | null;
  readonly costCentre: string | null;
}

export interface DemoProject {
  readonly id: string;
  readonly name: string;
  readonly teamId: string;
  readonly marker: string;
}

export interface DemoPerson {
  readonly id: string;
  readonly name: string;
  readonly email: Subject;
  readonly title: string;
  readonly teamId: string;
  readonly managerId: string | null;
  readonly project: DemoProject;
  readonly tools: readonly [DemoTool, ...DemoTool[]];
  /** How much more than others. */
  readonly pace: number;
  /** The OpenAI key that the person's calls go by. */
  readonly keyId: string;
}

export interface DemoCompany {
  readonly seed: number;
  readonly teams: readonly DemoTeam[];
  readonly projects: readonly DemoProject[];
  readonly people: readonly DemoPerson[];
}

/** A key that several people use, and one of a machine: no directory says whose they are. */
export const sharedKey = "key_demo_shared";
export const machineKey = "key_demo_nightly";

const teams: readonly DemoTeam[] = [
  { id: "demo-engineering", name: "Demo Engineering", parentId: null, costCentre: "CC-100" },
  { id: "demo-platform", name: "Demo Platform", parentId: "demo-engineering", costCentre: "CC-110" },
  { id: "demo-product", name: "Demo Product", parentId: "demo-engineering", costCentre: "CC-120" },
  { id: "demo-research", name: "Demo Research", parentId: "demo-engineering", costCentre: "CC-130" },
];

const projects: readonly DemoProject[] = [
  ["gateway", "Demo Gateway", "demo-platform"],
  ["billing", "Demo Billing", "demo-platform"],
  ["storefront", "Demo Storefront", "demo-product"],
  ["mobile", "Demo Mobile", "demo-product"],
  ["ranking", "Demo Ranking", "demo-research"],
].map(([slug = "", name = "", teamId = ""]) => ({
  id: `demo-${slug}`,
  name,
  teamId,
  marker: `github.com/demo-invalid/${slug}`,
}));

const names = [
  "Ada Marsh",
  "Bilal Okafor",
  "Carla Nunes",
  "Dmitri Volkov",
  "Elif Aydin",
  "Farah Siddiqui",
  "Goran Petrov",
  "Hana Suzuki",
  "Ines Duarte",
  "Jonas Lindqvist",
  "Kwame Mensah",
  "Lena Hofer",
  "Mateo Rojas",
  "Nadia Haddad",
  "Oskar Nowak",
  "Priya Raman",
  "Quentin Moreau",
  "Rosa Bianchi",
  "Sven Aalto",
  "Tara O'Neill",
  "Umar Farouk",
  "Vera Kovacs",
  "Wen Zhang",
  "Ximena Castro",
  "Yusuf Demir",
];

/** Twenty-five people in three teams, the same for the same seed. No address of theirs can exist (RFC 2606). */
export function demoCompany(seed: number): DemoCompany {
  const people = names.map((name, index): DemoPerson => {
    const random = randomFor(seed, "person", index);
    const number = String(index + 1).padStart(2, "0");
    const project = must(projects[index % projects.length], "there are projects");
    const isLead = index < projects.length;
    return {
      id: `demo-person-${number}`,
      name: `${name} (demo)`,
      email: `${name.toLowerCase().replace(/[^a-z]+/g, ".")}@${demoDomain}` as Subject,
      title: isLead ? "Engineering Lead" : random.pick(["Engineer", "Senior Engineer", "Data Scientist"]),
      teamId: project.teamId,
      managerId: isLead ? null : `demo-person-${String((index % projects.length) + 1).padStart(2, "0")}`,
      project,
      tools: toolsOf(index, random.next()),
      pace: 0.5 + random.next() * 1.2,
      keyId: index >= 21 ? sharedKey : `key_demo_${number}`,
    };
  });
  return { seed, teams, projects, people };
}

function toolsOf(index: number, chance: number): DemoPerson["tools"] {
  const { claudeCode, cursor, codex, gemini } = demoTools;
  const first = index < 10 ? claudeCode : index < 16 ? cursor : index === 16 || index === 17 ? gemini : codex;
  return chance < 0.25 && first !== cursor ? [first, cursor] : [first];
}
