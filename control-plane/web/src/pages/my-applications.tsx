import { useState, type ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { day, when } from "../format.ts";
import { applicationsQuery, disconnectApplication, type Application } from "../operations/applications.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";

/** What one has let in by OAuth, and the way to put it out again. */
export function MyApplications(): ReactNode {
  const { loaded, reload } = useQuery(applicationsQuery, {});
  const [leaving, setLeaving] = useState<Application | null>(null);
  const toast = useToast();
  const disconnect = async ({ id, name }: Application): Promise<void> => {
    setLeaving(null);
    try {
      await send(disconnectApplication, { id });
      toast.done(`${name} is disconnected.`);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const actions: Column<Application> = {
    title: "Actions",
    cell: (application) => (
      <button
        type="button"
        className="danger"
        aria-label={`Disconnect ${application.name}`}
        onClick={() => setLeaving(application)}
      >
        Disconnect …
      </button>
    ),
    text: () => "",
  };
  return (
    <Page title="Connected applications" lead="Assistants and other programs that may ask as you.">
      <Ready loaded={loaded}>
        {({ myApplications }) => (
          <Table
            caption="Connected applications"
            columns={[...columns, actions]}
            rows={myApplications}
            rowKey={({ id }) => id}
            empty="You have connected no application."
          />
        )}
      </Ready>
      {leaving !== null && (
        <Dialog title={`Disconnect ${leaving.name}`} onClose={() => setLeaving(null)}>
          <p>It is refused from its next request on. To come back it has to ask you again.</p>
          <div className="actions">
            <button type="button" className="danger" data-first onClick={() => void disconnect(leaving)}>
              Disconnect
            </button>
            <button type="button" onClick={() => setLeaving(null)}>
              Cancel
            </button>
          </div>
        </Dialog>
      )}
    </Page>
  );
}

const columns: readonly Column<Application>[] = [
  {
    title: "Application",
    cell: ({ id, name }) => (
      <>
        {name}
        <p className="muted small">{id}</p>
      </>
    ),
    text: ({ name }) => name,
  },
  {
    title: "May",
    cell: ({ allows }) => allows.join("; "),
    text: ({ allows }) => allows.join("; "),
  },
  {
    title: "Connected",
    cell: ({ connectedAt }) => when(connectedAt),
    text: ({ connectedAt }) => connectedAt,
  },
  {
    title: "Last used",
    cell: ({ lastUsedAt }) => when(lastUsedAt),
    text: ({ lastUsedAt }) => lastUsedAt ?? "",
  },
  {
    title: "Ends",
    cell: ({ expiresAt }) => day(expiresAt),
    text: ({ expiresAt }) => expiresAt ?? "",
  },
];
