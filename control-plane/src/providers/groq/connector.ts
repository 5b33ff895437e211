import { configurationFree } from "../configuration-free.ts";

/** No billing API of Groq is published (console.groq.com/docs, November 2026); its metrics API states rates, not bills. */
export const groq = configurationFree("GROQ", [
  "Groq publishes no billing API: cost comes from observed calls at list price.",
  "Import its invoice to have a bill to compare with.",
]);
