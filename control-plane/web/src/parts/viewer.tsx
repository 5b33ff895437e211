import type { ResultOf } from "gql.tada";
import { createContext, useContext } from "react";
import type { viewerQuery } from "../operations/viewer.ts";

export type Viewer = ResultOf<typeof viewerQuery>["viewer"];
type Permission = Viewer["permissions"][number];

export const ViewerContext = createContext<Viewer>({ email: null, organizationId: "", permissions: [] });

/** Whom the pages are shown to. */
export function useViewer(): Viewer {
  return useContext(ViewerContext);
}

/** Whether to offer something; the server decides besides. */
export function useMay(permission: Permission): boolean {
  return useViewer().permissions.includes(permission);
}
