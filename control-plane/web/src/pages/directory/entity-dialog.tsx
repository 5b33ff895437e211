import type { ReactNode } from "react";
import { Dialog } from "../../parts/dialog.tsx";
import { fields, labelOf, type Directory, type Entity, type EntityKind, type Field } from "./kinds.ts";

interface EntityDialogProps {
  readonly kind: EntityKind;
  /** Null for a new one. */
  readonly entity: Entity | null;
  readonly directory: Directory;
  readonly onClose: () => void;
  readonly onSave: (data: FormData) => void;
  readonly onDelete: () => void;
}

/** The form of one entity. */
export function EntityDialog({
  kind,
  entity,
  directory,
  onClose,
  onSave,
  onDelete,
}: EntityDialogProps): ReactNode {
  return (
    <Dialog title={entity === null ? "New entry" : labelOf(entity)} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSave(new FormData(event.currentTarget));
        }}
      >
        {fields[kind].map((field, index) => (
          <Input
            key={field.name}
            field={field}
            value={entity === null ? null : entity[field.name]}
            isNew={entity === null}
            directory={directory}
            first={index === 0}
          />
        ))}
        <div className="actions">
          <button className="primary">Save</button>
          {entity !== null && (
            <button type="button" className="danger" onClick={onDelete}>
              Delete
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}

function Input({
  field: { name, label, type, required = false },
  value,
  isNew,
  directory,
  first,
}: {
  readonly field: Field;
  readonly value: unknown;
  readonly isNew: boolean;
  readonly directory: Directory;
  readonly first: boolean;
}): ReactNode {
  if (type === "flag") {
    return (
      <label className="inline">
        <input type="checkbox" name={name} defaultChecked={isNew || value === true} />
        <span>{label}</span>
      </label>
    );
  }
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const common = { name, required, ...(first ? { "data-first": true } : {}) };
  return (
    <label>
      <span>
        {label}
        {required ? "" : " (optional)"}
      </span>
      {type === "text" || type === "email" || type === "date" ? (
        <input {...common} type={type} defaultValue={text} maxLength={300} />
      ) : type === "share" ? (
        <input {...common} type="number" min="0" max="1" step="any" defaultValue={text === "" ? "1" : text} />
      ) : (
        <select {...common} defaultValue={text}>
          <option value="">none</option>
          {directory[type].map((each) => (
            <option key={each.id} value={each.id}>
              {labelOf(each)}
            </option>
          ))}
        </select>
      )}
    </label>
  );
}
