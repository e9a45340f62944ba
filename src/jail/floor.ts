/** The floor of a policy on this machine, and what it rests on. */

import { fromText, printable, toCString } from "../abi/bytes.ts";
import { EACCES, ENAMETOOLONG } from "../abi/errno.ts";
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  W_OK,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import {
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  STAT,
} from "../abi/stat.ts";
import { UnsupportedError } from "../errors.ts";
import { type Floor, floorOf, NO_FLOOR } from "../policy/floor/floor.ts";
import {
  directoryAbove,
  type FloorFacts,
  type FloorKind,
} from "../policy/floor/grants.ts";
import { remembered } from "../policy/path/remembered.ts";
import type { Realpath } from "../policy/path/rules.ts";
import { isWithin, parentOf } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import type { TreeFacts } from "../policy/tree/facts.ts";
import { close, fstat } from "../sys/files.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { told } from "../sys/told.ts";
import type { View } from "../sys/view.ts";
import { inspect } from "../trace/image/image.ts";
import { type Place, place } from "../trace/path/place.ts";
import { variable } from "./program.ts";

/** Where loaders are by the ABI documents of their architectures. */
const LOADERS: readonly string[] = [
  "/lib64/ld-linux-x86-64.so.2",
  "/lib/ld-linux-aarch64.so.1",
  "/lib/ld-musl-x86_64.so.1",
  "/lib/ld-musl-aarch64.so.1",
];

/** Where files come and go, apart from the working directory. */
const CHANGING: readonly string[] = ["/run", "/tmp", "/var"];

/** What a floor depends on besides its policy. */
export interface FloorPlace {
  /** The program's environment. */
  readonly env: readonly string[];
  /** Its working directory. */
  readonly cwd: string;
  /** Its real path. */
  readonly program: string;
  /** Where its paths begin. */
  readonly view: View;
  /** Finds real paths there, where they are asked for elsewhere as well. */
  readonly realpath?: Realpath;
}

/**
 * Looks at the machine for a floor.
 *
 * @param at where the program runs
 * @param abi the version of Landlock to make it for
 * @returns the facts
 */
export function floorFacts(
  at: FloorPlace,
  abi: number,
): FloorFacts & Pick<TreeFacts, "isOutOfReach"> {
  const { view } = at;
  const realpath = at.realpath ?? remembered((path) => view.meant(path));
  const known: Known = {
    look: remembered((path) => look(view, path)),
    mayWrite: remembered((path) =>
      told(path, view.access(toCString(path), W_OK)) >= 0
    ),
  };
  const cwd = realpath(at.cwd) ?? at.cwd;
  const home = variable(at.env, "HOME");
  const tmp = variable(at.env, "TMPDIR") || "/tmp";
  // Nobody moves the directory away that he works in, or his home.
  const kept = [cwd, home, tmp].flatMap((path) =>
    path?.startsWith("/") ? [realpath(path) ?? path] : []
  );
  const changing = [...CHANGING, ...cwd === "/" ? [] : [cwd], tmp];
  return {
    abi,
    realpath,
    kind: (path) => known.look(path).kind,
    isOutOfReach: (path) => known.look(path).isOutOfReach === true,
    stays: (path) => stays(known, path, kept),
    changes: (path) =>
      path !== at.program && changing.some((above) => isWithin(path, above)),
    loaders: [
      ...new Set([
        ...LOADERS.map(fromText).map(realpath),
        loaderOf(view, at.program),
      ]),
    ]
      .filter((path) => path !== undefined),
  };
}

/**
 * Makes the floor of a run.
 *
 * @param policy the policy
 * @param at where the program runs
 * @param wanted whether to use Landlock
 * @returns the floor; one that holds nothing where there is no Landlock
 * @throws {UnsupportedError} where the policy cannot do without it
 */
export function floorFor(
  policy: Policy,
  at: FloorPlace,
  wanted: boolean,
): Floor {
  const abi = wanted ? landlockAbi() : 0;
  if (abi > 0) return floorOf(policy, floorFacts(at, abi));
  const [required] = policy.require;
  if (required === undefined) return NO_FLOOR;
  throw new UnsupportedError(
    `Cannot run under this policy: ${printable(required.source)} requires ` +
      (wanted ? "Landlock, and this kernel has none" : "Landlock"),
    wanted
      ? "use Linux 5.13 or newer, with landlock in the kernel's lsm= list"
      : "leave out --no-landlock",
  );
}

const stat = new Uint8Array(STAT.size);

/** What has a name, and on which device it is. */
interface Looked {
  readonly kind: FloorKind;
  readonly device: number;
  /** Whether something may be there that cannot be looked at. */
  readonly isOutOfReach?: boolean;
}

/** What the machine is asked about paths, once about each. */
interface Known {
  /** Looks at a path, and follows no link. */
  readonly look: (path: string) => Looked;
  /** Whether this process may write it. */
  readonly mayWrite: (path: string) => boolean;
}

/** Looks at what has a name; no link is followed. */
function look(view: View, path: string): Looked {
  const flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  const fd = told(path, view.open(toCString(path), flags, RESOLVE_NO_SYMLINKS));
  if (fd < 0) {
    const isOutOfReach = fd === -EACCES || fd === -ENAMETOOLONG;
    return { kind: "missing", device: -1, isOutOfReach };
  }
  try {
    if (fstat(fd, stat) < 0) {
      // Another user's server (FUSE) says nothing of what it serves; that its root
      // is a directory the kernel knows.
      const root = view.open(
        toCString(path),
        flags | O_DIRECTORY,
        RESOLVE_NO_SYMLINKS,
      );
      if (root < 0) return { kind: "missing", device: -1, isOutOfReach: true };
      close(root);
      return { kind: "directory", device: -1, isOutOfReach: true };
    }
    return {
      kind: kindOf(get(STAT, stat, "st_mode")),
      device: get(STAT, stat, "st_dev"),
    };
  } finally {
    close(fd);
  }
}

function kindOf(mode: number): FloorKind {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "link";
    case S_IFCHR:
    case S_IFBLK:
      return "device";
    default:
      return "file";
  }
}

/** Whether what a name means cannot be removed, or will not be. */
function stays(
  { look, mayWrite }: Known,
  path: string,
  kept: readonly string[],
): boolean {
  if (path === "/" || kept.some((one) => isWithin(one, path))) return true;
  // A device may be written, and not be replaced by something else.
  if (parentOf(path) === "/dev") return true;
  const { kind, device } = look(path);
  const above = directoryAbove(path, { kind: (path) => look(path).kind });
  const parent = look(above);
  if (kind !== "missing" && (above === "/" || device !== parent.device)) {
    return true;
  }
  return !mayWrite(above);
}

/** The real path of the loader of a program, where it has one. */
function loaderOf(view: View, program: string): string | undefined {
  const find = (path: string): Place =>
    place(view.realpath(path) ?? path, "file");
  const { errno, loader } = inspect(view, find(program), find);
  return errno === 0 ? loader?.path : undefined;
}
