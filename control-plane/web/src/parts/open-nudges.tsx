import { createContext, useContext, useMemo, type ReactNode } from "react";
import { useQuery } from "../api.ts";
import { openNudgesQuery } from "../operations/my-ai.ts";

interface OpenNudges {
  readonly count: number;
  readonly reload: () => Promise<void>;
}

const everyMs = 300_000;
const OpenNudgesContext = createContext<OpenNudges>({ count: 0, reload: async () => undefined });

/** How many nudges the viewer has not answered, for the navigation; it counts anew on `reload`. */
export function useOpenNudges(): OpenNudges {
  return useContext(OpenNudgesContext);
}

export function OpenNudgesProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const { loaded, reload } = useQuery(openNudgesQuery, {}, everyMs);
  const count = loaded.state === "ready" ? loaded.data.myOpenNudges : 0;
  const value = useMemo(() => ({ count, reload }), [count, reload]);
  return <OpenNudgesContext value={value}>{children}</OpenNudgesContext>;
}
