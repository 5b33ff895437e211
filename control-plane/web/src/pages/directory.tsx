import { useState, type ReactNode } from "react";
import { useSearchParams } from "wouter";
import { Page, Ready } from "../parts/page.tsx";
import { Table, type Column } from "../parts/table.tsx";
import { useToast } from "../parts/toast.tsx";
import { useMay } from "../parts/viewer.tsx";
import { rest } from "../rest.ts";
import { Aliases } from "./directory/aliases.tsx";
import { EntityDialog } from "./directory/entity-dialog.tsx";
import { ImportPeople } from "./directory/import-people.tsx";
import {
  fields,
  kindNames,
  labelOf,
  shownValue,
  titles,
  valuesOf,
  type Directory as Whole,
  type Entity,
  type EntityKind,
} from "./directory/kinds.ts";
import { useDirectory } from "./directory/load.ts";

type Open = { readonly entity: Entity | null } | "import" | null;

/** People, teams, projects, who works for what, and the further addresses of people. */
export function Directory(): ReactNode {
  const [address, setAddress] = useSearchParams();
  const kind = kindNames.find((each) => each === address.get("of")) ?? "employees";
  const [open, setOpen] = useState<Open>(null);
  const { loaded, reload } = useDirectory();
  const may = useMay("DIRECTORY_UPDATE");
  const toast = useToast();
  const run = async (action: () => Promise<string>): Promise<void> => {
    try {
      toast.done(await action());
      setOpen(null);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const save = async (of: EntityKind, entity: Entity | null, data: FormData): Promise<string> => {
    const body = valuesOf(of, data);
    if (entity === null) await rest(`/api/v1/${of}`, { method: "POST", body });
    else await rest(`/api/v1/${of}/${entity.id}`, { method: "PATCH", body, version: entity.version });
    return "Saved.";
  };
  const remove = async (of: EntityKind, { id, version }: Entity): Promise<string> => {
    await rest(`/api/v1/${of}/${id}`, { method: "DELETE", version });
    return "Deleted.";
  };
  return (
    <Page
      title="Directory"
      lead="Who works here, in which team, on what. It also fills by SCIM and by the API."
      tools={
        may && kind !== "aliases" ? (
          <>
            {kind === "employees" && (
              <button type="button" onClick={() => setOpen("import")}>
                Import CSV
              </button>
            )}
            <button type="button" className="primary" onClick={() => setOpen({ entity: null })}>
              New
            </button>
          </>
        ) : null
      }
    >
      <div className="actions" role="group" aria-label="Part of the directory">
        {kindNames.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === kind}
            onClick={() => setAddress({ of: each })}
          >
            {titles[each]}
          </button>
        ))}
      </div>
      <Ready loaded={loaded}>
        {(directory) =>
          kind === "aliases" ? (
            <Aliases
              directory={directory}
              may={may}
              onSet={({ email, employeeId }) =>
                void run(async () => {
                  const path = `/api/v1/aliases/${encodeURIComponent(email)}`;
                  await rest(path, { method: "PUT", body: { employeeId } });
                  return `${email} is set.`;
                })
              }
              onRemove={({ email }) =>
                void run(async () => {
                  await rest(`/api/v1/aliases/${encodeURIComponent(email)}`, { method: "DELETE" });
                  return `${email} was removed.`;
                })
              }
            />
          ) : (
            <>
              <Table
                caption={titles[kind]}
                columns={columnsFor(kind, directory, may ? (entity) => setOpen({ entity }) : null)}
                rows={directory[kind]}
                rowKey={({ id }) => id}
                empty={`There are no ${titles[kind].toLowerCase()} yet.`}
              />
              {open !== null && open !== "import" && (
                <EntityDialog
                  kind={kind}
                  entity={open.entity}
                  directory={directory}
                  onClose={() => setOpen(null)}
                  onSave={(data) => void run(() => save(kind, open.entity, data))}
                  onDelete={() => {
                    const { entity } = open;
                    if (entity !== null) void run(() => remove(kind, entity));
                  }}
                />
              )}
            </>
          )
        }
      </Ready>
      {open === "import" && (
        <ImportPeople
          onClose={() => setOpen(null)}
          onDone={(said) => void run(() => Promise.resolve(said))}
        />
      )}
    </Page>
  );
}

function columnsFor(
  kind: EntityKind,
  directory: Whole,
  edit: ((entity: Entity) => void) | null,
): readonly Column<Entity>[] {
  const columns = fields[kind].map((field): Column<Entity> => ({
    title: field.label,
    numeric: field.type === "share",
    cell: (entity) => shownValue(directory, field, entity[field.name]),
    text: (entity) => shownValue(directory, field, entity[field.name]),
  }));
  if (edit === null) return columns;
  const actions: Column<Entity> = {
    title: "Actions",
    cell: (entity) => (
      <button type="button" onClick={() => edit(entity)} aria-label={`Edit ${labelOf(entity)}`}>
        Edit
      </button>
    ),
    text: () => "",
  };
  return [...columns, actions];
}
