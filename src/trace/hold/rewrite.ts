/** Changes a call in a tracee's registers, so that the kernel uses what was checked. */

import type { Arch, ArchName } from "../../abi/arch.ts";
import {
  EACCES,
  EFAULT,
  ENAMETOOLONG,
  ENOSYS,
  EOPNOTSUPP,
} from "../../abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_TMPFILE,
} from "../../abi/fcntl.ts";
import { PATH_MAX } from "../../abi/limits.ts";
import {
  MAP_ANONYMOUS,
  MAP_FIXED_NOREPLACE,
  MAP_PRIVATE,
  PROT_READ,
} from "../../abi/mman.ts";
import { OPEN_HOW, RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { PIN_SIZE, PIN_START } from "../../abi/pin.ts";
import { type SyscallName, SYSCALLS } from "../../abi/syscalls.ts";
import { isWithin } from "../../policy/path/within.ts";
import { MARK } from "../../policy/plan/answered.ts";
import { realAddress } from "../look/address.ts";
import type { Looked, LookedPath } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import { resolveBase } from "../path/magic.ts";
import { linkTo, type Place, processOf } from "../path/place.ts";
import { HOW_BEFORE_PATH } from "../tracee/pin.ts";
import type { Registers } from "../tracee/registers.ts";
import { ownerOf, type Tracee } from "../tracee/tracee.ts";
import { BY_PATH } from "./by_path.ts";
import { isLinkless, type KernelPath, withoutLinks } from "./linkless.ts";
import { keepsMeaning } from "./unseen.ts";

/** What pinning a call depends on besides the call. */
export interface PinOptions {
  /** Whether nobody else can change where the tracee is. */
  readonly staysThere: boolean;
  /** Whether whoever else would change it waits for a call that rests on it. */
  readonly isKeptThere: boolean;
  /** Whether an open stays the call that it is. */
  readonly keepsNumber: boolean;
}

/** How long a rest is, in milliseconds. */
const REST_MS = 10;

/** Changes calls. */
export class Rewriter {
  readonly #arch: ArchName;
  readonly #mmap: number;
  readonly #openat2: number;
  readonly #sendmsg: number;
  readonly #sendmmsg: number;
  readonly #open: number;
  readonly #poll: number;
  readonly #write: number;
  readonly #writev: number;
  readonly #pwrite: number;
  readonly #pwritev2: number;

  /**
   * Makes one.
   *
   * @param arch the machine's half of the calling convention
   */
  constructor(arch: Arch) {
    this.#arch = arch.name;
    this.#mmap = SYSCALLS.mmap[arch.name] as number;
    this.#openat2 = SYSCALLS.openat2[arch.name] as number;
    this.#sendmsg = SYSCALLS.sendmsg[arch.name] as number;
    this.#sendmmsg = SYSCALLS.sendmmsg[arch.name] as number;
    this.#open = SYSCALLS.open[arch.name] ?? -1;
    this.#poll = SYSCALLS.poll[arch.name] ?? -1;
    this.#write = SYSCALLS.write[arch.name] as number;
    this.#writev = SYSCALLS.writev[arch.name] as number;
    this.#pwrite = SYSCALLS.pwrite64[arch.name] as number;
    this.#pwritev2 = SYSCALLS.pwritev2[arch.name] as number;
  }

  /**
   * Makes a call that writes a vector write one piece of memory.
   *
   * @param registers those of a writev(2), pwritev(2) or pwritev2(2)
   * @param base where the piece is
   * @param length how many bytes of it
   * @returns 0, or the negated errno that the call fails with
   */
  writeFirst(registers: Registers, base: number, length: number): number {
    const hasFlags = registers.nr === this.#pwritev2;
    if (hasFlags && registers.uint(5) !== 0) return -EOPNOTSUPP;
    // An offset of -1 means where the file is at.
    const here = registers.nr === this.#writev ||
      hasFlags && registers.int(3) === -1 && registers.address(3) > 2 ** 63;
    registers.nr = here ? this.#write : this.#pwrite;
    registers.setArgument(1, base);
    registers.setArgument(2, length);
    return 0;
  }

  /** Makes a call one that waits for a moment, and for nothing. */
  rest(registers: Registers): void {
    registers.nr = this.#poll;
    registers.setArgument(0, 0);
    registers.setArgument(1, 0);
    registers.setArgument(2, REST_MS);
  }

  /** Makes a call the one that maps the pinned pages. */
  mapPins(registers: Registers): void {
    registers.nr = this.#mmap;
    registers.setArgument(0, PIN_START);
    registers.setArgument(1, PIN_SIZE);
    registers.setArgument(2, PROT_READ);
    registers.setArgument(
      3,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
    );
    registers.setArgument(4, -1);
    registers.setArgument(5, 0);
  }

  /**
   * Copies what was checked to a slot, and makes the call take it from there.
   *
   * @param tracee whose call it is
   * @param registers its registers, which are changed
   * @param spec the call
   * @param looked what was checked
   * @param slot the slot
   * @param options what it depends on besides
   * @returns 0, or the negated errno that the call fails with
   */
  pin(
    tracee: Tracee,
    registers: Registers,
    spec: CallSpec,
    looked: Looked,
    slot: number,
    { staysThere, isKeptThere, keepsNumber }: PinOptions,
  ): number {
    const { pins } = tracee.space;
    if (spec.treatment === "message") {
      return keepsNumber && registers.nr === this.#sendmmsg
        ? -ENOSYS
        : this.#pinMessage(tracee, registers, looked, slot, isKeptThere);
    }
    if (looked.address !== undefined) {
      return pinAddress(tracee, registers, spec, looked, slot, isKeptThere);
    }
    if (looked.byPath) this.#nameFile(registers, spec);
    for (const [index, path] of looked.paths.entries()) {
      // A magic link names the task that is meant: "self" would be the tracee.
      if (path.place.via.startsWith("/proc/self/")) return -EACCES;
      const opens = looked.open !== undefined;
      if (opens && isPipeOfOther(tracee, path.place)) return -EACCES;
      if (isDescriptorAlone(registers, path)) continue;
      const near = staysThere
        ? pathFromThere(tracee, registers, spec, path)
        : undefined;
      const real = near ?? kernelPath(registers, spec, path);
      const { lead, text }: KernelPath = isLinkless(spec, looked, keepsNumber)
        ? withoutLinks(tracee, registers, path, real)
        : { text: real };
      const leads = path.place.via !== "";
      if (leads && WHERE_IT_IS_REGEXP.test(text)) {
        const own = text.startsWith(`/proc/${tracee.tid}/`);
        const rests = isKeptThere && CWD_REGEXP.test(text) &&
          tracee.directories.moving.size === 0;
        if (!own || !staysThere && !rests) return -EACCES;
        looked.rests = !staysThere;
      }
      const length = text.length + (lead?.length ?? 0);
      if (length >= PATH_MAX) return -ENAMETOOLONG;
      const becomesOpenat2 = !keepsNumber || spec.syscall.name === "openat2";
      if (looked.open !== undefined && becomesOpenat2) {
        return this.#pinOpen(tracee, registers, looked, path, text, slot);
      }
      const which = index === 0 ? 0 : 1;
      const address = pins.putPath(tracee.tid, slot, which, text, lead);
      if (address < 0) return -EFAULT;
      registers.setArgument(path.arg, address);
      if (looked.open !== undefined) {
        this.#setFlags(registers, spec, openFlags(looked));
      }
    }
    const { beside } = looked;
    if (beside === undefined) return 0;
    const address = pins.putPath(tracee.tid, slot, 1, beside.written);
    if (address < 0) return -EFAULT;
    registers.setArgument(beside.arg, address);
    return 0;
  }

  /**
   * Makes a call by a descriptor the one that does the same by a path, and follows no
   * link that has come there.
   */
  #nameFile(
    registers: Registers,
    { syscall, treatment, paths: [path] }: CallSpec,
  ): void {
    const name = BY_PATH.get(syscall.name) as SyscallName;
    registers.nr = SYSCALLS[name][this.#arch] as number;
    const flags = path?.flags ?? syscall.args.length + 1;
    if (treatment === "descriptor") {
      for (let to = flags - 1; to > 1; to--) {
        registers.setWhole(to, registers.whole(to - 1));
      }
    }
    registers.setArgument(flags, AT_SYMLINK_NOFOLLOW);
    registers.setArgument(0, AT_FDCWD);
    // No NULL: it has a path.
    registers.setArgument(1, PIN_START);
  }

  /**
   * Makes any call that sends messages a sendmsg(2) of its first one. Fewer than
   * all is what sendmmsg(2) may always do, and it could not write to the pages
   * how many bytes were sent.
   */
  #pinMessage(
    tracee: Tracee,
    registers: Registers,
    looked: Looked,
    slot: number,
    isKeptThere: boolean,
  ): number {
    const [message] = looked.messages;
    // sendmmsg(2) of no message sends none.
    if (message === undefined) return 0;
    const { path } = message;
    const name = realAddress(message.name, path) ??
      writtenAddress(tracee, looked, message.name, path, isKeptThere);
    if (name === undefined) return -ENAMETOOLONG;
    const address = tracee.space.pins.putMessage(
      tracee.tid,
      slot,
      message.header,
      name,
      message.control,
    );
    if (address < 0) return -EFAULT;
    if (registers.nr === this.#sendmmsg) {
      registers.nr = this.#sendmsg;
      registers.setArgument(2, registers.uint(3));
    }
    registers.setArgument(1, address);
    return 0;
  }

  /** Changes the flags of an open that has them in a register. */
  #setFlags(registers: Registers, spec: CallSpec, flags: number): void {
    const { name, args } = spec.syscall;
    // Without what it would make it may look like an open that jail answers.
    registers.setArgument(MARK.arg, MARK.value);
    if (name !== "creat") {
      registers.setArgument(args.indexOf("open-flags"), flags);
      return;
    }
    registers.nr = this.#open;
    registers.setArgument(2, registers.uint(1));
    registers.setArgument(1, flags);
  }

  /** Makes any open an openat2 whose flags are pinned as well. */
  #pinOpen(
    tracee: Tracee,
    registers: Registers,
    looked: Looked,
    { dirfd, place }: LookedPath,
    text: string,
    slot: number,
  ): number {
    const flags = openFlags(looked);
    const address = tracee.space.pins.putOpen(tracee.tid, slot, text, {
      flags,
      mode: (flags & CREATES) === 0 ? 0 : looked.open?.mode ?? 0,
      // What is reached through a magic link stays that: those that could change it
      // are stopped.
      resolve: linkTo(place) === "" ? RESOLVE_NO_SYMLINKS : 0,
    });
    if (address < 0) return -EFAULT;
    registers.nr = this.#openat2;
    if (dirfd < 0 || text.startsWith("/")) registers.setArgument(0, AT_FDCWD);
    registers.setArgument(1, address);
    registers.setArgument(2, address - HOW_BEFORE_PATH);
    registers.setArgument(3, OPEN_HOW.size);
    return 0;
  }
}

/**
 * A pipe of another process, which it may take long to open: that process could
 * be gone by then, and its id another's.
 */
function isPipeOfOther(
  { process, tid }: Tracee,
  { via, path, was }: Place,
): boolean {
  return (path.startsWith("pipe:") || was === "fifo") &&
    ![process.pid, tid].includes(processOf(via));
}

/** O_CREAT, or what O_TMPFILE has beside O_DIRECTORY: there is a mode. */
const CREATES = O_CREAT | O_TMPFILE & ~O_DIRECTORY;

/**
 * The flags of an open, so that it finds what was there when the policy was
 * asked: a file, which must not be made now, or none, which must not be opened.
 * One that finds something else is tried again.
 */
function openFlags({ open, paths, makes }: Looked): number {
  const flags = open?.flags ?? 0;
  if (makes) return flags | O_EXCL;
  const mayCreate = paths[0]?.place.kind === "missing" ||
    (flags & O_EXCL) !== 0;
  return mayCreate ? flags : flags & ~O_CREAT;
}

/** Copies a socket address, what has an id, or a time to wait, to a slot. */
function pinAddress(
  tracee: Tracee,
  registers: Registers,
  spec: CallSpec,
  looked: Looked,
  slot: number,
  isKeptThere: boolean,
): number {
  const { address: given = new Uint8Array(0), paths: [path] } = looked;
  const written = (): Uint8Array | undefined =>
    writtenAddress(tracee, looked, given, path, isKeptThere);
  const keepsName = spec.syscall.name === "bind" &&
    path?.place.through === undefined;
  const bytes = keepsName
    ? written() ?? realAddress(given, path)
    : realAddress(given, path) ?? written();
  if (bytes === undefined) return -ENAMETOOLONG;
  const address = tracee.space.pins.putBytes(tracee.tid, slot, bytes);
  if (address < 0) return -EFAULT;
  registers.setArgument(spec.address, address);
  if (spec.treatment === "address") {
    registers.setArgument(spec.address + 1, bytes.length);
  }
  return 0;
}

/**
 * An address with a path as it was written: for bind(2), since it is what a socket is
 * called from then on, unless links lead there, which somebody outside could turn; and
 * where the real path is too long for one.
 *
 * @returns `undefined` where it could come to mean another file
 */
function writtenAddress(
  tracee: Tracee,
  looked: Looked,
  given: Uint8Array,
  path: LookedPath | undefined,
  isKeptThere: boolean,
): Uint8Array | undefined {
  if (path === undefined) return given;
  if (!keepsMeaning(tracee, path, isKeptThere)) return undefined;
  looked.rests = !path.written.startsWith("/");
  return given;
}

/**
 * A working directory or a root that has no path, by its magic link. Another task with
 * the same root could change it, and so could another task its own; who would change
 * the same working directory waits.
 */
const WHERE_IT_IS_REGEXP =
  /^\/proc\/[0-9]+(?:\/task\/[0-9]+)?\/(?:cwd|root)(?:\/\.)?$/;

const CWD_REGEXP = /\/cwd(?:\/\.)?$/;

/** Paths whose last part is no name, so that no link is meant. */
const NAMELESS_REGEXP = /(?:^|\/)\.?$/;

/**
 * Whether there is NULL in place of a path, which means the descriptor. Without one
 * it means the working directory, which another thread may change.
 */
function isDescriptorAlone(
  registers: Registers,
  { arg, dirfd }: LookedPath,
): boolean {
  return registers.address(arg) === 0 && dirfd >= 0 &&
    registers.int(dirfd) !== AT_FDCWD;
}

/** The path that the kernel is given instead of the tracee's. */
function kernelPath(
  registers: Registers,
  spec: CallSpec,
  path: LookedPath,
): string {
  const { written, place, dirfd } = path;
  // By the name that it was given a script knows itself, so an exec keeps it;
  // the new image is looked at afterwards.
  if (spec.treatment === "exec") return written;
  // The descriptor itself is meant, and nobody can change it meanwhile. The
  // working directory is none.
  const byDescriptor = written === "" && dirfd >= 0 &&
    registers.int(dirfd) !== AT_FDCWD;
  if (byDescriptor) return "";
  // Or the magic link itself would be meant by who follows no link.
  const isNameless = place.via !== "" && NAMELESS_REGEXP.test(written);
  return isNameless ? `${place.via}/.` : realPath(place);
}

/**
 * The real path from where a path starts, if it leads to what is beneath: whoever has
 * given up rights may not search what is above.
 */
function pathFromThere(
  tracee: Tracee,
  registers: Registers,
  { treatment }: CallSpec,
  { written, place, dirfd }: LookedPath,
): string | undefined {
  const starts = written !== "" && !written.startsWith("/") &&
    linkTo(place) === "" && treatment !== "exec" && !tracee.view.leaks;
  if (!starts) return undefined;
  const at = dirfd < 0 ? AT_FDCWD : registers.int(dirfd);
  const { start = resolveBase(ownerOf(tracee), at).path } = place;
  if (!start.startsWith("/") || !isWithin(place.path, start)) return undefined;
  const rest = realPath(place).slice(start === "/" ? 1 : start.length + 1);
  if (rest !== "") return rest;
  // No other call takes a directory by no name that has one.
  return treatment === "open" ? "." : undefined;
}

function realPath({ path, slash, via, by = path }: Place): string {
  if (via !== "") return via;
  return slash ? `${by}/` : by;
}
