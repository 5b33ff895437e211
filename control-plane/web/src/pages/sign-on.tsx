import type { ReactNode } from "react";
import { send, useQuery } from "../api.ts";
import { when } from "../format.ts";
import { CopyButton, Page, Ready } from "../parts/page.tsx";
import { useToast } from "../parts/toast.tsx";
import {
  providerQuery,
  removeProvider,
  setProvider,
  type Provider,
  type ProviderChange,
} from "../operations/sign-on.ts";

const roles = ["ADMIN", "FINANCE", "VIEWER"] as const;

/** The identity provider at which members sign in. */
export function SignOn(): ReactNode {
  const { loaded, reload } = useQuery(providerQuery, {});
  const toast = useToast();
  const change = async (action: () => Promise<unknown>, done: string): Promise<void> => {
    try {
      await action();
      toast.done(done);
    } catch (error) {
      toast.failed(error);
    }
    await reload();
  };
  const callback = new URL("/sign-in/oidc/callback", window.location.href).href;
  return (
    <Page title="Single sign-on" lead="Members sign in at your identity provider (OpenID Connect).">
      <section className="card" aria-label="Registration">
        <p>
          Register a web application there, with this redirect URI: <code>{callback}</code>{" "}
          <CopyButton text={callback} label="Copy redirect URI" />
        </p>
      </section>
      <Ready loaded={loaded}>
        {({ oidcSettings: provider }) => (
          <>
            <ProviderForm
              key={provider?.updatedAt ?? "none"}
              provider={provider}
              onSave={(given) =>
                void change(() => send(setProvider, given), "Saved. People may sign in there.")
              }
            />
            {provider !== null && (
              <section className="card" aria-label="Removal">
                <p>Without it people sign in by password or passkey again.</p>
                <p>
                  <button
                    type="button"
                    className="danger"
                    onClick={() =>
                      void change(() => send(removeProvider, {}), "The identity provider was removed.")
                    }
                  >
                    Remove
                  </button>
                </p>
              </section>
            )}
          </>
        )}
      </Ready>
    </Page>
  );
}

function ProviderForm({
  provider,
  onSave,
}: {
  readonly provider: Provider | null;
  readonly onSave: (change: ProviderChange) => void;
}): ReactNode {
  return (
    <form
      className="card"
      aria-label="Identity provider"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(changeOf(new FormData(event.currentTarget)));
      }}
    >
      {provider !== null && <p className="muted">Set {when(provider.updatedAt)}.</p>}
      <label>
        <span>Issuer</span>
        <input
          name="issuer"
          type="url"
          required
          defaultValue={provider?.issuer}
          placeholder="https://login.example.com"
        />
      </label>
      <label>
        <span>Client id</span>
        <input name="clientId" required defaultValue={provider?.clientId} autoComplete="off" />
      </label>
      <label>
        <span>Client secret{provider === null ? "" : " (empty keeps the one before)"}</span>
        <input name="clientSecret" type="password" required={provider === null} autoComplete="off" />
      </label>
      <label>
        <span>E-mail domains that may sign in, separated by commas</span>
        <input
          name="emailDomains"
          required
          defaultValue={provider?.emailDomains.join(", ")}
          placeholder="example.com"
        />
      </label>
      <label>
        <span>Role of people whom no group gives one</span>
        <select name="defaultRole" defaultValue={provider?.defaultRole ?? ""}>
          <option value="">none: they are refused</option>
          {roles.map((role) => (
            <option key={role} value={role}>
              {role.toLowerCase()}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Claim that names a person's groups (empty where groups give no role)</span>
        <input name="groupClaim" defaultValue={provider?.groupClaim ?? ""} placeholder="groups" />
      </label>
      {roles.map((role) => (
        <label key={role}>
          <span>Groups whose people are {role.toLowerCase()}, separated by commas</span>
          <input name={`groups-${role}`} defaultValue={groupsOf(provider, role)} />
        </label>
      ))}
      <label className="inline">
        <input name="onlyOidc" type="checkbox" defaultChecked={provider?.onlyOidc === true} />
        <span>Everybody but owners signs in there alone, from now on</span>
      </label>
      <p>
        <button className="primary">Save</button>
      </p>
    </form>
  );
}

function groupsOf(provider: Provider | null, role: (typeof roles)[number]): string {
  const given = provider?.groupRoles.filter((each) => each.role === role) ?? [];
  return given.map(({ group }) => group).join(", ");
}

function changeOf(form: FormData): ProviderChange {
  const text = (name: string): string => {
    const value = form.get(name);
    return typeof value === "string" ? value.trim() : "";
  };
  const list = (name: string): readonly string[] =>
    text(name)
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "");
  return {
    issuer: text("issuer"),
    clientId: text("clientId"),
    clientSecret: text("clientSecret") || null,
    emailDomains: [...list("emailDomains")],
    defaultRole: roles.find((role) => role === text("defaultRole")) ?? null,
    groupClaim: text("groupClaim") || null,
    groupRoles: roles.flatMap((role) => list(`groups-${role}`).map((group) => ({ group, role }))),
    onlyOidc: form.get("onlyOidc") === "on",
  };
}
