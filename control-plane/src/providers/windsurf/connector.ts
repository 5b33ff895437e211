import { configurationFree } from "../configuration-free.ts";

/** Windsurf's API states credits and activity, never money. */
export const windsurf = configurationFree("WINDSURF", [
  "Windsurf publishes credits but no amounts: cost comes from observed calls at list price.",
  "Enter the seats or import the invoice to have a bill to compare with.",
]);
