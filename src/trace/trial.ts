/**
 * Whether it pays to keep several tracees on one processor, found out by trying.
 *
 * Where they do little between their stops it does; where they compute it does not,
 * and how much they do cannot be seen. So rounds of stops are timed with it and
 * without, and what did not pay is tried again later and later.
 */

/**
 * How long a round takes at most where it is tried, in milliseconds: of 64 stops,
 * for each of which the tracer needs some 40 microseconds.
 */
const BUSY_MS = 16;

/**
 * How many times as long a round may take as one without, and how many in a row may
 * take longer before it is given up.
 */
const LONGER = 1.1;
const TOO_MANY = 2;

/** For how many rounds it is not tried again at least, and at most. */
const LEAST_REST = 2;
const MOST_REST = 256;

/** Tries it. */
export class Trial {
  /** How long the last round took without. */
  #without = 0;
  /** How many rounds in a row took longer. */
  #longer = 0;
  /** For how many rounds more it is not tried. */
  #rest = 0;
  #nextRest = LEAST_REST;

  /**
   * Heeds a round.
   *
   * @param took how long it took, in milliseconds
   * @param kept whether somebody was kept in it
   * @returns whether several may be kept in the next one
   */
  goesOn(took: number, kept: boolean): boolean {
    if (!kept) {
      this.#without = took;
      if (this.#rest === 0) return took < BUSY_MS;
      this.#rest--;
      return false;
    }
    if (took <= LONGER * this.#without) {
      this.#longer = 0;
      this.#nextRest = LEAST_REST;
      return true;
    }
    if (++this.#longer < TOO_MANY) return true;
    this.fail();
    return false;
  }

  /** It did not pay. */
  fail(): void {
    this.#longer = 0;
    this.#rest = this.#nextRest;
    this.#nextRest = Math.min(2 * this.#nextRest, MOST_REST);
  }
}
