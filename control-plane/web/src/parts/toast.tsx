import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from "react";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly failed: boolean;
}

interface Say {
  readonly done: (text: string) => void;
  readonly failed: (error: unknown) => void;
}

const ToastContext = createContext<Say>({ done: () => undefined, failed: () => undefined });
const shownMs = 8000;
let last = 0;

export function useToast(): Say {
  return useContext(ToastContext);
}

/** Does what somebody asks of a page: says what came of it, where there is something to say, and has the page read anew. */
export function useAction(
  reload: () => Promise<unknown>,
): (action: () => Promise<string | null>) => Promise<void> {
  const toast = useToast();
  return async (action) => {
    try {
      const said = await action();
      if (said !== null) toast.done(said);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
}

/** Short messages in a corner, read out by screen readers. An error stays until it is dismissed. */
export function Toasts({ children }: { readonly children: ReactNode }): ReactNode {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const dismiss = useCallback((id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)), []);
  const say = useMemo<Say>(() => {
    const add = (text: string, failed: boolean): void => {
      last += 1;
      const id = last;
      setToasts((all) => [...all.slice(-3), { id, text, failed }]);
      if (!failed) setTimeout(() => dismiss(id), shownMs);
    };
    return {
      done: (text) => add(text, false),
      failed: (error) => add(error instanceof Error ? error.message : String(error), true),
    };
  }, [dismiss]);
  return (
    <ToastContext value={say}>
      {children}
      <div className="toasts" role="status" aria-live="polite">
        {toasts.map(({ id, text, failed }) => (
          <div key={id} className={failed ? "toast failed" : "toast"}>
            <span>{text}</span>
            <button type="button" className="quiet" onClick={() => dismiss(id)} aria-label="Dismiss">
              ✕
            </button>
          </div>
        ))}
      </div>
    </ToastContext>
  );
}
