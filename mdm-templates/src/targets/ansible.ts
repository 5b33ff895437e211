import { ok } from "@flowstate/shared/parsed";
import { variableCaveats } from "../caveats.ts";
import type { Target } from "../payload.ts";
import { shellScript } from "./shell.ts";

/** A playbook that runs the shell payload; the key comes from Ansible Vault and travels on standard input. */
export const ansible: Target = {
  id: "ansible",
  title: "Ansible",
  variants: ["install", "uninstall"],
  render: (variant, settings) => {
    const needsPerson = variant === "install" && settings.mode === "direct";
    const variable = settings.secretName.toLowerCase();
    // The script is marked unsafe: Jinja would take ${#name} for the start of a comment.
    const script = shellScript(variant, settings)
      .split("\n")
      .map((line) => (line === "" ? "" : `            ${line}`))
      .join("\n")
      .trimEnd();
    const argv = needsPerson ? ', --email, "{{ flowstate_user_email }}"' : "";
    const content = `- name: Flowstate cloud proxy, ${variant}
  hosts: flowstate_devices
  become: true
  tasks:
    - name: Make a folder for the script
      ansible.builtin.tempfile:
        state: directory
      register: flowstate_folder
      changed_when: false
    - name: Run the payload
      block:
        - name: Write the script
          ansible.builtin.copy:
            dest: "{{ flowstate_folder.path }}/flowstate-proxy.sh"
            mode: "0700"
            content: !unsafe |
${script.replaceAll(/^ {12}/gm, "              ")}
          changed_when: false
        - name: Run it for the person of this device
          ansible.builtin.command:
            argv: [/bin/sh, "{{ flowstate_folder.path }}/flowstate-proxy.sh"${argv}]
${needsPerson ? `            stdin: "{{ ${variable} }}"\n` : ""}          environment:
            SUDO_USER: "{{ flowstate_login }}"
          no_log: true
          register: flowstate_run
          changed_when: "'nothing to change' not in flowstate_run.stdout"
      always:
        - name: Remove the script
          ansible.builtin.file:
            path: "{{ flowstate_folder.path }}"
            state: absent
          changed_when: false
`;
    return ok({
      filename: `flowstate-proxy-${variant}.yml`,
      language: "yaml",
      content,
      steps: [
        "Inventory: put devices in the group flowstate_devices; give each flowstate_login (the local account) and flowstate_user_email (that person's work e-mail).",
        ...(needsPerson ? [`Keep the organisation key in Ansible Vault as ${variable}.`] : []),
        `ansible-playbook --ask-vault-pass --limit TEST_HOST flowstate-proxy-${variant}.yml`,
      ],
      caveats: [
        "One person per device: for shared machines run it once per person, or use loopback mode.",
        ...variableCaveats(settings),
      ],
      companions: [],
    });
  },
};
