import { addMonths, periodBounds, periodOf, type Period } from "@flowstate/shared/time";
import { windowBounds, type UsageWindow } from "./window.ts";

/** From the first instant to before the second, both starts of UTC days. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What a window is made of: some months, with more days and without others. */
interface Parts {
  /** From the first to before the next. */
  readonly months: { readonly first: Period; readonly next: Period };
  readonly more: readonly Span[];
  readonly less: readonly Span[];
}

/**
 * Takes a month that the window cuts whole where fewer of its days are outside than inside, so that few days need to be
 * read: in a window up to today, those outside have not come yet.
 */
export function partsOf(window: UsageWindow): Parts {
  const { from, to } = windowBounds(window);
  const first = periodOf(from);
  const next = addMonths(periodOf(to - 1), 1);
  if (addMonths(first, 1) === next) {
    const { from: start, to: end } = periodBounds(first);
    return from - start + (end - to) < to - from
      ? { months: { first, next }, more: [], less: spans({ from: start, to: from }, { from: to, to: end }) }
      : { months: { first, next: first }, more: spans({ from, to }), less: [] };
  }
  const before = periodBounds(first);
  const last = addMonths(next, -1);
  const after = periodBounds(last);
  const wholeFirst = from - before.from < before.to - from;
  const wholeLast = after.to - to < to - after.from;
  return {
    months: { first: wholeFirst ? first : addMonths(first, 1), next: wholeLast ? next : last },
    more: spans(
      ...(wholeFirst ? [] : [{ from, to: before.to }]),
      ...(wholeLast ? [] : [{ from: after.from, to }]),
    ),
    less: spans(
      ...(wholeFirst ? [{ from: before.from, to: from }] : []),
      ...(wholeLast ? [{ from: to, to: after.to }] : []),
    ),
  };
}

function spans(...given: readonly Span[]): readonly Span[] {
  return given.filter(({ from, to }) => from < to);
}
