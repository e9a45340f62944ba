/**
 * An event that tells of tasks that have stopped or ended.
 *
 * A thread that has more to wait for than its tracees cannot be blocked in
 * wait4(2). The kernel sends SIGCHLD at each change; its handler, a few
 * instructions of machine code, raises an eventfd, which poll(2) sees. A signal
 * that comes between a look and the next wait is not lost so.
 */

import { EFD_CLOEXEC, EFD_NONBLOCK } from "../../abi/epoll.ts";
import { errnoName } from "../../abi/errno.ts";
import { set } from "../../abi/layout.ts";
import {
  SA_NOCLDWAIT,
  SA_RESTART,
  SA_RESTORER,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SIGACTION,
  SIGCHLD,
  SIGSET_SIZE,
} from "../../abi/signal.ts";
import { SystemCallError } from "../../errors.ts";
import { codePage } from "../code_page.ts";
import { close, read } from "../files.ts";
import { callNumber } from "../host.ts";
import { HANDLER_WORD } from "../launch_code.ts";
import { libc } from "../libc.ts";
import { changeMask, setOf } from "../signal_mask.ts";

/** The event. */
export interface Changes {
  /** Can be read when a task has changed since the last {@linkcode heed}. */
  readonly fd: number;
  /** From now on only later changes are told of. */
  heed(): void;
  /** Takes the handler of SIGCHLD away again. */
  stop(): void;
}

const count = new Uint8Array(8);

/**
 * Tells of changes from now on. The whole process has one handler of SIGCHLD, so
 * this is for a process that is jail's own.
 *
 * @returns the event
 * @throws {SystemCallError} where there are too many open files
 */
export function watchChanges(): Changes {
  const fd = libc.syscallIII(
    callNumber("eventfd2"),
    0,
    EFD_CLOEXEC | EFD_NONBLOCK,
    0,
  );
  if (fd < 0) {
    throw new SystemCallError("wait for stops", "eventfd2()", errnoName(-fd));
  }
  const { changed, restorer, words } = codePage();
  Atomics.store(words, HANDLER_WORD.changes, fd);
  const now = new Uint8Array(SIGACTION.size);
  set(SIGACTION, now, "sa_handler", changed);
  set(SIGACTION, now, "sa_restorer", restorer);
  // Who has ended and is no tracee, nobody waits for (`forgetEnded`).
  const flags = SA_NOCLDWAIT | SA_RESTART | SA_RESTORER;
  set(SIGACTION, now, "sa_flags", flags);
  const before = new Uint8Array(SIGACTION.size);
  handle(now, before);
  // Whoever started jail may have blocked it, for all threads.
  const blocked = new BigUint64Array(1);
  changeMask(SIG_UNBLOCK, setOf(SIGCHLD), blocked);
  return {
    fd,
    heed(): void {
      read(fd, count);
    },
    stop(): void {
      changeMask(SIG_SETMASK, blocked, null);
      handle(before, null);
      Atomics.store(words, HANDLER_WORD.changes, -1);
      close(fd);
    },
  };
}

function handle(now: Uint8Array, before: Uint8Array | null): void {
  libc.syscallIBBI(
    callNumber("rt_sigaction"),
    SIGCHLD,
    now,
    before,
    SIGSET_SIZE,
  );
}
