/**
 * The authorization server's library without its index, which warns on every Node whose release has no LTS name yet,
 * and the pinned one is such. What stands behind the index is the same.
 */
import type { Provider as TypedProvider, errors as TypedErrors } from "oidc-provider";
// @ts-expect-error The types describe the index alone.
import { Provider as PlainProvider } from "oidc-provider/lib/provider.js";
// @ts-expect-error The types describe the index alone.
import * as plainErrors from "oidc-provider/lib/helpers/errors.js";

export const Provider = PlainProvider as unknown as typeof TypedProvider;
export type Provider = TypedProvider;
export const errors = plainErrors as unknown as typeof TypedErrors;
