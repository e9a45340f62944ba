/**
 * Whether what is mounted has changed, for whoever remembers something of it.
 *
 * What the kernel calls a file in a mount that is gone begins in that mount, and
 * looks like the name of another file. So a name is believed only where the mount
 * is still there once it has been read: one that is gone never comes back.
 */

import { toCString } from "../abi/bytes.ts";
import { O_CLOEXEC, O_RDONLY } from "../abi/fcntl.ts";
import { set } from "../abi/layout.ts";
import { POLLFD, POLLPRI } from "../abi/poll.ts";
import { close, open } from "./files.ts";
import { libc } from "./libc.ts";

const PATH = toCString("/proc/self/mountinfo");

const polled = new Uint8Array(POLLFD.size);
// A word of 64 bits: a number would take the slow path of Deno's calls.
const ONE = 1n;
let fd = -1;
let age = 0;

/** What {@linkcode heedMounts} said last. */
export function mountsAge(): number {
  return age;
}

/**
 * Looks whether something was mounted, or unmounted, since the last look:
 * proc_pid_mountinfo(5).
 *
 * @returns a number that stays the same as long as nothing was
 */
export function heedMounts(): number {
  if (fd < 0) {
    fd = open(PATH, O_RDONLY | O_CLOEXEC);
    set(POLLFD, polled, "fd", fd);
    set(POLLFD, polled, "events", POLLPRI);
    return ++age;
  }
  if (libc.poll(polled, ONE, 0) !== 0) age++;
  return age;
}

/** A directory is moved, perhaps with something that is mounted in it. */
export function heedMove(): void {
  age++;
}

/** Nobody looks any more: a thread of an embedder's process leaves nothing open. */
export function leaveMounts(): void {
  if (fd >= 0) close(fd);
  fd = -1;
  // What changes until somebody looks again is not seen.
  age++;
}
