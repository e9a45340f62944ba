/**
 * Calls that the tracer answers in place of the kernel, where it may.
 *
 * They look at a file, or open it for reading, and leave it as it is. Who makes
 * one waits in the kernel (seccomp_unotify(2)), which costs less than a stop, and
 * the answer is about the very file that was judged. What is unusual about such a
 * call stops it, as does what the tracer finds: it marks the call then, and has
 * it made again.
 */

import {
  AT_EACCESS,
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_STATX_SYNC_TYPE,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_DIRECTORY,
  O_LARGEFILE,
  O_NOCTTY,
  O_NOFOLLOW,
  O_NONBLOCK,
  R_OK,
  W_OK,
  X_OK,
} from "../../abi/fcntl.ts";
import { PR_CAPBSET_DROP } from "../../abi/prctl.ts";
import { STATX__RESERVED } from "../../abi/stat.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import {
  type ArgIndex,
  type ArgTest,
  bits,
  type FilterAction,
  type Guard,
  is,
  otherBits,
  TRACE,
} from "./guard.ts";
import type { CallEntry } from "./plan.ts";

/** The argument that none of these calls has, and what is there in a marked one. */
export const MARK: { readonly arg: ArgIndex; readonly value: number } = {
  arg: 5,
  value: 0x6a61_696c,
};

/** The flags of an open that only reads. */
const READS = O_CLOEXEC | O_DIRECTORY | O_LARGEFILE | O_NOCTTY | O_NOFOLLOW |
  O_NONBLOCK;
/** What access(2) may ask about. */
const MODES = R_OK | W_OK | X_OK;
const NAMES = AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW;

/** What is unusual about each of these calls. */
const UNUSUAL: Readonly<Partial<Record<SyscallName, readonly ArgTest[]>>> = {
  access: [otherBits(1, MODES)],
  faccessat: [otherBits(2, MODES)],
  faccessat2: [
    otherBits(2, MODES),
    otherBits(3, AT_EACCESS | AT_SYMLINK_NOFOLLOW),
  ],
  getxattr: [],
  lgetxattr: [],
  listxattr: [],
  llistxattr: [],
  lstat: [],
  newfstatat: [otherBits(3, NAMES | AT_EMPTY_PATH)],
  open: [otherBits(1, READS)],
  openat: [otherBits(2, READS)],
  readlink: [],
  readlinkat: [],
  stat: [],
  statx: [
    otherBits(2, NAMES | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE),
    bits(3, STATX__RESERVED),
  ],
};

const WAITS: FilterAction = {
  kind: "trace",
  look: { kind: "call" },
  waits: true,
};

/**
 * What happens to a call that the tracer may answer.
 *
 * @param name the call
 * @returns its last guards, and its action; `undefined` for one that must be made
 */
export function answeredEntry(
  name: SyscallName,
):
  | { readonly guards: readonly Guard[]; readonly action: FilterAction }
  | undefined {
  const unusual = UNUSUAL[name];
  if (unusual === undefined) return undefined;
  const stops = (why: string, test: ArgTest): Guard => ({
    tests: [test],
    action: TRACE,
    why,
  });
  return {
    guards: [
      stops("the tracer wants it to stop", is(MARK.arg, MARK.value)),
      ...unusual.map((test) => stops("it is an unusual look", test)),
    ],
    action: WAITS,
  };
}

const RIGHTS: FilterAction = { kind: "trace", look: { kind: "rights" } };
const MOVES: FilterAction = { kind: "trace", look: { kind: "moves" } };

/** Calls after which a process may do less to files than jail, or more. */
const CHANGES_RIGHTS: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "capset",
  "landlock_restrict_self",
  "lsm_set_self_attr",
  "setfsgid",
  "setfsuid",
  "setgid",
  "setgroups",
  "setregid",
  "setresgid",
  "setresuid",
  "setreuid",
  "setuid",
]);

/** Calls after which a process is elsewhere: what is known of where it is is kept. */
export const MOVING: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "chdir",
  "fchdir",
]);

/**
 * The same entry, with calls left to the tracer after which nobody can answer in
 * a process's place, or it is elsewhere. What refuses goes on to refuse.
 *
 * @param name the call
 * @param entry what happens to it
 */
export function withChanges(
  name: SyscallName,
  entry: CallEntry,
): CallEntry {
  const { guards, action } = entry;
  const changes = CHANGES_RIGHTS.has(name) ? RIGHTS : MOVES;
  const heard = (action: FilterAction): FilterAction =>
    action.kind === "allow" ? changes : action;
  if (CHANGES_RIGHTS.has(name) || MOVING.has(name)) {
    return {
      ...entry,
      guards: guards.map((guard) => ({
        ...guard,
        action: heard(guard.action),
      })),
      action: heard(action),
    };
  }
  if (name !== "prctl") return entry;
  // Its options are listed in one guard.
  const drops = is(0, PR_CAPBSET_DROP);
  return {
    ...entry,
    guards: guards.flatMap((guard) =>
      guard.action.kind === "allow"
        ? [{ ...guard, tests: [drops, ...guard.tests], action: RIGHTS }, guard]
        : [guard]
    ),
  };
}
