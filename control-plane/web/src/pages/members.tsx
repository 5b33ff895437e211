import type { ResultOf } from "gql.tada";
import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when } from "../format.ts";
import { Dialog } from "../parts/dialog.tsx";
import { CopyButton, Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { inviteMember, membersQuery, removeMember, setMemberRole } from "../operations/members.ts";

type Member = ResultOf<typeof membersQuery>["members"][number];

const roles = ["OWNER", "ADMIN", "FINANCE", "VIEWER"] as const;

export function Members(): ReactNode {
  const { loaded, reload } = useQuery(membersQuery, {});
  const [link, setLink] = useState<string | null>(null);
  const toast = useToast();
  const change = async (action: () => Promise<string>): Promise<void> => {
    try {
      toast.done(await action());
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const columns: readonly Column<Member>[] = [
    { title: "E-mail", cell: ({ email }) => email, text: ({ email }) => email },
    {
      title: "Role",
      cell: ({ id, email, role }) => (
        <select
          aria-label={`Role of ${email}`}
          value={role}
          onChange={({ target }) => {
            const chosen = roles.find((each) => each === target.value) ?? role;
            void change(async () => {
              await send(setMemberRole, { id, role: chosen });
              return `${email} is ${chosen.toLowerCase()} now.`;
            });
          }}
        >
          {roles.map((each) => (
            <option key={each} value={each}>
              {each.toLowerCase()}
            </option>
          ))}
        </select>
      ),
      text: ({ role }) => role,
    },
    {
      title: "Password",
      cell: ({ hasPassword }) => (hasPassword ? "set" : "not yet"),
      text: ({ hasPassword }) => String(hasPassword),
    },
    { title: "Since", cell: (row) => when(row.createdAt), text: (row) => row.createdAt },
    {
      title: "Actions",
      cell: ({ id, email }) => (
        <button
          type="button"
          className="danger"
          onClick={() =>
            void change(async () => {
              await send(removeMember, { id });
              return `${email} was removed.`;
            })
          }
        >
          Remove
        </button>
      ),
      text: () => "",
    },
  ];
  return (
    <Page title="Members" lead="Who may sign in, and what they may do.">
      <form
        className="card actions"
        aria-label="Invite"
        onSubmit={(event) => {
          event.preventDefault();
          const data = new FormData(event.currentTarget);
          const email = data.get("email");
          const role = roles.find((each) => each === data.get("role"));
          if (typeof email !== "string" || role === undefined) return;
          void change(async () => {
            const { inviteMember: invited } = await send(inviteMember, { email, role });
            setLink(invited.signInLink);
            return `${email} was invited.`;
          });
        }}
      >
        <label className="inline">
          <span>E-mail</span>
          <input name="email" type="email" required />
        </label>
        <label className="inline">
          <span>Role</span>
          <select name="role" defaultValue="VIEWER">
            {roles.map((each) => (
              <option key={each} value={each}>
                {each.toLowerCase()}
              </option>
            ))}
          </select>
        </label>
        <button className="primary">Invite</button>
      </form>
      {link !== null && (
        <Dialog title="Sign-in link" onClose={() => setLink(null)}>
          <p className="notice">It works once. Send it to them over a channel you trust.</p>
          <p className="secret">{link}</p>
          <CopyButton text={link} />
        </Dialog>
      )}
      <Ready loaded={loaded}>
        {({ members }) => (
          <Table
            caption="Members"
            columns={columns}
            rows={members}
            rowKey={({ id }) => id}
            empty="Nobody yet."
          />
        )}
      </Ready>
    </Page>
  );
}
