import type { ReactNode } from "react";
import { Table, type Column } from "../../parts/table.tsx";
import { labelOf, nameOf, type Alias, type Directory } from "./kinds.ts";

/** Further addresses under which a person's devices report or vendors bill. */
export function Aliases({
  directory,
  may,
  onSet,
  onRemove,
}: {
  readonly directory: Directory;
  readonly may: boolean;
  readonly onSet: (alias: Alias) => void;
  readonly onRemove: (alias: Alias) => void;
}): ReactNode {
  const columns: readonly Column<Alias>[] = [
    { title: "Address", cell: ({ email }) => email, text: ({ email }) => email },
    {
      title: "Person",
      cell: ({ employeeId }) => nameOf(directory, "employees", employeeId),
      text: ({ employeeId }) => nameOf(directory, "employees", employeeId),
    },
  ];
  const actions: Column<Alias> = {
    title: "Actions",
    cell: (alias) => (
      <button
        type="button"
        className="danger"
        onClick={() => onRemove(alias)}
        aria-label={`Remove ${alias.email}`}
      >
        Remove
      </button>
    ),
    text: () => "",
  };
  return (
    <>
      {may && (
        <form
          className="card actions"
          aria-label="New alias"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            const data = new FormData(form);
            const [email, employeeId] = [data.get("email"), data.get("employeeId")];
            if (typeof email === "string" && typeof employeeId === "string") onSet({ email, employeeId });
            form.reset();
          }}
        >
          <label className="inline">
            <span>Address</span>
            <input name="email" type="email" required maxLength={320} />
          </label>
          <label className="inline">
            <span>Person</span>
            <select name="employeeId" required>
              {directory.employees.map((each) => (
                <option key={each.id} value={each.id}>
                  {labelOf(each)}
                </option>
              ))}
            </select>
          </label>
          <button className="primary">Set alias</button>
        </form>
      )}
      <Table
        caption="Aliases"
        columns={may ? [...columns, actions] : columns}
        rows={directory.aliases}
        rowKey={({ email }) => email}
        empty="Everybody reports and is billed under one address."
      />
    </>
  );
}
