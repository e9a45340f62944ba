/**
 * How much memory the filters of a jail's programs take in the kernel, which counts
 * it for no process: a thread may have a megabyte of them.
 *
 * They stay as long as any task has them, by its maker too, so each counts for as
 * long as the jail lives.
 */

import { PAGE_SIZE } from "../../abi/mman.ts";

/** What the kernel makes of an instruction, in bytes: most of one that divides. */
const INSTRUCTION = 96;

/** The filters of one jail. */
export class FilterMemory {
  readonly #most: number;
  #used = 0;

  /**
   * Makes one.
   *
   * @param most how many bytes there may be
   */
  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Takes what a tracee is about to give itself.
   *
   * @param instructions how long it is
   * @returns whether there is room for it
   */
  take(instructions: number): boolean {
    const used = this.#used + PAGE_SIZE + instructions * INSTRUCTION;
    if (used > this.#most) return false;
    this.#used = used;
    return true;
  }
}
