import { disconnectApplication, listApplications, type Application } from "../../oauth/applications.ts";
import { readScope } from "../../oauth/scopes.ts";
import { personOf, type Builder } from "./builder.ts";

/** Applications that a person has connected by OAuth. */
export function addApplications(builder: Builder): void {
  const Row = builder.objectRef<Application>("MyApplication").implement({
    description: "an application that the caller has let in, such as an assistant that asks over MCP",
    fields: (t) => ({
      id: t.exposeID("clientId", { description: "under which it is registered" }),
      name: t.exposeString("name", { description: "as it calls itself, which nobody has verified" }),
      scopes: t.stringList({
        description: "what the caller has agreed to",
        resolve: ({ scopes }) => [...scopes],
      }),
      allows: t.stringList({
        description: "the same in words, as on the page where the caller agreed",
        resolve: ({ scopes }) => scopes.map((name) => (name === readScope.name ? readScope.allows : name)),
      }),
      connectedAt: t.expose("connectedAt", { type: "DateTime", description: "when the caller agreed to it" }),
      lastUsedAt: t.expose("lastUsedAt", {
        type: "DateTime",
        nullable: true,
        description: "when it last asked something, to the minute; null for not yet",
      }),
      expiresAt: t.expose("expiresAt", {
        type: "DateTime",
        nullable: true,
        description: "when it has to be agreed to anew; null for never",
      }),
    }),
  });

  builder.queryField("myApplications", (t) =>
    t.field({
      type: [Row],
      description: "applications that can act for the caller, by name",
      authScopes: { person: true },
      resolve: async (_, __, context) => [
        ...(await listApplications(context.store.reader, personOf(context), context.clock.now())),
      ],
    }),
  );

  builder.mutationField("disconnectMyApplication", (t) =>
    t.boolean({
      description:
        "ends everything that the caller has agreed to for an application, at once; false where there is nothing to end",
      authScopes: { person: true },
      args: { id: t.arg.id({ required: true, description: "of `myApplications`" }) },
      resolve: (_, { id }, context) =>
        context.store.transact((db) => disconnectApplication(db, personOf(context), id, context.clock.now())),
    }),
  );
}
