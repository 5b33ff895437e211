export const callbackPath = "/sign-in/oidc/callback";

/** What is registered at the identity provider. */
export function redirectUriOf(publicUrl: URL): string {
  return new URL(callbackPath, publicUrl).href;
}
