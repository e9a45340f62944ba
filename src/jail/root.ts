/** The root directory that a program gets: what is asked for, and what comes of it. */

import { printable, toCString } from "../abi/bytes.ts";
import { errnoName, EXDEV } from "../abi/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_PATH } from "../abi/fcntl.ts";
import { SystemCallError, UnsupportedError } from "../errors.ts";
import { close, open } from "../sys/files.ts";
import {
  openRoot,
  type Root,
  type RootFailure,
  wasReplaced,
} from "../sys/launch/root.ts";
import { OWN_VIEW } from "../sys/view.ts";

/** Where a program is whose root is jail's own. */
export const OWN_ROOT: Root = {
  kind: "chroot",
  view: OWN_VIEW,
  steps: [],
  close: (): void => {},
};

/**
 * Makes a directory one that a program can have as its root.
 *
 * @param directory the directory, an absolute path, a byte string
 * @returns the root, to be closed when the program is gone
 * @throws {SystemCallError} where there is no such directory
 * @throws {UnsupportedError} where this process may not do it
 */
export function enterRoot(directory: string): Root {
  const real = realDirectory(directory);
  if (real === "/") return OWN_ROOT;
  const root = openRoot(real);
  if ("steps" in root) return root;
  throw new UnsupportedError(
    `Cannot make ${printable(directory)} the root directory: ` +
      whyNot(root),
    root.some(wasReplaced)
      ? "it was removed or replaced meanwhile: start again"
      : "start jail as root, or let users make namespaces " +
        "(user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
  );
}

/** Each way that was tried, and why it did not work. */
export function whyNot(failures: readonly RootFailure[]): string {
  return failures.map(({ kind, call, errno }) =>
    kind === call
      ? `${kind}: ${errno}`
      : `${kind}: ${call} failed with ${errno}`
  ).join("; ");
}

function realDirectory(directory: string): string {
  const fd = open(toCString(directory), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  // What lies in mounts of somebody else's has the name of something here.
  const real = fd < 0 ? fd : OWN_VIEW.realpath(directory) ?? -EXDEV;
  if (typeof real === "string") return real;
  throw new SystemCallError(
    `make ${printable(directory)} the root directory`,
    "open()",
    errnoName(-real),
    real === -EXDEV
      ? "name a directory of the mount namespace that jail is in"
      : "name a directory",
  );
}
