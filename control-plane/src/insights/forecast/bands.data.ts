import type { Bands } from "./bands.ts";

interface DefaultBands extends Bands {
  /** Used for histories of at least so many months. */
  readonly fromMonths: number;
}

/** Written by `node control-plane/bench/forecast.bench.ts --bands`; quantiles alone, none of the data. */
export const defaultBands: readonly [DefaultBands, ...DefaultBands[]] = [
  {
    fromMonths: 1,
    within80: [0.24, 0.24, 0.24, 0.26, 0.26, 0.26],
    within95: [0.56, 0.56, 0.62, 0.62, 0.62, 0.62],
  },
  {
    fromMonths: 2,
    within80: [2.24, 2.24, 2.53, 3.13, 3.24, 3.33],
    within95: [6.65, 6.65, 6.65, 7.63, 8.29, 8.29],
  },
  {
    fromMonths: 3,
    within80: [2.0, 2.06, 2.45, 2.9, 2.9, 2.93],
    within95: [5.29, 5.29, 5.29, 5.81, 5.81, 5.99],
  },
  {
    fromMonths: 4,
    within80: [1.84, 1.88, 2.16, 2.6, 2.6, 2.82],
    within95: [3.75, 3.92, 4.03, 5.0, 5.0, 5.28],
  },
  {
    fromMonths: 6,
    within80: [2.04, 2.04, 2.35, 2.72, 2.72, 2.85],
    within95: [4.03, 4.32, 4.32, 5.08, 5.08, 5.44],
  },
  {
    fromMonths: 12,
    within80: [1.78, 1.78, 2.15, 2.47, 2.47, 2.55],
    within95: [3.06, 3.29, 3.43, 4.13, 4.39, 4.64],
  },
  {
    fromMonths: 18,
    within80: [1.71, 1.73, 1.96, 2.37, 2.37, 2.37],
    within95: [2.92, 3.23, 3.35, 3.94, 4.18, 4.63],
  },
  {
    fromMonths: 36,
    within80: [1.7, 1.7, 1.93, 2.34, 2.34, 2.4],
    within95: [2.97, 3.02, 3.39, 4.14, 4.56, 4.72],
  },
];
