import { useEffect, useRef } from "react";

export type KeyMap = Readonly<Record<string, () => void>>;

/** Single keys for the page, silent while somebody writes, while a dialog is open, and while they are switched off (WCAG 2.1.4). */
export function useKeys(keys: KeyMap, enabled: boolean): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    if (!enabled) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      const { target } = event;
      const writing =
        target instanceof HTMLElement && target.closest("input, textarea, select, dialog") !== null;
      if (writing || event.altKey || document.querySelector("dialog[open]") !== null) return;
      const name = `${event.ctrlKey || event.metaKey ? "mod+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;
      const action = current.current[name];
      if (action === undefined) return;
      event.preventDefault();
      action();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [enabled]);
}

export const keyTexts: readonly (readonly [key: string, text: string])[] = [
  ["j k", "next, previous row"],
  ["x", "choose the row"],
  ["c", "confirm"],
  ["w", "write off, with a note"],
  ["d", "defer to next month"],
  ["u", "undo"],
  ["/", "search"],
  ["mod+k", "commands"],
  ["?", "this list"],
];
