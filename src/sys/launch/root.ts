/**
 * Making a directory the root of a program.
 *
 * Three ways are tried, each by doing it: a mount namespace with /proc, /sys and
 * /dev in the directory; chroot(2) alone; and a user namespace with such a mount
 * namespace, for whoever has no privilege. Nothing is mounted in the namespace
 * that jail was started in, and nothing is written to the directory.
 */

import { fromText, toCString } from "../../abi/bytes.ts";
import { type ErrnoName, errnoName, ESTALE } from "../../abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
} from "../../abi/fcntl.ts";
import { get } from "../../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../../abi/openat2.ts";
import { CLONE_NEWNS, CLONE_NEWUSER } from "../../abi/sched.ts";
import { S_IFDIR, S_IFMT, S_IFREG, STAT } from "../../abi/stat.ts";
import { eachName } from "../directory.ts";
import { close, fstatat, isSameFile, readLink } from "../files.ts";
import { OWN_VIEW, readMounts, View } from "../view.ts";
import { openAbove } from "./held_files.ts";
import { startMaker } from "./maker.ts";
import { mountSteps } from "./root_steps.ts";
import type { Step } from "./steps.ts";

/** How a directory is made the root. */
export type RootKind = "mount namespace" | "chroot" | "user namespace";

/** A way that did not work. */
export interface RootFailure {
  /** Which one. */
  readonly kind: RootKind;
  /** The call that failed. */
  readonly call: string;
  /** Why. */
  readonly errno: ErrnoName;
}

/** A directory that a program can have as its root. */
export interface Root {
  /** How. */
  readonly kind: RootKind;
  /** What is in there. */
  readonly view: View;
  /** The calls by which the launcher enters it. */
  readonly steps: readonly Step[];
  /** Gives it back, once the program is gone. */
  close(): void;
}

/** What a way needs. */
const WAYS: readonly (readonly [kind: RootKind, namespaces: number])[] = [
  ["mount namespace", CLONE_NEWNS],
  ["chroot", 0],
  ["user namespace", CLONE_NEWUSER + CLONE_NEWNS],
];

/** Directories one of which can be hidden, since no program sees it any more. */
const PLACES: readonly string[] = ["/tmp", "/run", "/mnt", "/var", "/etc"];

const DIRECTORY = O_PATH | O_DIRECTORY | O_CLOEXEC;
const HERE = toCString(".");

/**
 * Makes a directory one that a program can have as its root.
 *
 * @param directory its real path, a byte string, other than `/`
 * @returns the root, or what was tried in vain
 */
export function openRoot(directory: string): Root | readonly RootFailure[] {
  const failures: RootFailure[] = [];
  for (const [kind, namespaces] of WAYS) {
    const made = tryWay(kind, namespaces, directory);
    if ("steps" in made) return made;
    failures.push(made);
    // By another way, names in there would be those of a directory that moves.
    if (wasReplaced(made)) break;
  }
  return failures;
}

/**
 * Whether something could not be opened or mounted because it was removed or
 * replaced since somebody looked for it.
 *
 * @param failure what failed
 */
export function wasReplaced({ call, errno }: RootFailure): boolean {
  return ["open", "openat2", "mount"].includes(call) &&
    ["ELOOP", "ENOENT", "ENOTDIR", "ESTALE"].includes(errno);
}

/** Makes it in one way, by a process that is gone when this returns. */
function tryWay(
  kind: RootKind,
  namespaces: number,
  directory: string,
): Root | RootFailure {
  const fds: number[] = [];
  const keep = (path: string, flags: number, resolve = 0): number => {
    const fd = openAbove(path, flags | O_CLOEXEC, resolve);
    if (fd >= 0) fds.push(fd);
    return fd;
  };
  const fail = (call: string, result: number): RootFailure => {
    fds.forEach(close);
    return { kind, call, errno: errnoName(-result) };
  };
  const target = keep(directory, DIRECTORY, RESOLVE_NO_SYMLINKS);
  if (target < 0) return fail("open", target);
  const steps = namespaces === 0 ? enterSteps(target) : mountSteps(
    directory,
    placeBeside(directory),
    fromText(`jail-${crypto.randomUUID()}`),
    {
      has: (name) => isDirectory(new View(target, directory), `/${name}`),
      isHere: (path) => exists(path),
      ofTheMachine,
    },
  );
  const maker = startMaker(steps, namespaces);
  if ("errno" in maker) return fail(maker.call, maker.errno);
  try {
    if (namespaces === 0) {
      return {
        ...{ kind, view: new View(target, directory), steps },
        close: (): void => fds.forEach(close),
      };
    }
    const process = `/proc/${maker.pid}`;
    const root = keep(`${process}/root`, DIRECTORY);
    const mounts = keep(`${process}/ns/mnt`, 0);
    const name = readLink(`/proc/self/fd/${root}`);
    const setns: Step[] = [{ call: "setns", args: [mounts, CLONE_NEWNS] }];
    if ((namespaces & CLONE_NEWUSER) !== 0) {
      const user = keep(`${process}/ns/user`, 0);
      if (user < 0) return fail("open", user);
      setns.unshift({ call: "setns", args: [user, CLONE_NEWUSER] });
    }
    if (root < 0 || mounts < 0) return fail("open", Math.min(root, mounts));
    if (typeof name === "number") return fail("readlink", name);
    // It was mounted by its name, which may be another directory's by then.
    if (!isSameFile(root, target)) return fail("mount", -ESTALE);
    return {
      kind,
      view: new View(root, directory, { name, mounts: readMounts(maker.pid) }),
      steps: [...setns, ...enterSteps(root)],
      close: (): void => fds.forEach(close),
    };
  } finally {
    maker.end();
  }
}

/**
 * The calls by which a directory is made the root.
 *
 * Who enters a mount namespace has the root of that, though whoever made it has
 * another one since a chroot(2).
 *
 * @param fd a descriptor of the directory
 */
export function enterSteps(fd: number): Step[] {
  return [
    { call: "fchdir", args: [fd] },
    { call: "chroot", args: [HERE] },
  ];
}

/** A directory that neither holds another one nor is in it. */
function placeBeside(directory: string): string {
  const isApart = (place: string): boolean =>
    !`${directory}/`.startsWith(`${place}/`) &&
    !`${place}/`.startsWith(`${directory}/`);
  return PLACES.find((place) =>
    isApart(place) && isDirectory(OWN_VIEW, place)
  ) ??
    "/usr";
}

function isDirectory(view: View, path: string): boolean {
  const fd = view.open(
    toCString(path),
    DIRECTORY | O_NOFOLLOW,
    RESOLVE_NO_SYMLINKS,
  );
  if (fd >= 0) close(fd);
  return fd >= 0;
}

function exists(path: string): boolean {
  const flags = O_PATH | O_CLOEXEC;
  const fd = OWN_VIEW.open(toCString(path), flags, RESOLVE_NO_SYMLINKS);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/**
 * The names in /proc that are not about processes and may be written. Among those
 * is `core_pattern`, which names a program that the kernel runs outside of every
 * root.
 */
function ofTheMachine(): string[] {
  const status = new Uint8Array(STAT.size);
  return [...eachName("/proc")].filter((name) => {
    if (/^[0-9]+$/.test(name)) return false;
    const path = toCString(`/proc/${name}`);
    if (fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW) < 0) return false;
    const mode = get(STAT, status, "st_mode");
    const type = mode & S_IFMT;
    return type === S_IFDIR || type === S_IFREG && (mode & 0o222) !== 0;
  });
}
