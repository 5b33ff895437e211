import { must } from "@flowstate/shared/assert";
import type { Target } from "./payload.ts";
import { render } from "./render.ts";

const example = { proxyHost: "ai.flowstate.inc", nonce: "00000000" };

/** One target as a page of Markdown: how to render it, where it goes, its limits, and the order of a rollout. */
export function describeTarget(target: Target): string {
  const sections = target.variants.map((variant) => {
    const direct = render(target.id, variant, example);
    const rendered = direct.ok ? direct : render(target.id, variant, { ...example, mode: "loopback" });
    const { filename, steps, caveats } = must(
      rendered.ok ? rendered.value : undefined,
      "a target that never renders",
    );
    const mode = direct.ok ? "" : " --mode loopback";
    const command = `flowstate-mdm render ${target.id} --proxy-host ai.flowstate.inc --variant ${variant}${mode} --out ${filename}`;
    const numbered = steps.map((step, index) => `${index + 1}. ${escapeMarkup(step)}`);
    return { text: `## ${variant}\n\n\`\`\`sh\n${command}\n\`\`\`\n\n${numbered.join("\n")}\n`, caveats };
  });
  const caveats = [...new Set(sections.flatMap((section) => section.caveats))];
  const limits = `## What to know\n\n${caveats.map((caveat) => `- ${escapeMarkup(caveat)}`).join("\n")}\n`;
  return [`# ${target.title}\n`, ...sections.map(({ text }) => text), limits, rollout].join("\n");
}

const rollout = `## Order of a rollout

1. **Test group.** Two or three devices of people who know. Assign the payload, wait for a check-in, restart the open programs.
2. **Verify.** Run the verification script (\`flowstate-mdm render verify\`) on each: exit 0 means routed. The card in Settings > AI > Cloud Proxy turns Active, and the subject meter names the right people. Check that single sign-on, VPN, package managers and local servers still work; add what must stay direct to \`--no-proxy\`.
3. **Fleet.** Widen the assignment by groups. Watch refused credentials in the proxy status: a placeholder that was not filled in shows there.
4. **Rotation.** Re-provisioning revokes the key before at once: have the new one ready in the MDM, and expect refusals until each device has checked in.
5. **Rollback.** Replace the assignment by the uninstall variant; it removes what was added and puts back what stood there before. Only then delete the payload: taking it out of scope by itself undoes nothing on a device.
`;

function escapeMarkup(text: string): string {
  return text.replace(/<.+>/, (markup) => `\`${markup}\``);
}
