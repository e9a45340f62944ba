/** Random bytes that a seed decides. They are no secret. */

/**
 * A stream of bytes: sfc32 (PractRand), seeded by two numbers.
 *
 * The same seed and stream give the same bytes; another stream gives others.
 */
export class Chance {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /**
   * Starts a stream.
   *
   * @param seed what a policy says
   * @param stream which of the streams of that seed
   */
  constructor(seed: number, stream: number) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    this.#c = 0x9e37_79b9 | 0;
    for (let i = 0; i < 16; i++) this.#next();
  }

  /** Fills bytes. */
  fill(bytes: Uint8Array, length = bytes.length): void {
    for (let at = 0; at < length; at += 4) {
      const word = this.#next();
      for (let i = 0; i < 4 && at + i < length; i++) {
        bytes[at + i] = word >>> (8 * i);
      }
    }
  }

  #next(): number {
    const word = (this.#a + this.#b + this.#counter++) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + word | 0;
    return word;
  }
}
