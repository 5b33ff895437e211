import type { UsageProviderKind } from "../providers/kinds.ts";

/** One AI tool or API that an organisation can buy. */
export interface CatalogueService {
  /** What bills carry as their service. */
  readonly id: string;
  readonly name: string;
  readonly vendor: string;
  readonly category: Category;
  /** How it is charged, for people. */
  readonly pricingModel: string;
  /** What calls and hosts carry as their provider; null where its hosts cannot be told from others of the vendor. */
  readonly provider: string | null;
  /** Where one provider has several services: the patterns of the host table that are this one. */
  readonly patterns: readonly string[];
  /** Tools, as agents report them, whose every call is a use of this service. */
  readonly tools: readonly string[];
  /** How its bill is connected; null: by import or by hand. */
  readonly connector: UsageProviderKind | null;
  /** Service that bills for it where it has no bill of its own, as an API does for a command-line tool. */
  readonly billedBy: string | null;
  readonly notes: string | null;
}

export const categories = [
  "Foundation API",
  "Gateway",
  "Coding",
  "Assistant",
  "Image generation",
  "Video generation",
  "Voice",
  "Sales",
  "Legal",
] as const;
export type Category = (typeof categories)[number];

/** A row of the catalogue with what most of them share: one provider, one service, no connector. */
export function service(
  given: Pick<CatalogueService, "id" | "name" | "vendor" | "category" | "pricingModel"> &
    Partial<CatalogueService>,
): CatalogueService {
  return {
    provider: given.id,
    patterns: [],
    tools: [],
    connector: null,
    billedBy: null,
    notes: null,
    ...given,
  };
}
