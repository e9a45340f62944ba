/**
 * A process that kills what jail ran, where jail is killed and cannot die.
 *
 * The kernel kills all tracees as the tracer's thread ends (PTRACE_O_EXITKILL). But that
 * thread may sleep so that no signal wakes it: it wants the lock of a directory, a pipe,
 * an open file or a memory, which the program has for as long as a call of it takes, or
 * those of a thousand threads one after another. And who dies closes its files first,
 * for which it may want one, too.
 *
 * So a process stands by that has this one's memory, and none of its files. A thread,
 * which does nothing but wait for it, ends as soon as this process is killed: of that
 * the kernel tells it by a futex (CLONE_CHILD_CLEARTID).
 */

import { FUTEX_WAKE } from "../abi/futex.ts";
import { set } from "../abi/layout.ts";
import { POLLFD, POLLIN } from "../abi/poll.ts";
import {
  CLONE_ARGS,
  CLONE_CHILD_CLEARTID,
  CLONE_CLEAR_SIGHAND,
  CLONE_FILES,
  CLONE_FS,
  CLONE_SIGHAND,
  CLONE_SYSVSEM,
  CLONE_THREAD,
  CLONE_VM,
} from "../abi/sched.ts";
import { SIG_SETMASK } from "../abi/signal.ts";
import { addressOf } from "./address.ts";
import { codePage } from "./code_page.ts";
import { callNumber } from "./host.ts";
import { HEIR_BLOCK } from "./launch_code.ts";
import { libc } from "./libc.ts";
import { changeMask } from "./signal_mask.ts";
import { isThread } from "./thread.ts";

/** What the word says that the heir waits on; 0 where its thread is gone. */
const STANDS_BY = 1;
const OVER = 2;

/** What a thread shares with the others. */
const OWN_THREAD = CLONE_VM + CLONE_FS + CLONE_FILES + CLONE_SIGHAND +
  CLONE_THREAD + CLONE_SYSVSEM;

/** More than the handler `late` uses. */
const STACK_SIZE = 4096;

const ALL_SIGNALS = BigUint64Array.of(2n ** 64n - 1n);

// What they use, so that it is not collected.
const inUse = new Set<readonly Uint8Array[]>();

/**
 * Has a process stand by that kills all that are in the table of the handler `late`,
 * where this process is killed and does not end soon. Where there can be no more
 * processes, nobody does.
 *
 * @returns what ends it
 */
export function standBy(): { stop(): void } {
  const block = new Uint8Array(HEIR_BLOCK.size);
  const stack = new Uint8Array(STACK_SIZE);
  const { state: [at], pidfd: [waited] } = HEIR_BLOCK.fields;
  const state = new Int32Array(block.buffer, at, 1);
  const thread = cloneArgs(OWN_THREAD + CLONE_CHILD_CLEARTID, stack);
  set(CLONE_ARGS, thread, "child_tid", addressOf(block) + at);
  const process = cloneArgs(
    CLONE_VM + CLONE_FILES + CLONE_CLEAR_SIGHAND,
    stack,
  );
  set(HEIR_BLOCK, block, "thread", addressOf(thread));
  set(HEIR_BLOCK, block, "process", addressOf(process));
  set(HEIR_BLOCK, block, "pid", Deno.pid);
  set(HEIR_BLOCK, block, "state", STANDS_BY);
  set(POLLFD, block.subarray(waited), "events", POLLIN);
  const memory = [block, stack, thread, process];
  inUse.add(memory);
  // Neither of them runs a handler of this process.
  const before = new BigUint64Array(1);
  changeMask(SIG_SETMASK, ALL_SIGNALS, before);
  const tid = codePage().heir(block);
  changeMask(SIG_SETMASK, before, null);
  return {
    stop(): void {
      // It waits for the heir, which is no zombie then.
      if (
        tid > 0 &&
        Atomics.compareExchange(state, 0, STANDS_BY, OVER) === STANDS_BY
      ) {
        libc.syscallBII(callNumber("futex"), state, FUTEX_WAKE, 1);
        while (isThread(tid)) {
          libc.syscallIII(callNumber("sched_yield"), 0, 0, 0);
        }
      }
      inUse.delete(memory);
    },
  };
}

function cloneArgs(flags: number, stack: Uint8Array): Uint8Array {
  const args = new Uint8Array(CLONE_ARGS.size);
  set(CLONE_ARGS, args, "flags", flags);
  set(CLONE_ARGS, args, "stack", addressOf(stack));
  set(CLONE_ARGS, args, "stack_size", STACK_SIZE);
  return args;
}
