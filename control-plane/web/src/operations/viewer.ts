import { operation } from "../operation.ts";

export const viewerQuery = operation(`query Viewer { viewer { email organizationId permissions } }`);
