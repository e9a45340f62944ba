/**
 * Signals of jail itself.
 *
 * Its thread is blocked in a wait, so JavaScript cannot see a signal in time. A
 * few instructions of machine code pass it on, and the wait goes on.
 */

import { getBig, set } from "../abi/layout.ts";
import { PR_SET_DUMPABLE } from "../abi/prctl.ts";
import { RLIMIT64, RLIMIT_CORE } from "../abi/resource.ts";
import {
  SA_NOCLDWAIT,
  SA_RESTART,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_UNBLOCK,
  SIGACTION,
  SIGCHLD,
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGSET_SIZE,
  SIGSTOP,
  SIGTERM,
} from "../abi/signal.ts";
import { codePage } from "./code_page.ts";
import { close } from "./files.ts";
import { callNumber } from "./host.ts";
import { HANDLER_WORD } from "./launch_code.ts";
import { libc, rareLibc } from "./libc.ts";
import { changeMask, setOf } from "./signal_mask.ts";
import { watchProcess } from "./task/pidfd.ts";
import { tgkill } from "./task/wait.ts";
import { ownThread } from "./thread.ts";

/** A change that can be taken back. */
interface SignalChange {
  /** Takes it back. */
  stop(): void;
}

/** Signals that are passed on to a process, in place of their own effect. */
export interface Forwarding {
  /**
   * The process is gone. From now on a signal that asks for the end, of whoever
   * it is, kills another process, so that a wait for that one returns.
   *
   * @param pid the process, not yet waited for; 0 for none
   * @returns a signal that has come since the first was named; 0 for none
   * @throws {SystemCallError} if there is no such process
   */
  endBy(pid: number): number;
  /** From now on the signals have no effect. */
  stop(): void;
}

/** The signals that ask a process to end. */
const ASKING: readonly number[] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/** What the handler of this process's signals has seen, if there is one. */
let words: Int32Array | undefined;

/**
 * Passes signals on to a process, in place of their own effect.
 *
 * What the kernel sends (a terminal's Ctrl-C) has no effect here and is not
 * passed on, since it reaches the program's group anyway; SIGHUP and that of a
 * timer always are. A signal that is ignored stays so. There is one such process at a
 * time. The signals never have their own effect again, but by {@linkcode dieOf}: a
 * program may make a terminal send them to this process when it itself is gone.
 *
 * @param pid the process, not yet waited for
 * @param signals the signals' numbers
 * @returns what becomes of them later
 * @throws {SystemCallError} if there is no such process
 */
export function forwardSignals(
  pid: number,
  signals: readonly number[],
): Forwarding {
  const page = codePage();
  const seen = page.words;
  words = seen;
  aimAt(seen, HANDLER_WORD.forwardTo, pid);
  const action = new Uint8Array(SIGACTION.size);
  set(SIGACTION, action, "sa_handler", page.handler);
  set(SIGACTION, action, "sa_restorer", page.restorer);
  set(SIGACTION, action, "sa_flags", SA_SIGINFO | SA_RESTART | SA_RESTORER);
  set(SIGACTION, action, "sa_mask", -1n);
  changeActions(signals, action);
  // Whoever started jail may have blocked them, and the program may let them come.
  changeMask(SIG_UNBLOCK, setOf(...signals), null);
  let first = true;
  return {
    endBy(pid): number {
      if (first) {
        first = false;
        aimAt(seen, HANDLER_WORD.forwardTo, 0);
        Atomics.store(seen, HANDLER_WORD.received, 0);
      }
      aimAt(seen, HANDLER_WORD.endBy, pid);
      // A signal is noted before it is seen whom it kills: it comes here, or to
      // the process that is named by now.
      return askedBy();
    },
    stop(): void {
      aimAt(seen, HANDLER_WORD.forwardTo, 0);
      aimAt(seen, HANDLER_WORD.endBy, 0);
      Atomics.store(seen, HANDLER_WORD.count, 0);
    },
  };
}

/** Makes a word of the handler a pidfd of a process, or of none where it is 0. */
function aimAt(seen: Int32Array, word: number, pid: number): void {
  // A pidfd, as a pid may be another process's by the time that a signal comes.
  const pidfd = pid === 0 ? -1 : watchProcess(pid);
  const before = Atomics.exchange(seen, word, pidfd);
  if (before >= 0) close(before);
}

/** A signal that has asked for the end while signals are passed on; 0 for none. */
export function askedBy(): number {
  const received = words === undefined
    ? 0
    : Atomics.load(words, HANDLER_WORD.received);
  return ASKING.find((signal) => (received & 1 << signal) !== 0) ?? 0;
}

/** The signals of {@linkcode ASKING}, a bit each. */
const ASKING_BITS = ASKING.reduce((bits, signal) => bits | 1 << signal, 0);

/** Looks for signals that ask for the end from a moment on. */
export interface AskingWatch {
  /** Whether one has come. */
  readonly came: boolean;
  /** Looks no more: what came before that moment counts again. */
  stop(): void;
}

/** Looks for signals that ask for the end from now on, where they are passed on. */
export function watchAsked(): AskingWatch {
  const seen = words;
  const before = seen === undefined
    ? 0
    : Atomics.and(seen, HANDLER_WORD.received, ~ASKING_BITS) & ASKING_BITS;
  return {
    get came(): boolean {
      return askedBy() !== 0;
    },
    stop(): void {
      if (seen !== undefined) Atomics.or(seen, HANDLER_WORD.received, before);
    },
  };
}

/** How many signals came from no terminal since they lost their own effect. */
export function countUnheard(): number {
  return words === undefined ? 0 : Atomics.load(words, HANDLER_WORD.count);
}

/**
 * Ignores signals, for good. What is started meanwhile ignores them too.
 *
 * @param signals the signals' numbers
 */
export function ignoreSignals(signals: readonly number[]): void {
  setActions(signals, SIG_IGN);
}

/** What this process ignores, and was not started to. */
const outlived: number[] = [];

/**
 * Ignores a signal that this process brings on itself, such as SIGXFSZ for a file
 * that is as large as it may be: the call fails with an error instead.
 *
 * @param signal a signal that would end it; one that is ignored stays so
 */
export function outlive(signal: number): void {
  const old = new Uint8Array(SIGACTION.size);
  if (swapAction(signal, null, old) < 0) return;
  if (ignores(old)) return;
  setActions([signal], SIG_IGN);
  outlived.push(signal);
}

/**
 * The signals that this process ignores and its programs must not: exec(2) keeps
 * what is ignored.
 */
export function outlivedSignals(): readonly number[] {
  return outlived;
}

/**
 * Lets children that have ended stay until they are waited for. This process may
 * have been started with SIGCHLD ignored: then the kernel forgets how they ended.
 */
export function keepEnded(): void {
  const old = new Uint8Array(SIGACTION.size);
  if (swapAction(SIGCHLD, null, old) < 0) return;
  if (ignores(old)) setActions([SIGCHLD], SIG_DFL, true);
}

/**
 * Has the kernel forget children that have ended, but for those that are traced: as
 * the first process of a PID namespace, or a subreaper, this process gets those whose
 * parent is gone, and nobody waits for them.
 *
 * @returns takes it back
 */
export function forgetEnded(): SignalChange {
  const action = new Uint8Array(SIGACTION.size);
  set(SIGACTION, action, "sa_handler", SIG_DFL);
  set(SIGACTION, action, "sa_flags", SA_NOCLDWAIT);
  return changeActions([SIGCHLD], action);
}

/**
 * Ends this process by a signal, without a core file.
 *
 * @param signal its number; the call returns if it is one that ends nothing
 */
export function dieOf(signal: number): void {
  // A limit of 0 does not hold for a core that is piped to a program.
  rareLibc().prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  libc.syscallIIBB(
    callNumber("prlimit64"),
    0,
    RLIMIT_CORE,
    new Uint8Array(RLIMIT64.size),
    null,
  );
  raise(signal);
}

/**
 * Stops this process, all of its threads, until it is continued.
 *
 * A SIGCONT that comes while `still` looks is not lost: the signal waits, and
 * the kernel takes it back when this process is told to continue. (For SIGSTOP,
 * which cannot wait, that moment is only short.)
 *
 * @param signal a signal that stops
 * @param still whether there is still a reason to
 */
export function stopSelf(signal: number, still: () => boolean): void {
  if (signal === SIGSTOP) {
    if (still()) sendSelf(signal);
    return;
  }
  const change = setActions([signal], SIG_DFL, true);
  changeMask(SIG_BLOCK, setOf(signal), null);
  sendSelf(signal);
  // What is ignored is no longer waiting.
  if (!still()) setActions([signal], SIG_IGN, true);
  changeMask(SIG_UNBLOCK, setOf(signal), null);
  change.stop();
}

/** Sends a signal to this thread, to have its default effect before returning. */
function raise(signal: number): void {
  setActions([signal], SIG_DFL, true);
  changeMask(SIG_UNBLOCK, setOf(signal), null);
  sendSelf(signal);
}

/** Sends a signal to this thread. */
function sendSelf(signal: number): void {
  tgkill(
    rareLibc().getpid(),
    ownThread(),
    signal,
  );
}

function setActions(
  signals: readonly number[],
  handler: number,
  evenIgnored = false,
): SignalChange {
  const action = new Uint8Array(SIGACTION.size);
  set(SIGACTION, action, "sa_handler", handler);
  return changeActions(signals, action, evenIgnored);
}

function changeActions(
  signals: readonly number[],
  action: Uint8Array,
  evenIgnored = false,
): SignalChange {
  const before: { signal: number; old: Uint8Array }[] = [];
  for (const signal of signals) {
    const old = new Uint8Array(SIGACTION.size);
    if (swapAction(signal, null, old) < 0) continue;
    if (ignores(old) && !evenIgnored) continue;
    if (swapAction(signal, action, null) >= 0) before.push({ signal, old });
  }
  return {
    stop: (): void => {
      for (const { signal, old } of before) swapAction(signal, old, null);
    },
  };
}

/** Whether a `SIGACTION` has its signal ignored. */
function ignores(action: Uint8Array): boolean {
  return getBig(SIGACTION, action, "sa_handler") === BigInt(SIG_IGN);
}

function swapAction(
  signal: number,
  action: Uint8Array | null,
  old: Uint8Array | null,
): number {
  return libc.syscallIBBI(
    callNumber("rt_sigaction"),
    signal,
    action,
    old,
    SIGSET_SIZE,
  );
}
