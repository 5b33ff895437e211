import { configurationFree } from "../configuration-free.ts";

/**
 * The published HTTP API of Replicate (1.0.0-a1) has no operation that states an amount: a prediction says how long it
 * ran, and models are priced by time, token or image. To price them would be to guess.
 */
export const replicate = configurationFree("REPLICATE", [
  "Replicate publishes no billing API; its predictions state seconds, which do not say what a model costs.",
  "Import its invoice to have a bill.",
]);
