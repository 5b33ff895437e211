import { useState, type ReactNode } from "react";
import { when, words } from "../format.ts";
import type { Nudge, Track } from "../operations/my-ai.ts";
import { Badge } from "./page.tsx";

const tierNames = ["clear", "heads-up", "acknowledgement required", "manager involved", "escalated"];
/** What each tier looks like, as severities do. */
const tierKinds = ["", "severity-info", "severity-warn", "severity-warn", "severity-block"];

export function TierBadge({ tier }: Pick<Track, "tier">): ReactNode {
  return <Badge kind={tierKinds[tier] ?? ""}>{tierNames[tier] ?? tier}</Badge>;
}

export const trackNames = {
  OFF_PROJECT_SPEND: "Spend without a project",
  SIGNALS: "Signals about what was done",
} as const;

/** What a person was told, what was said about it, and room to say more. */
export function NudgeCard({
  nudge,
  about,
  children,
  onReply,
}: {
  readonly nudge: Nudge;
  /** Whom it concerns, for the names of its controls. */
  readonly about: string;
  /** What else can be done about it. */
  readonly children?: ReactNode;
  readonly onReply: (text: string) => Promise<boolean>;
}): ReactNode {
  const { track, tier, message, nudgedAt, answer, answeredAt, replies } = nudge;
  const [replying, setReplying] = useState(false);
  const title = `${trackNames[track]}, ${when(nudgedAt)}`;
  return (
    <article className="card" aria-label={title}>
      <p>
        <TierBadge tier={tier} /> <strong>{trackNames[track]}</strong>{" "}
        <span className="muted">
          {when(nudgedAt)}
          {answer === null ? "" : `; ${words(answer)} ${when(answeredAt)}`}
        </span>
      </p>
      <p>{message}</p>
      {replies.length > 0 && (
        <ol className="thread" aria-label={`Replies to ${title}`}>
          {replies.map(({ kind, author, text, at }) => (
            <li key={`${at} ${author} ${text}`}>
              <p className="muted small">
                {author}
                {kind === "MANAGER_RESPONSE" ? " (manager)" : ""}, {when(at)}
              </p>
              <p>{text}</p>
            </li>
          ))}
        </ol>
      )}
      {replying ? (
        <form
          aria-label={`Reply to ${about}`}
          onSubmit={(event) => {
            event.preventDefault();
            const text = new FormData(event.currentTarget).get("text");
            if (typeof text !== "string") return;
            void onReply(text).then((sent) => setReplying(!sent));
          }}
        >
          <label>
            <span>Reply</span>
            <textarea name="text" required maxLength={1000} rows={3} />
          </label>
          <div className="actions">
            <button className="primary">Send reply</button>
            <button type="button" onClick={() => setReplying(false)}>
              Cancel
            </button>
          </div>
        </form>
      ) : (
        <div className="actions">
          {children}
          <button type="button" onClick={() => setReplying(true)}>
            Reply …
          </button>
        </div>
      )}
    </article>
  );
}
