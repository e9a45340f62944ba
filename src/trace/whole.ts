/**
 * Whether nobody in the jail can take away memory that a call's arguments lie in.
 *
 * A private page of a mapped file is its process's own from the first write to it
 * on, but only as long as the file reaches that far. Whoever makes the file
 * shorter takes such pages from all who have them: truncate_pagecache() in
 * mm/truncate.c. What was written there is gone, and as soon as the file is long
 * again, its words are there. A page that its process has given back (MADV_FREE)
 * is empty as soon as somebody needs memory: then a path is shorter, or none.
 */

import { get, getBig } from "../abi/layout.ts";
import { AT_EMPTY_PATH } from "../abi/fcntl.ts";
import { PAGE_SIZE } from "../abi/mman.ts";
import { STAT } from "../abi/stat.ts";
import { fstat } from "../sys/files.ts";
import type { MayWrite } from "../policy/writable.ts";
import type { MappedFile } from "../sys/maps.ts";
import type { View } from "../sys/view.ts";
import type { Looked } from "./looked.ts";
import { cString } from "./place.ts";
import type { Registers } from "./registers.ts";
import type { CallSpec } from "./spec.ts";
import type { Tracee } from "./tracee.ts";

/** How many files are remembered, at most. */
const MOST = 4096;

const stat = new Uint8Array(STAT.size);

/** Knows which mapped files nobody in the jail can cut off. */
export class WholeFiles {
  readonly #view: View;
  readonly #mayWrite: MayWrite;
  /** Files that the program was given: it may cut them off whatever a rule says. */
  readonly #given = new Set<bigint>();
  readonly #known = new Map<string, boolean>();

  /**
   * Makes one.
   *
   * @param view where paths begin
   * @param fds the descriptors of this process that the program gets
   * @param mayWrite whether a rule could let a path be written
   */
  constructor(
    view: View,
    fds: readonly number[],
    mayWrite: MayWrite,
  ) {
    this.#view = view;
    this.#mayWrite = mayWrite;
    for (const fd of fds) {
      if (fstat(fd, stat) >= 0) this.#given.add(getBig(STAT, stat, "st_ino"));
    }
  }

  /**
   * Whether the memory stays in which the paths of a call lie.
   *
   * @param tracee who makes it, alone with its memory
   * @param registers its registers
   * @param spec the call
   * @param looked what was read
   */
  hold(
    { tid, space: { maps } }: Tracee,
    registers: Registers,
    spec: CallSpec,
    { paths }: Looked,
  ): boolean {
    return paths.every(({ arg, written }) => {
      const address = registers.address(arg);
      if (address === 0) return true;
      const isCut = address % PAGE_SIZE + written.length >= PAGE_SIZE;
      if (isCut || written !== "" && takesNone(registers, spec)) return false;
      const file = maps.fileAt(tid, address);
      return file === "none" || file !== undefined && this.#lasts(file);
    });
  }

  #lasts(file: MappedFile): boolean {
    const { inode, name } = file;
    const key = `${inode} ${name}`;
    let lasts = this.#known.get(key);
    if (lasts === undefined) {
      lasts = !this.#given.has(inode) && this.#isClosed(file);
      if (this.#known.size >= MOST) this.#known.clear();
      this.#known.set(key, lasts);
    }
    return lasts;
  }

  /**
   * Whether nobody may write a file: it has no other name, and neither it nor a
   * directory that it is in could have been moved to where nobody may.
   */
  #isClosed({ name, inode }: MappedFile): boolean {
    const path = this.#view.nameOf(name);
    if (!path.startsWith("/")) return false;
    const isIt = this.#view.stat(cString(path), stat) >= 0 &&
      getBig(STAT, stat, "st_ino") === inode;
    if (!isIt || this.#mayWrite(path, get(STAT, stat, "st_nlink"))) {
      return false;
    }
    for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
      if (this.#mayWrite(at, 1)) return false;
    }
    return !this.#mayWrite("/", 1);
  }
}

/** Whether a call with no path would mean the descriptor. */
function takesNone(registers: Registers, { paths }: CallSpec): boolean {
  return paths.some(({ flags }) =>
    flags >= 0 && (registers.uint(flags) & AT_EMPTY_PATH) !== 0
  );
}
