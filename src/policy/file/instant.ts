/** Instants and durations as a policy writes them. */

const INSTANT_REGEXP =
  /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Reads an instant: ISO 8601 with its zone, or a date, whose midnight in UTC it
 * is then.
 *
 * @param text such as `2000-01-01T00:00:00Z` or `2000-01-01`
 * @returns milliseconds since the epoch, at least 0; `undefined` for any other text
 */
export function readInstant(text: string): number | undefined {
  if (!INSTANT_REGEXP.test(text)) return undefined;
  const at = Date.parse(text);
  // Date.parse() takes 31 April as 1 May.
  const day = Number(text.slice(8, 10));
  const last = new Date(
    Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0),
  ).getUTCDate();
  return at >= 0 && day <= last ? at : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

const MAX_DURATION = 1e15;

/**
 * Reads a duration: a sign, and numbers with units from the largest on.
 *
 * @param text such as `-3d`, `+1h30m` or `500ms`
 * @returns milliseconds; `undefined` for any other text
 */
export function readDuration(text: string): number | undefined {
  const match = /^([+-]?)((?:\d{1,12}(?:ms|[smhdw]))+)$/.exec(text);
  if (match === null) return undefined;
  let sum = 0;
  let before = Infinity;
  for (const [, count, unit] of (match[2] as string).matchAll(/(\d+)(\D+)/g)) {
    const size = UNITS[unit as string] as number;
    if (size >= before) return undefined;
    before = size;
    sum += Number(count) * size;
  }
  if (sum > MAX_DURATION) return undefined;
  return match[1] === "-" && sum !== 0 ? -sum : sum;
}
