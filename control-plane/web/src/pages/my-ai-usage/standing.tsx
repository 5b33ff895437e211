import type { ReactNode } from "react";
import { count, day, usd, when, words } from "../../format.ts";
import { Fact } from "../../parts/facts.tsx";
import { TierBadge, trackNames } from "../../parts/nudges.tsx";
import { Badge } from "../../parts/page.tsx";
import type { MyUsage, Track } from "../../operations/my-ai.ts";

type Standing = MyUsage["standing"];

/** Where one stands this month: on each track, against the quota, and by the signals about oneself. */
export function StandingCards({
  standing,
  addresses,
}: {
  readonly standing: Standing;
  readonly addresses: readonly string[];
}): ReactNode {
  return (
    <>
      <div className="tiles">
        {standing.tracks.map((track) => (
          <TrackCard key={track.track} track={track} />
        ))}
      </div>
      <section className="card" aria-label="Standing">
        <dl className="facts">
          <Fact name="You are" value={addresses.join(", ")} />
          <Fact name={`Requests in ${standing.period}`} value={count(standing.requests)} />
          <Fact name="Quota" value={standing.quota === null ? "none" : count(standing.quota)} />
          <Fact name="Over it" value={count(standing.overageUnits)} />
        </dl>
        {standing.signals.map(({ id, meaning, severity, detectedAt, resolved }) => (
          <p key={id}>
            <Badge kind={`severity-${severity}`}>{words(severity)}</Badge> {meaning}, {when(detectedAt)}
            {resolved ? ", resolved" : ""}
          </p>
        ))}
      </section>
    </>
  );
}

function TrackCard({ track }: { readonly track: Track }): ReactNode {
  const { tier, amountUsd, openSignals, periodStart, lastNudgeAt } = track;
  const name = trackNames[track.track];
  return (
    <section className="card" aria-label={name}>
      <h2>{name}</h2>
      <p className="figure">{amountUsd === null ? count(openSignals ?? 0) : usd(amountUsd)}</p>
      <p>
        <TierBadge tier={tier} />
      </p>
      <p className="muted small">
        since {day(periodStart)}; {lastNudgeAt === null ? "not told of it" : `told ${when(lastNudgeAt)}`}
      </p>
    </section>
  );
}
