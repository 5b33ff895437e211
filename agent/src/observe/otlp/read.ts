import type { FormatCount } from "../../ledger/formats.ts";
import type { Sighting } from "../../normalise/sighting.ts";
import { claudeCodeEvents } from "./claude-code.ts";
import { codexCliEvents } from "./codex-cli.ts";
import { geminiCliEvents } from "./gemini-cli.ts";
import { genAiEvents } from "./gen-ai.ts";
import type { EventReader } from "./reading.ts";
import type { OtlpEvent } from "./records.ts";

/** What a request's events came to. */
export interface EventsRead {
  readonly sightings: readonly Sighting[];
  /** Calls by tool and version, and how many of them had no counts where those are known to stand. */
  readonly formats: readonly FormatCount[];
}

/** A tool that has events of its own may repeat them by the general conventions: the first reader alone is asked. */
const readers: readonly EventReader[] = [claudeCodeEvents, codexCliEvents, geminiCliEvents, genAiEvents];

export function readCalls(events: readonly OtlpEvent[]): EventsRead {
  const sightings: Sighting[] = [];
  const formats = new Map<string, FormatCount>();
  for (const event of events) {
    const reader = readers.find(({ emits }) => emits(event.service)) ?? genAiEvents;
    const reading = reader.read(event);
    if (reading === "no_call") continue;
    const { tool } = reader;
    const toolVersion = reader.versionOf === undefined ? event.version : reader.versionOf(event);
    const key = `${tool}\n${toolVersion}`;
    const { seen, blank } = formats.get(key) ?? { seen: 0, blank: 0 };
    const isBlank = reading === "not_understood";
    formats.set(key, { tool, toolVersion, host: null, seen: seen + 1, blank: blank + (isBlank ? 1 : 0) });
    if (!isBlank) sightings.push(reading);
  }
  return { sightings, formats: [...formats.values()] };
}
