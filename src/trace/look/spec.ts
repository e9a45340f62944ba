/** What the tracer has to look at in each call, made from the table's rows. */

import type { ArchName } from "../../abi/arch.ts";
import { isPathKind, PATHS } from "../../abi/paths.ts";
import {
  type ArgKind,
  type PathKind,
  type Syscall,
  syscallByNumber,
  type SyscallName,
} from "../../abi/syscalls.ts";

/** A path argument: where it is, where it starts from, how it is followed. */
export interface PathArg {
  /** Index of the argument that points to the path. */
  readonly arg: number;
  /** Index of the directory's descriptor; -1 where the path starts at the cwd. */
  readonly dirfd: number;
  /** What the table calls it. */
  readonly kind: PathKind;
  /** Whether a link in the last place is followed, unless flags say otherwise. */
  readonly follow: boolean;
  /** Index of the `AT_*` flags that go with it; -1 where there are none. */
  readonly flags: number;
  /** Whether the call changes, or looks into, what must be there already. */
  readonly mustExist: boolean;
  /** Whether the call makes, moves or removes the name in its directory. */
  readonly names: boolean;
  /**
   * Where no path at all, NULL, means the descriptor's own file: for each descriptor,
   * or with `AT_EMPTY_PATH` alone, and then for the working directory as well.
   */
  readonly takesNull: "never" | "descriptor" | "flagged";
}

/** How the tracer treats a call. */
export type Treatment =
  /** It opens a file: open, openat, openat2, creat. */
  | "open"
  /** It executes one. */
  | "exec"
  /** It names files. */
  | "paths"
  /** It changes a file, or looks into it, through a descriptor. */
  | "descriptor"
  /** It has a socket address, which may be a path. */
  | "address"
  /** It sends messages, each of which may have one. */
  | "message"
  /** It makes a socket. */
  | "socket"
  /** It lets a socket listen. */
  | "listen"
  /** It sets an option of a socket, which could get what is for others. */
  | "option"
  /** It ends, sets or waits for a socket, by which others could hear. */
  | "hears"
  /** It has the owner of a file signalled. */
  | "async"
  /** It stops or drops the output of a terminal. */
  | "flow"
  /** It sets how a terminal is read, or sends something by a line. */
  | "modes"
  /** It names a process or a group in memory. */
  | "id"
  /** It names a process by a descriptor. */
  | "pidfd"
  /** It waits, and would tell how much of its time is left. */
  | "timeout"
  /** It aims at processes by id. */
  | "process"
  /** Its name and its constant arguments are all there is to see. */
  | "plain";

/** What the tracer has to look at in one call. */
export interface CallSpec {
  /** The table's row. */
  readonly syscall: Syscall;
  /** How it is treated. */
  readonly treatment: Treatment;
  /** The paths that it names. */
  readonly paths: readonly PathArg[];
  /**
   * Index of the socket address, which its length follows, of what has an id, or
   * of the time to wait; -1 for none.
   */
  readonly address: number;
  /** Index of the descriptor whose file it changes or looks into; -1 for none. */
  readonly fd: number;
  /** Index of the argument whose process id it aims at; -1 for none. */
  readonly pid: number;
  /** Whether it only asks what may be done. */
  readonly asks: boolean;
  /** Whether it can make or move a link, and so change what a path means. */
  readonly movesLinks: boolean;
}

/** Calls whose path is that of what they make. */
const MAKES: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "mkdir",
  "mkdirat",
  "mknod",
  "mknodat",
  "symlink",
  "symlinkat",
]);
/** Calls whose path is that of what they remove. */
const REMOVES: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "rmdir",
  "unlink",
  "unlinkat",
]);
/** What takes NULL for a descriptor: do_utimes() in fs/utimes.c. */
const TAKES_NULL: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "futimesat",
  "utimensat",
]);
/** What takes NULL with a flag: getname_maybe_null() in fs/namei.c. */
const TAKES_NULL_FLAGGED: ReadonlySet<SyscallName> = new Set<SyscallName>([
  ...["newfstatat", "statx", "file_getattr", "file_setattr"] as const,
  ...["getxattrat", "listxattrat", "setxattrat", "removexattrat"] as const,
]);
const MOVES_LINKS: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "link",
  "linkat",
  "rename",
  "renameat",
  "renameat2",
  "symlink",
  "symlinkat",
]);

const AIMS: ReadonlySet<ArgKind> = new Set<ArgKind>([
  "pid",
  "tid",
  "pgid",
  "who",
]);

function pathsOf(syscall: Syscall): PathArg[] {
  const paths: PathArg[] = [];
  let dirfd = -1;
  syscall.args.forEach((kind, arg) => {
    if (kind === "dirfd") dirfd = arg;
    if (!isPathKind(kind)) return;
    const facts = PATHS[kind];
    // linkat's flags are about what is linked, not about the new name.
    const flags = kind === "link-to"
      ? -1
      : syscall.args.findIndex((k, i) =>
        i > arg &&
        (k === "at-flags" || k === "at-flags-follow" || k === "inotify-mask")
      );
    const makes = MAKES.has(syscall.name);
    paths.push({
      arg,
      dirfd,
      kind,
      follow: facts.follow,
      flags,
      mustExist: facts.mustExist && !makes,
      names: facts.names || makes || REMOVES.has(syscall.name),
      takesNull: TAKES_NULL.has(syscall.name)
        ? "descriptor"
        : TAKES_NULL_FLAGGED.has(syscall.name)
        ? "flagged"
        : "never",
    });
    dirfd = -1;
  });
  return paths;
}

function treatmentOf(syscall: Syscall, paths: readonly PathArg[]): Treatment {
  const kinds = syscall.args;
  if (kinds.includes("open-path")) return "open";
  if (kinds.includes("run-path")) return "exec";
  if (paths.length > 0) return "paths";
  if (kinds.includes("write-fd") || kinds.includes("read-fd")) {
    return "descriptor";
  }
  if (kinds.includes("sockaddr")) return "address";
  if (kinds.includes("msghdr") || kinds.includes("mmsghdr")) return "message";
  if (syscall.name === "socket" || syscall.name === "listen") {
    return syscall.name;
  }
  if (kinds.includes("cap-header")) return "id";
  if (kinds.some((k) => AIMS.has(k))) return "process";
  return "plain";
}

/** Makes what the tracer has to look at in one call from its row. */
export function specOf(syscall: Syscall): CallSpec {
  const paths = pathsOf(syscall);
  return {
    syscall,
    treatment: treatmentOf(syscall, paths),
    paths,
    address: syscall.args.findIndex((k) =>
      k === "sockaddr" || k === "cap-header"
    ),
    fd: syscall.args.findIndex((k) => k === "write-fd" || k === "read-fd"),
    pid: syscall.args.findIndex((k) => AIMS.has(k)),
    asks: syscall.args.includes("access-mode"),
    movesLinks: MOVES_LINKS.has(syscall.name),
  };
}

/** All calls of a machine, each made when it is first asked for. */
export class Specs {
  readonly #arch: ArchName;
  readonly #known: (CallSpec | undefined)[] = [];

  /**
   * Makes them.
   *
   * @param arch the machine's architecture
   */
  constructor(arch: ArchName) {
    this.#arch = arch;
  }

  /** The call of a number; `undefined` where the table has none. */
  at(number: number): CallSpec | undefined {
    return this.#known[number] ?? this.#make(number);
  }

  #make(number: number): CallSpec | undefined {
    const syscall = syscallByNumber(this.#arch, number);
    if (syscall === undefined) return undefined;
    return this.#known[number] = specOf(syscall);
  }
}
