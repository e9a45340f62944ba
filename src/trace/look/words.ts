/** The arguments of a program: an array of strings in a tracee. */

import { readMemory } from "../../sys/task/memory.ts";
import { readPath } from "./look.ts";

/** Most arguments that are looked at. */
const MAX_ARGUMENTS = 256;

/** Arguments of a program, as far as they were read. */
export interface Words {
  /** The first of them, byte strings; the program's own name comes first. */
  readonly words: readonly string[];
  /** Whether these are all. */
  readonly whole: boolean;
}

const pointers = new Uint8Array(8 * MAX_ARGUMENTS);
const pointerView = new DataView(pointers.buffer);

/**
 * Reads an array of strings, as far as it can be read.
 *
 * @param tid the tracee
 * @param address where its first pointer is
 */
export function readArguments(tid: number, address: number): Words {
  const words: string[] = [];
  for (let i = 0; address !== 0 && i < MAX_ARGUMENTS; i++) {
    const item = pointers.subarray(8 * i, 8 * i + 8);
    if (readMemory(tid, address + 8 * i, item, 8) !== 8) break;
    const pointer = pointerView.getUint32(8 * i + 4, true) * 2 ** 32 +
      pointerView.getUint32(8 * i, true);
    if (pointer === 0) return { words, whole: true };
    const word = readPath(tid, pointer);
    if (typeof word === "number") break;
    words.push(word);
  }
  return { words, whole: address === 0 };
}
