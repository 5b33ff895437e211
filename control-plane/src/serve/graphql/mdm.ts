import { randomBytes } from "node:crypto";
import { assert } from "@flowstate/shared/assert";
import { FlowstateError } from "@flowstate/shared/errors";
import type { Payload, PayloadFile } from "@flowstate/mdm-templates/payload";
import { render } from "@flowstate/mdm-templates/render";
import type { Builder } from "./builder.ts";

/** Targets as the contract names them; further ones are named as `flowstate-mdm render` spells them, in upper case. */
const targets = {
  JAMF_PRO: { description: "Jamf Pro, macOS" },
  INTUNE: { description: "Microsoft Intune, Windows" },
  KANDJI: { description: "Kandji (Iru), macOS" },
  MOSYLE: { description: "Mosyle, macOS" },
  GOOGLE_WORKSPACE: { description: "Google Workspace, managed Chrome and ChromeOS" },
  JUMPCLOUD: { description: "JumpCloud, macOS and Linux" },
  SHELL: { description: "a script, for devices without MDM" },
  MOBILECONFIG: { description: "an Apple configuration profile" },
  ANSIBLE: { description: "an Ansible playbook, Linux" },
  ENVIRONMENT_D: { description: "systemd environment.d, Linux" },
  FLEETDM: { description: "Fleet, scripts" },
  REGISTRY: { description: "a registry file, for Group Policy" },
  VERIFY: { description: "the check that a device uses the proxy, as a compliance script" },
} as const;

/** What brings devices onto the proxy. No payload holds a key: it refers to the MDM's own secret by name. */
export function addMdm(builder: Builder): void {
  const MdmTarget = builder.enumType("MdmTarget", {
    description: "where a payload is pasted, or what carries it",
    values: targets,
  });

  const File = builder.objectRef<PayloadFile>("MdmFile").implement({
    description: "one more file that the steps of a payload speak of",
    fields: (t) => ({
      filename: t.exposeString("filename", { description: "name to save it under" }),
      language: t.exposeString("language", { description: "as syntax highlighters name it" }),
      content: t.exposeString("content", { description: "the file" }),
    }),
  });

  const MdmPayload = builder.objectRef<Payload>("MdmPayload").implement({
    description: "what an administrator pastes into an MDM, with what to do and what to know",
    fields: (t) => ({
      target: t.field({
        type: MdmTarget,
        description: "where it is pasted",
        resolve: ({ target }) => nameOf(target),
      }),
      filename: t.exposeString("filename", { description: "name to save it under" }),
      language: t.exposeString("language", { description: "as syntax highlighters name it" }),
      content: t.exposeString("content", { description: "the payload; it holds no key" }),
      steps: t.stringList({
        description: "where in that MDM it is pasted, step by step",
        resolve: ({ steps }) => [...steps],
      }),
      caveats: t.stringList({
        description: "known limits of that MDM with this payload",
        resolve: ({ caveats }) => [...caveats],
      }),
      companions: t.field({
        type: [File],
        description: "further files that the steps speak of",
        resolve: ({ companions }) => companions,
      }),
    }),
  });

  builder.queryFields((t) => ({
    mdmPayload: t.field({
      type: MdmPayload,
      description: "the payload that brings the devices of one MDM onto the proxy",
      authScopes: { permission: "SETTINGS_INTEGRATIONS_VIEW" },
      args: {
        target: t.arg({ type: MdmTarget, required: true, description: "the MDM" }),
        secretName: t.arg.string({
          defaultValue: "MDM_FLOWSTATE_KEY",
          description: "name of the secret that holds the organisation's key in the MDM",
        }),
        proxyHost: t.arg.string({ description: "host of the proxy, with a port where it is not 443" }),
        noProxy: t.arg.stringList({ description: "corporate domains that stay direct" }),
        variant: t.arg.string({
          defaultValue: "install",
          description: "install, uninstall, detect or remediate, as far as the MDM knows the idea",
        }),
        mode: t.arg.string({
          defaultValue: "direct",
          description: "direct, or loopback through the agent's relay, which needs no secret",
        }),
      },
      resolve: (_, { target, secretName, proxyHost, noProxy, variant, mode }, { proxyUrl }) => {
        const payload = render(target, variant ?? "install", {
          proxyHost: proxyHost ?? new URL(proxyUrl).host,
          secretName: secretName ?? undefined,
          noProxy: noProxy ?? undefined,
          mode: mode ?? undefined,
          nonce: randomBytes(8).toString("hex"),
        });
        if (payload.ok) return payload.value;
        throw new FlowstateError("FS_INPUT_INVALID", payload.detail);
      },
    }),
  }));
}

function nameOf(target: string): keyof typeof targets {
  const name = target.toUpperCase().replaceAll("-", "_");
  assert(isTarget(name), `${target} is no target of the schema`);
  return name;
}

function isTarget(name: string): name is keyof typeof targets {
  return name in targets;
}
