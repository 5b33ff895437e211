import type { Parsed } from "@flowstate/shared/parsed";
import type { MdmSettings } from "./settings.ts";

export type Variant = "install" | "uninstall" | "detect" | "remediate";

export interface PayloadFile {
  readonly filename: string;
  /** As syntax highlighters name it. */
  readonly language: "sh" | "powershell" | "json" | "xml" | "yaml" | "ini" | "javascript";
  readonly content: string;
}

/** What an administrator pastes or uploads, with what to do and what to know. */
export interface Payload extends PayloadFile {
  readonly target: string;
  readonly variant: Variant;
  /** Where in that MDM it goes, step by step. */
  readonly steps: readonly string[];
  /** Known limits of that MDM with this payload. */
  readonly caveats: readonly string[];
  /** Further files that the steps speak of. */
  readonly companions: readonly PayloadFile[];
}

export type TargetPayload = Omit<Payload, "target" | "variant">;

export interface Target {
  readonly id: string;
  readonly title: string;
  readonly variants: readonly Variant[];
  /** Refuses settings that this target cannot honour. */
  readonly render: (variant: Variant, settings: MdmSettings) => Parsed<TargetPayload, "not_possible">;
}

/** Whether the payload needs the person's e-mail and the key: not to remove, and not towards the agent's relay. */
export function usesMdmValues(variant: Variant, settings: MdmSettings): boolean {
  return variant !== "uninstall" && settings.mode === "direct";
}
