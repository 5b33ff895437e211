import { actorOf } from "../../access/check.ts";
import { acknowledgeNudge, findOwnNudge, type Answering } from "../../standing/answer.ts";
import { replyToNudge } from "../../standing/replies.ts";
import { readStandings } from "../../standing/standing.ts";
import { listSharedStandings, requireSharedNudge } from "../../standing/team.ts";
import { countOpenNudges, listThreads, readThread } from "../../standing/threads.ts";
import { callerOf, personOf, type Builder, type GraphqlContext } from "./builder.ts";
import type { addMyAiUsage } from "./my-ai-usage.ts";
import { own } from "./own.ts";
import { addStandingTypes } from "./standing-types.ts";

const view = "AI_INSIGHTS_VIEW";

type StandingType = ReturnType<typeof addMyAiUsage>;

/** Where people stand, what they were told of it, and what they said to that. */
export function addStanding(builder: Builder, Standing: StandingType): void {
  const { Track, Nudge, Shared } = addStandingTypes(builder);

  builder.queryField("myOpenNudges", (t) =>
    t.int({
      description: "how many nudges of this month the caller has not answered",
      authScopes: { person: true },
      resolve: async (_, __, context) => {
        const { orgId, person, now } = await answering(context);
        return countOpenNudges(context.store.reader, orgId, person.addresses, now);
      },
    }),
  );

  builder.objectFields(Standing, (t) => ({
    tracks: t.field({
      type: [Track],
      description: "on each track that is active",
      resolve: async (_, __, context) => {
        const { orgId, person, now } = await answering(context);
        return [...(await readStandings(context.store.reader, orgId, [person], now))];
      },
    }),
    nudges: t.field({
      type: [Nudge],
      description: "what the caller was told in the last two months, the newest first",
      resolve: async (_, __, context) => {
        const { orgId, person, now } = await answering(context);
        return [...(await listThreads(context.store.reader, orgId, person.addresses, now))];
      },
    }),
  }));

  builder.queryField("aiStandings", (t) =>
    t.field({
      type: [Shared],
      description:
        "where others stand, as far as the caller may see it: managers those below them, from tier 3 on and where they replied; AI_GOVERNANCE_VIEW what is escalated, and those who have no manager",
      authScopes: { permission: view },
      resolve: async (_, __, context) => {
        const { store, clock } = context;
        return [...(await listSharedStandings(store.reader, callerOf(context, view), clock.now()))];
      },
    }),
  );

  builder.mutationFields((t) => ({
    acknowledgeNudge: t.field({
      type: Nudge,
      description:
        "says that the caller has seen a nudge of their own; the signals that it is about are settled, but for the gravest",
      authScopes: { person: true },
      args: { id: t.arg.id({ required: true, description: "the nudge" }) },
      resolve: async (_, { id }, context) => {
        const change = await answering(context);
        await context.store.transact((db) => acknowledgeNudge(db, change, id));
        return readThread(context.store.reader, change.orgId, id);
      },
    }),
    replyToNudge: t.field({
      type: Nudge,
      description:
        "adds to what was said about a nudge: the caller's own, which answers it and shows it to their manager, or one of `aiStandings`",
      authScopes: { person: true },
      args: {
        id: t.arg.id({ required: true, description: "the nudge" }),
        text: t.arg.string({ required: true, description: "1 to 1000 characters" }),
      },
      resolve: async (_, { id, text }, context) => {
        const { store } = context;
        const change = await answering(context);
        const nudge =
          (await findOwnNudge(store.reader, change, id)) ??
          (await requireSharedNudge(store.reader, personOf(context), id, change.now));
        await store.transact((db) => replyToNudge(db, change, nudge, text));
        return readThread(store.reader, change.orgId, id);
      },
    }),
  }));
}

/** The caller as somebody who answers for themselves. */
async function answering(context: GraphqlContext): Promise<Answering> {
  const { person, subject, addresses } = await own(context);
  return {
    orgId: person.orgId,
    actor: actorOf(person),
    now: context.clock.now(),
    person: { subject, addresses },
  };
}
