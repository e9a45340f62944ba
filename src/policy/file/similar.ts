/** Which of these words was probably meant? */

/**
 * The word most like another, if one is like it.
 *
 * @param word what was written
 * @param known what could have been meant
 * @returns the word, or `undefined` where none is near
 */
export function similar(
  word: string,
  known: Iterable<string>,
): string | undefined {
  if (word.length > 40) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const steps = distance(word.toLowerCase(), candidate.toLowerCase());
    if (steps < least) {
      least = steps;
      best = candidate;
    }
  }
  return best;
}

/** A hint that names the word that was probably meant. */
export function didYouMean(
  word: string,
  known: Iterable<string>,
): string | undefined {
  const word2 = similar(word, known);
  return word2 === undefined ? undefined : `did you mean "${word2}"?`;
}

/** How many letters to add, drop, change or swap to get from one word to the other. */
function distance(from: string, to: string): number {
  let before: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, i) => i);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let steps = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (
        i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      ) {
        steps = Math.min(steps, (before[j - 2] as number) + 1);
      }
      row.push(steps);
    }
    before = last;
    last = row;
  }
  return last[to.length] as number;
}
