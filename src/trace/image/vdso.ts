/**
 * Takes the vDSO out of a new image, with the pages that it reads the time from.
 *
 * What AT_SYSINFO_EHDR does not tell any more can still be found: by /proc, or
 * by trying. So the image itself is made to unmap it before its first
 * instruction. Its exec is followed to the exit of execve(2), where its registers
 * are made those of munmap(2) at an instruction of the vDSO's own; that call is
 * followed to its exit, where the vDSO is gone and the registers are again those
 * of the image. No instruction of the image runs meanwhile, and none of the
 * vDSO but that one.
 */

import type { Arch } from "../../abi/arch.ts";
import { ENOENT, EPERM, errnoName, ESRCH } from "../../abi/errno.ts";
import { SIGKILL } from "../../abi/signal.ts";
import { SYSCALLS } from "../../abi/syscalls.ts";
import { SystemCallError } from "../../errors.ts";
import { mappingsOf } from "../../sys/task/maps.ts";
import { readMemory } from "../../sys/task/memory.ts";
import { kill } from "../../sys/task/wait.ts";
import type { Answers } from "../answer.ts";
import { Registers } from "../tracee/registers.ts";
import type { Tracee } from "../tracee/tracee.ts";

/** One run of pages, as /proc/pid/maps tells. */
interface Pages {
  readonly start: number;
  readonly end: number;
}

/** How far a tracee has come. */
interface Removal {
  /** The next stop. */
  next: "exec's exit" | "entry" | "exit";
  /** The instruction by which the call is made. */
  readonly site: number;
  /** What is still to be unmapped; that with the site last. */
  readonly pages: Pages[];
  /** The registers of the image. */
  readonly image: Registers;
}

const MAPS_REGEXP =
  /^([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ \S+ +\[(vdso|vvar\w*)\]$/;

const code = new Uint8Array(1 << 16);

/** Takes the vDSO out of new images. */
export class VdsoRemover {
  readonly #arch: Arch;
  readonly #answers: Answers;
  readonly #removals: Map<number, Removal> = new Map();

  /**
   * Makes one.
   *
   * @param arch the machine's half of the calling convention
   * @param answers how registers are read and written
   */
  constructor(arch: Arch, answers: Answers) {
    this.#arch = arch;
    this.#answers = answers;
  }

  /** Whether a tracee is on its way: it is resumed to its next call or exit. */
  has(tid: number): boolean {
    return this.#removals.has(tid);
  }

  /** Forgets a tracee that is gone. */
  drop(tid: number): void {
    this.#removals.delete(tid);
  }

  /**
   * A tracee is at its exec event.
   *
   * @returns whether it has a vDSO: it must be resumed to its next stop for a call
   */
  begin(tracee: Tracee): boolean {
    const { tid } = tracee;
    const found = pagesOf(tid);
    const vdso = found.find(({ name }) => name === "vdso");
    const pages = found.filter((one) => one !== vdso);
    // Without a vDSO nothing is to be done; nor for one that is being killed,
    // which has no memory any more.
    if (vdso === undefined && pages.length === 0) return false;
    const offset = vdso === undefined ? -ENOENT : callIn(tid, vdso);
    if (offset === -ESRCH) return false;
    if (vdso === undefined || offset < 0) throw lost(-offset);
    this.#removals.set(tid, {
      next: "exec's exit",
      site: vdso.start + offset,
      pages: joined([...pages, vdso]),
      image: new Registers(this.#arch),
    });
    return true;
  }

  /**
   * A tracee on its way has stopped for a call.
   *
   * @returns `go on` where it is the image's own again, else `to call`; `gone`
   *   where there is no tracee any more
   */
  step(tracee: Tracee): "to call" | "go on" | "gone" {
    const removal = this.#removals.get(tracee.tid);
    const { registers } = this.#answers;
    if (removal === undefined || !this.#answers.read(tracee)) return "gone";
    switch (removal.next) {
      case "exec's exit":
        removal.image.copy(registers);
        return this.#unmap(tracee, removal);
      case "entry":
        removal.next = "exit";
        return "to call";
      case "exit":
        if (registers.result !== 0) {
          return this.#lost(tracee, -registers.result);
        }
        if (removal.pages.length > 0) return this.#unmap(tracee, removal);
        // A filter of the program's own can give the call any result.
        if (pagesOf(tracee.tid).length > 0) return this.#lost(tracee, EPERM);
        this.#removals.delete(tracee.tid);
        registers.copy(removal.image);
        return this.#answers.write(tracee) ? "go on" : "gone";
    }
  }

  /**
   * The vDSO could not be unmapped: the image must not run.
   *
   * @throws {SystemCallError} where that is not the program's own doing
   */
  #lost({ process }: Tracee, errno: number): "gone" {
    if (!process.filtered) throw lost(errno);
    kill(process.pid, SIGKILL);
    return "gone";
  }

  #unmap(tracee: Tracee, removal: Removal): "to call" | "gone" {
    const { registers } = this.#answers;
    const { start, end } = removal.pages.shift() as Pages;
    registers.copy(removal.image);
    registers.ip = removal.site;
    // At the exit of a call nothing but the result is where the number goes.
    registers.nr = -1;
    registers.result = SYSCALLS.munmap[this.#arch.name] as number;
    registers.setArgument(0, start);
    registers.setArgument(1, end - start);
    removal.next = "entry";
    return this.#answers.write(tracee) ? "to call" : "gone";
  }
}

/** The vDSO and what it reads; none of a task that has no memory any more. */
function pagesOf(tid: number): (Pages & { readonly name: string })[] {
  const mappings = mappingsOf(tid);
  if (mappings === -ESRCH || mappings === -ENOENT) return [];
  if (typeof mappings === "number") throw lost(-mappings);
  return mappings.flatMap((line) => {
    const [, start, end, name] = MAPS_REGEXP.exec(line) ?? [];
    return start === undefined || end === undefined || name === undefined
      ? []
      : [{ start: parseInt(start, 16), end: parseInt(end, 16), name }];
  });
}

/** Neighbours made one. */
function joined(pages: readonly Pages[]): Pages[] {
  const all: Pages[] = [];
  for (const one of pages) {
    const last = all.at(-1);
    if (last?.end === one.start) {
      all.splice(-1, 1, { start: last.start, end: one.end });
    } else all.push(one);
  }
  return all;
}

/**
 * Where the vDSO has an instruction that makes a call (0f 05); a negative errno for
 * none.
 */
function callIn(tid: number, { start, end }: Pages): number {
  const length = readMemory(tid, start, code, end - start);
  if (length < 0) return length;
  for (let at = 0; at + 1 < length; at++) {
    if (code[at] === 0x0f && code[at + 1] === 0x05) return at;
  }
  return -ENOENT;
}

function lost(errno: number): SystemCallError {
  return new SystemCallError(
    "take the vDSO out of a program",
    "munmap()",
    errnoName(errno),
    "without it the time is real: a kernel that seals it " +
      "(CONFIG_MSEAL_SYSTEM_MAPPINGS) cannot give another",
  );
}
