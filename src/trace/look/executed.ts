/**
 * Exec: what is there when it has worked.
 *
 * Each new image is looked at before its first instruction, and ended where it
 * is not the one that was allowed: another tracee may have changed a file or an
 * argument meanwhile, and the kernel may read a file in another way than jail,
 * by binfmt_misc for one.
 */

import { printable } from "../../abi/bytes.ts";
import { AT_FDCWD, O_CLOEXEC, O_PATH } from "../../abi/fcntl.ts";
import { close, openat2 } from "../../sys/files.ts";
import { mappedFiles } from "../../sys/task/maps.ts";
import type { View } from "../../sys/view.ts";
import { nameOfFile } from "../path/foreign.ts";
import { nameOf } from "../path/own_descriptors.ts";
import { cString, readLink } from "../path/place.ts";
import type { PendingExec } from "../tracee/tracee.ts";
import { readArguments, type Words } from "./words.ts";

/** What a process runs, as a byte string; "" where it cannot be told. */
export function imageOf(view: View, tid: number): string {
  const path = readLink(AT_FDCWD, `/proc/${tid}/exe`);
  return typeof path === "number" ? "" : view.nameOf(path);
}

/**
 * The same, as rules would see it: a file of another mount namespace may be called as
 * one that may be run.
 *
 * @returns what the kernel calls it, and its name; both "" where it cannot be told
 */
function imageInView(
  view: View,
  tid: number,
): { readonly outer: string; readonly name: string } {
  const link = cString(`/proc/${tid}/exe`);
  const fd = openat2(AT_FDCWD, link, O_PATH | O_CLOEXEC, 0, 0);
  if (fd < 0) return { outer: "", name: "" };
  const read = nameOf(fd);
  const outer = typeof read === "number" ? "" : read;
  const name = outer && nameOfFile(view, fd, outer);
  close(fd);
  return { outer, name };
}

/**
 * Whether a new image is the one that was allowed.
 *
 * @param view where paths begin
 * @param tid the tracee, at its exec event
 * @param sp says its stack pointer, where its arguments are
 * @param pending what must be there
 * @returns what is wrong with it, for a person, or `undefined`
 */
export function unexpectedImage(
  view: View,
  tid: number,
  sp: () => number,
  pending: PendingExec,
): string | undefined {
  if (!pending.verify) return undefined;
  const { outer, name } = imageInView(view, tid);
  if (name !== pending.image) return `it is ${printable(name)}`;
  const files = mappedFiles(tid);
  if (typeof files === "number") return "it cannot be read";
  const image = mapped(outer);
  const loader = mapped(view.outerName(pending.loader));
  const other = files.find((path) => path !== image && path !== loader);
  if (other !== undefined) return `it has ${printable(other)} in memory`;
  // Its arguments are its own now: nobody else can change them any more.
  const { told } = pending;
  if (told === undefined || isTold(readArguments(tid, sp() + 8), told)) {
    return undefined;
  }
  return "it has other arguments";
}

/** Whether a loader is told to run what it was allowed to run. */
function isTold(now: Words, allowed: Words): boolean {
  const { words, whole } = allowed;
  return words.every((word, i) => now.words[i] === word) &&
    (!whole || now.whole && now.words.length === words.length);
}

/** How /proc/<pid>/maps spells a path: proc_pid_maps(5). */
function mapped(path: string): string {
  return path.replaceAll("\n", "\\012");
}
