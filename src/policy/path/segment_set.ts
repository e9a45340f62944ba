/** Does any of many patterns of one path segment match a name? */

import { matchSegment, type SegmentPattern } from "./segment.ts";

/** Patterns by a byte that names must have. */
type ByByte = Map<number, SegmentPattern[]>;

/**
 * Patterns of one segment. A name is compared with those alone that begin with its
 * first byte, or end with its last one: of a policy's that is one or two, and not
 * a hundred.
 */
export class SegmentSet {
  readonly #first: ByByte = new Map();
  readonly #last: ByByte = new Map();
  /** Those that begin and end with a wildcard. */
  readonly #others: SegmentPattern[] = [];

  /**
   * Makes a set.
   *
   * @param patterns what it is made of
   */
  constructor(patterns: Iterable<SegmentPattern>) {
    for (const pattern of patterns) this.#placeOf(pattern).push(pattern);
  }

  /**
   * Whether a pattern matches a name.
   *
   * @param name the name, a byte string
   */
  matches(name: string): boolean {
    return isAmong(this.#first.get(name.charCodeAt(0)), name) ||
      isAmong(this.#last.get(name.charCodeAt(name.length - 1)), name) ||
      isAmong(this.#others, name);
  }

  #placeOf({ steps }: SegmentPattern): SegmentPattern[] {
    const first = steps[0] ?? -1;
    const last = steps.at(-1) ?? -1;
    // A step that is no byte is negative.
    if (first >= 0) return placeIn(this.#first, first);
    if (last >= 0) return placeIn(this.#last, last);
    return this.#others;
  }
}

function placeIn(patterns: ByByte, byte: number): SegmentPattern[] {
  const known = patterns.get(byte);
  if (known !== undefined) return known;
  const made: SegmentPattern[] = [];
  patterns.set(byte, made);
  return made;
}

function isAmong(
  patterns: readonly SegmentPattern[] | undefined,
  name: string,
): boolean {
  if (patterns === undefined) return false;
  for (const pattern of patterns) {
    if (matchSegment(pattern, name, 0, name.length)) return true;
  }
  return false;
}
