/**
 * Exec: what is checked before, and what is looked at again afterwards.
 *
 * The kernel reads the path, the script's first line and the ELF interpreter's
 * name after the tracer did. Where another tracee could have changed one of
 * them meanwhile, the new image is looked at before its first instruction, and
 * ended where it is not the one that was allowed.
 */

import { fromBytes } from "../abi/bytes.ts";
import { AT_FDCWD } from "../abi/fcntl.ts";
import { readFile } from "../sys/files.ts";
import { readMemory } from "../sys/memory.ts";
import { type Image, inspect, isLoader, loadedProgram } from "./image.ts";
import {
  follows,
  type IsOwn,
  lookAtPath,
  type Looked,
  nothing,
  readPath,
  useOf,
} from "./look.ts";
import type { Registers } from "./registers.ts";
import { type Place, readLink } from "./place.ts";
import { resolve } from "./resolve.ts";
import type { CallSpec, PathArg } from "./spec.ts";
import type { PendingExec, Tracee } from "./tracee.ts";

/** What an exec would do, and what must be there when it has. */
export interface LookedExec {
  /** What it would do. */
  readonly looked: Looked;
  /** What must be there afterwards; `undefined` where the exec cannot work. */
  readonly pending: PendingExec | undefined;
}

/** Most arguments of a loader that are looked at. */
const MAX_ARGUMENTS = 256;

/** Looks at an exec. */
export function lookAtExec(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  isOwn: IsOwn,
): LookedExec {
  const looked = nothing();
  const path = spec.paths[0] as PathArg;
  const place = lookAtPath(
    looked,
    tracee,
    registers,
    path,
    path.kind,
    follows(registers, spec, path),
    isOwn,
  );
  if (place === undefined || place.path === "") {
    return { looked, pending: undefined };
  }
  use(looked, place, "run", isOwn);
  // What is no file cannot be executed: the kernel says so.
  if (looked.errno !== 0 || place.kind !== "file" && place.kind !== "object") {
    return { looked, pending: undefined };
  }
  const owner = { pid: tracee.process.pid, tid: tracee.tid };
  const find = (name: string): Place =>
    resolve(owner, AT_FDCWD, name, true, isOwn);
  const image: Image = inspect(place, find);
  for (const interpreter of image.interpreters) {
    use(looked, interpreter, "run", isOwn);
  }
  if (image.loader !== undefined) {
    // Only a loader by its name is loaded as one: any other program would run.
    const access = isLoader(image.loader.path) ? "load" : "run";
    use(looked, image.loader, access, isOwn);
  }
  looked.errno ||= image.errno;
  const program = lookAtLoader(looked, tracee, registers, spec, image, find);
  if (program !== undefined) use(looked, program, "run", isOwn);
  return {
    looked,
    pending: {
      image: image.binary.path,
      loader: image.loader?.path ?? "",
      verify: false,
    },
  };
}

function use(
  looked: Looked,
  place: Place,
  access: "run" | "load",
  isOwn: IsOwn,
): void {
  looked.uses.push(useOf(place, access, isOwn));
}

/** `ld.so prog` runs prog: it must be one that may be run. */
function lookAtLoader(
  looked: Looked,
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  image: Image,
  find: (name: string) => Place,
): Place | undefined {
  if (!isLoader(image.binary.path) || image.loader !== undefined) {
    return undefined;
  }
  const argv = spec.syscall.args.indexOf("argv");
  const words = readArguments(tracee.tid, registers.address(argv));
  const program = words === undefined ? undefined : loadedProgram(words);
  if (program === "") return undefined;
  if (program === undefined) {
    looked.never = "what the dynamic loader would run cannot be told";
    return undefined;
  }
  return find(program);
}

const pointers = new Uint8Array(8 * MAX_ARGUMENTS);
const pointerView = new DataView(pointers.buffer);

/** Reads an array of strings; `undefined` where it cannot all be read. */
function readArguments(tid: number, address: number): string[] | undefined {
  const words: string[] = [];
  for (let i = 0; i < MAX_ARGUMENTS; i++) {
    const item = pointers.subarray(8 * i, 8 * i + 8);
    if (readMemory(tid, address + 8 * i, item, 8) !== 8) return undefined;
    const pointer = pointerView.getUint32(8 * i + 4, true) * 2 ** 32 +
      pointerView.getUint32(8 * i, true);
    if (pointer === 0) return words;
    const word = readPath(tid, pointer);
    if (typeof word === "number") return undefined;
    words.push(word);
  }
  return undefined;
}

/** What a process runs, as a byte string; "" where it cannot be told. */
export function imageOf(tid: number): string {
  const path = readLink(AT_FDCWD, `/proc/${tid}/exe`);
  return typeof path === "number" ? "" : path;
}

/**
 * Whether a new image is the one that was allowed.
 *
 * @param tid the tracee, at its exec event
 * @param sp its stack pointer, where its arguments are
 * @param pending what must be there
 * @returns what is there instead, or `undefined`
 */
export function unexpectedImage(
  tid: number,
  sp: number,
  pending: PendingExec,
): string | undefined {
  if (!pending.verify) return undefined;
  const image = imageOf(tid);
  if (image !== pending.image) return image;
  const maps = readFile(`/proc/${tid}/maps`, 1 << 20);
  if (typeof maps === "number") return "an image that cannot be read";
  for (const line of fromBytes(maps).split("\n")) {
    // address perms offset dev inode path
    const path = /^\S+ \S+ \S+ \S+ \S+ +(\/.*)$/.exec(line)?.[1];
    if (path === undefined) continue;
    if (path !== pending.image && path !== pending.loader) return path;
  }
  // Its arguments are the image's own now: look again at what ld.so is told.
  if (isLoader(image) && pending.loader === "") {
    return `${image} ${readArguments(tid, sp + 8)?.join(" ") ?? ""}`;
  }
  return undefined;
}
