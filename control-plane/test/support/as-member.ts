import type { Role } from "../../src/access/roles.ts";
import { startLogin } from "../../src/login/logins.ts";
import { addMember, type Member } from "../../src/members/members.ts";
import { readGraphqlAnswer, type GraphqlAnswer, type Running } from "./running.ts";

/** A member who is signed in, asking as our own pages do. */
export interface SignedIn {
  readonly member: Member;
  graphql(query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>;
}

export async function asMember(running: Running, email: string, role: Role = "viewer"): Promise<SignedIn> {
  const { store } = running.installation;
  return signedInAs(running, await store.transact((db) => addMember(db, running.context, { email, role })));
}

export async function signedInAs(running: Running, member: Member): Promise<SignedIn> {
  const { store } = running.installation;
  const secret = await store.transact((db) => startLogin(db, member, "password", Date.now()));
  return {
    member,
    async graphql(query, variables = {}) {
      const answer = await fetch(`${running.address}/graphql`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "flowstate-request": "1",
          origin: running.address,
          cookie: `flowstate=${secret.reveal()}`,
        },
        body: JSON.stringify({ query, variables }),
      });
      return readGraphqlAnswer(answer);
    },
  };
}
