import { operation } from "../operation.ts";

export const membersQuery = operation(`query Members { members { id email role hasPassword createdAt } }`);

export const inviteMember = operation(`mutation Invite($email: String!, $role: Role!) {
  inviteMember(email: $email, role: $role) { signInLink }
}`);

export const setMemberRole = operation(`mutation SetRole($id: ID!, $role: Role!) {
  setMemberRole(id: $id, role: $role) { id }
}`);

export const removeMember = operation(`mutation RemoveMember($id: ID!) { removeMember(id: $id) }`);
