/** The auxiliary vector of a new image: what the kernel tells it of the system. */

import {
  AT_EGID,
  AT_EUID,
  AT_GID,
  AT_IGNORE,
  AT_NULL,
  AT_RANDOM,
  AT_SYSINFO_EHDR,
  AT_UID,
} from "../../abi/elf.ts";
import { hidesVdso } from "../../policy/plan/sys.ts";
import { given, type SysRules } from "../../policy/sys.ts";
import { readMemory, writeMemory } from "../../sys/task/memory.ts";
import type { Chance } from "../facts/chance.ts";

const WORD = 8;

/** How many words are read at once. */
const BLOCK = 4096;

/** Bytes at AT_RANDOM: getauxval(3). */
const RANDOM_BYTES = 16;

const block = new Uint8Array(BLOCK * WORD);
const words = new BigUint64Array(block.buffer);
const entry = new BigUint64Array(2);
const random = new Uint8Array(RANDOM_BYTES);

/**
 * Changes what a new image is told, before its first instruction.
 *
 * @param tid the tracee, at its exec event
 * @param sp its stack pointer: argc, argv, NULL, the environment, NULL, and the
 *   vector (fs/binfmt_elf.c, create_elf_tables())
 * @param sys what the policy says
 * @param chance what is random, where the policy gives that
 * @returns whether it could be done
 */
export function changeAuxv(
  tid: number,
  sp: number,
  sys: SysRules,
  chance: Chance | undefined,
): boolean {
  const start = findVector(tid, sp);
  if (start === undefined) return false;
  const length = readMemory(tid, start, block, block.length);
  const values = changes(sys);
  for (let at = 0; at + 1 < length / WORD; at += 2) {
    const type = Number(words[at]);
    if (type === AT_NULL) return true;
    const address = start + at * WORD;
    if (type === AT_RANDOM && chance !== undefined) {
      chance.fill(random);
      const place = Number(words[at + 1]);
      if (writeMemory(tid, place, random, RANDOM_BYTES) < 0) return false;
    }
    const change = values.get(type);
    if (change === undefined) continue;
    [entry[0], entry[1]] = [BigInt(change[0]), BigInt(change[1])];
    const bytes = new Uint8Array(entry.buffer);
    if (writeMemory(tid, address, bytes, 2 * WORD) < 0) return false;
  }
  return false;
}

/** What each entry becomes. */
function changes(
  sys: SysRules,
): ReadonlyMap<number, readonly [type: number, value: number]> {
  const values = new Map<number, readonly [number, number]>();
  if (hidesVdso(sys)) values.set(AT_SYSINFO_EHDR, [AT_IGNORE, 0]);
  const uid = given(sys.uid);
  const gid = given(sys.gid);
  for (const type of uid === undefined ? [] : [AT_UID, AT_EUID]) {
    values.set(type, [type, uid as number]);
  }
  for (const type of gid === undefined ? [] : [AT_GID, AT_EGID]) {
    values.set(type, [type, gid as number]);
  }
  return values;
}

/** Where the vector is: behind the second NULL after the arguments' count. */
function findVector(tid: number, sp: number): number | undefined {
  let ends = 0;
  for (let at = sp + WORD;; at += block.length) {
    const read = readMemory(tid, at, block, block.length);
    if (read < WORD) return undefined;
    const count = Math.floor(read / WORD);
    for (let i = 0; i < count; i++) {
      if (words[i] === 0n && ++ends === 2) return at + (i + 1) * WORD;
    }
  }
}

/** Whether a policy changes anything that the vector tells. */
export function tellsAnything(sys: SysRules): boolean {
  return hidesVdso(sys) || given(sys.uid) !== undefined ||
    given(sys.gid) !== undefined;
}
