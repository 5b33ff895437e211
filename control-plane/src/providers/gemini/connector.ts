import { configurationFree } from "../configuration-free.ts";

/** Google's AI Studio has no spend API; what Vertex AI and the Gemini API cost stands in the Cloud Billing export. */
export const gemini = configurationFree("GEMINI", [
  "Google publishes no spend API for Gemini: cost comes from observed calls at list price.",
  "Import the Cloud Billing export (CSV or FOCUS) to have the invoice to compare with.",
]);
