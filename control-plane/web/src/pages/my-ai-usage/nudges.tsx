import type { ReactNode } from "react";
import { send } from "../../api.ts";
import { NudgeCard } from "../../parts/nudges.tsx";
import { acknowledgeNudge, replyToNudge, type Nudge } from "../../operations/my-ai.ts";

/** What one was told: open ones whole, answered ones below. */
export function Nudges({
  nudges,
  run,
  onMark,
}: {
  readonly nudges: readonly Nudge[];
  readonly run: (action: () => Promise<string>) => Promise<boolean>;
  /** Leads to the sessions that belong to no project. */
  readonly onMark: () => void;
}): ReactNode {
  if (nudges.length === 0) return null;
  const open = nudges.filter(({ answer }) => answer === null);
  const answered = nudges.filter(({ answer }) => answer !== null);
  const card = (nudge: Nudge): ReactNode => (
    <NudgeCard
      key={nudge.id}
      nudge={nudge}
      about="this nudge"
      onReply={(text) =>
        run(async () => {
          await send(replyToNudge, { id: nudge.id, text });
          return "Your reply is kept; your manager can read it.";
        })
      }
    >
      {nudge.answer === null && (
        <button
          type="button"
          className="primary"
          onClick={() =>
            void run(async () => {
              await send(acknowledgeNudge, { id: nudge.id });
              return "Acknowledged.";
            })
          }
        >
          Acknowledge
        </button>
      )}
      {nudge.answer === null && nudge.track === "OFF_PROJECT_SPEND" && (
        <button type="button" onClick={onMark}>
          Choose sessions to mark
        </button>
      )}
    </NudgeCard>
  );
  return (
    <section aria-label="Nudges">
      <h2>What you were told</h2>
      {open.map(card)}
      {answered.length > 0 && (
        <details open={open.length === 0}>
          <summary>Answered ({answered.length})</summary>
          {answered.map(card)}
        </details>
      )}
    </section>
  );
}
