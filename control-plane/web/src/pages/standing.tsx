import type { ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { count, usd } from "../format.ts";
import { replyToNudge, standingsQuery, type SharedStanding } from "../operations/my-ai.ts";
import { NudgeCard, TierBadge, trackNames } from "../parts/nudges.tsx";
import { Page, Ready } from "../parts/page.tsx";
import { useToast } from "../parts/toast.tsx";

const everyMs = 30_000;

/** Where one's people stand, as far as it concerns others: what went unanswered, and what they replied to. */
export function Standing(): ReactNode {
  const { loaded, reload } = useQuery(standingsQuery, {}, everyMs);
  const toast = useToast();
  const reply = async (id: string, text: string): Promise<boolean> => {
    try {
      await send(replyToNudge, { id, text });
      toast.done("Your reply is kept; they can read it.");
      return true;
    } catch (error) {
      toast.failed(error);
      return false;
    } finally {
      await reload();
    }
  };
  return (
    <Page
      title="Standing"
      lead="What your people were told and have not answered for a week, and what they replied to."
    >
      <Ready loaded={loaded}>
        {({ aiStandings }) =>
          aiStandings.length === 0 ? (
            <div className="empty">Nothing needs you.</div>
          ) : (
            aiStandings.map((shared) => (
              <Person key={`${shared.subject} ${shared.standing.track}`} shared={shared} onReply={reply} />
            ))
          )
        }
      </Ready>
    </Page>
  );
}

function Person({
  shared: { subject, standing, nudges },
  onReply,
}: {
  readonly shared: SharedStanding;
  readonly onReply: (id: string, text: string) => Promise<boolean>;
}): ReactNode {
  const { track, tier, amountUsd, openSignals } = standing;
  const figure =
    amountUsd === null ? `${count(openSignals ?? 0)} open` : `${usd(amountUsd)} at list price this month`;
  return (
    <section aria-label={`${subject}, ${trackNames[track]}`}>
      <h2>
        {subject} <TierBadge tier={tier} />
      </h2>
      <p className="muted">
        {trackNames[track]}: {figure}
      </p>
      {nudges.map((nudge) => (
        <NudgeCard key={nudge.id} nudge={nudge} about={subject} onReply={(text) => onReply(nudge.id, text)} />
      ))}
    </section>
  );
}
