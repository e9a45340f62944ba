/** Chance for tests: what a seed has made it makes again. */

/**
 * Random numbers: mulberry32.
 *
 * @param seed all of them depend on it alone
 * @returns gives the next one, from 0 on and below what is asked for
 */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
