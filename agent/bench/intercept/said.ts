/** What the three programs of this bench agree on. */
export const callHost = "api.anthropic.com";
export const socketHost = "api.openai.com";
export const rounds = 300;

/** Milliseconds of a clock that all processes of one machine share. */
export const sharedMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Of the provider, and of the intercept before it. */
export interface ProviderSays {
  readonly port: number;
  readonly ca: string;
}

export interface InterceptSays {
  readonly ports: {
    readonly untouched: number;
    readonly plain: number;
    readonly keeping: number;
    readonly listening: number;
    readonly socket: number;
  };
  readonly ca: string;
}

/** When all calls have been made. */
export interface InterceptDid {
  readonly counted: number;
  readonly kept: number;
  readonly keptMs: readonly number[];
}
