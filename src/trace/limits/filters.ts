/**
 * How much memory the filters of a jail's programs take in the kernel, which counts
 * it for no process: a thread may have a megabyte of them.
 *
 * They stay as long as any task has them, by its maker too, so each counts for as
 * long as the jail lives. Who shares its memory could make one longer by the time
 * that the kernel reads it, which counts as the longest then.
 */

import { BPF_MAXINSNS, SOCK_FPROG } from "../../abi/bpf.ts";
import { get } from "../../abi/layout.ts";
import { PAGE_SIZE } from "../../abi/mman.ts";
import { readMemory } from "../../sys/task/memory.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** What the kernel makes of an instruction, in bytes: most of one that divides. */
const INSTRUCTION = 96;

const program = new Uint8Array(SOCK_FPROG.size);

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
   * @param tracee who does so, stopped at the call
   * @param address where it says which filter
   * @param owns whether nobody else can change that
   * @returns whether there is room for it
   */
  take({ tid, space }: Tracee, address: number, owns: boolean): boolean {
    const isSure = owns &&
      [address, address + 1].every((at) =>
        space.maps.isOfFile(tid, at) === false
      ) && readMemory(tid, address, program, program.length) === program.length;
    const length = isSure ? get(SOCK_FPROG, program, "len") : BPF_MAXINSNS;
    const used = this.#used + PAGE_SIZE +
      Math.min(length, BPF_MAXINSNS) * INSTRUCTION;
    if (used > this.#most) return false;
    this.#used = used;
    return true;
  }
}
