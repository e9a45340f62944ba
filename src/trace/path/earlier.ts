/**
 * Errors that the kernel finds before it looks at a path.
 *
 * A call whose path leads nowhere fails for that, and jail does not make it. Its
 * flags, its mode or a size may be wrong as well, and the kernel looks at these
 * first. What it takes differs from one to the next, so the one that is there is
 * asked: by the same call of jail's own with a name beneath no descriptor, or with
 * no name, which can neither find nor make anything.
 */

import { EBADF, ENOENT } from "../../abi/errno.ts";
import {
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  RENAME_NOREPLACE,
} from "../../abi/fcntl.ts";
import { S_IFMT, S_IFREG } from "../../abi/stat.ts";
import type { ArgKind } from "../../abi/syscalls.ts";
import { addressOf } from "../../sys/address.ts";
import { makeCall } from "../../sys/call.ts";
import type { CallSpec } from "../look/spec.ts";
import type { Registers } from "../tracee/registers.ts";

const NAME = Uint8Array.of(0x78, 0);
const NO_NAME = Uint8Array.of(0);
const NO_DESCRIPTOR = BigInt.asUintN(64, -1n);

/** Whether an argument is one that no kernel refuses, so that none is asked. */
type Usual = (
  registers: Registers,
  at: number,
  args: readonly ArgKind[],
) => boolean;

/** What is looked at first, and what of it is usual. */
const FIRST: Readonly<Partial<Record<ArgKind, Usual>>> = {
  "access-mode": (registers, at) => registers.uint(at) <= 7,
  // What removes a link takes no flag for that.
  "at-flags": (registers, at, args) =>
    (registers.int(at) & ~AT_SYMLINK_NOFOLLOW) === 0 &&
    (registers.int(at) === 0 || !args.includes("write-link")),
  "at-flags-follow": (registers, at) =>
    (registers.int(at) & ~AT_SYMLINK_FOLLOW) === 0,
  "rename-flags": (registers, at) =>
    (registers.int(at) & ~RENAME_NOREPLACE) === 0,
  "mode": (registers, at) => [0, S_IFREG].includes(registers.int(at) & S_IFMT),
  "int": (registers, at) => registers.int(at) > 0,
  "uint": (registers, at) => registers.int(at) >= 0,
  "offset": (registers, at) => BigInt.asIntN(64, registers.whole(at)) >= 0n,
};

/** What else there may be in such a call: the others' pointers lead to memory. */
const OTHERS: ReadonlySet<ArgKind> = new Set<ArgKind>([
  ...["dirfd", "buf", "timespec", "uid", "gid", "dev"] as const,
]);

/**
 * What the kernel finds wrong with a call before it looks at a path.
 *
 * @param registers the registers at its entry
 * @param spec which call it is
 * @param ofDescriptor whether it is about a descriptor: its `AT_*` are no matter then
 * @returns an errno, or 0 for nothing, and where that cannot be asked
 */
export function earlierErrno(
  registers: Registers,
  { syscall: { args }, paths }: CallSpec,
  ofDescriptor: boolean,
): number {
  // First what nearly all calls stop at: files that are not there are looked for often.
  const isUsual = args.every((kind, at) =>
    ofDescriptor && kind === "at-flags" ||
    FIRST[kind]?.(registers, at, args) !== false
  );
  if (isUsual) return 0;
  const isPath = (at: number): boolean => paths.some(({ arg }) => arg === at);
  const canAsk = args.every((kind, at) =>
    FIRST[kind] !== undefined || OTHERS.has(kind) || isPath(at)
  );
  if (!canAsk) return 0;
  const hasDescriptor = args.includes("dirfd");
  const name = BigInt(addressOf(hasDescriptor ? NAME : NO_NAME));
  const words = args.map((kind, at) =>
    isPath(at)
      ? name
      : kind === "dirfd"
      ? NO_DESCRIPTOR
      : kind === "buf" || kind === "timespec" ||
          ofDescriptor && kind === "at-flags"
      ? 0n
      : registers.whole(at)
  );
  const errno = -makeCall(registers.nr, words);
  return errno === EBADF || errno === ENOENT ? 0 : errno;
}
