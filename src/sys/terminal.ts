/** The terminal that this process is controlled by, and the other sides of some. */

import { fromText, toCString } from "../abi/bytes.ts";
import { EINTR, EIO } from "../abi/errno.ts";
import {
  O_CLOEXEC,
  O_NOCTTY,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} from "../abi/fcntl.ts";
import {
  TCGETS,
  TCSETSF,
  TCSETSW,
  TIOCGPGRP,
  TIOCGPTPEER,
  TIOCSPGRP,
} from "../abi/ioctls.ts";
import { get, set } from "../abi/layout.ts";
import {
  C_CC,
  ECHO,
  ICANON,
  ICRNL,
  IEXTEN,
  ISIG,
  IXON,
  ONLCR,
  OPOST,
  TERMIOS,
  VMIN,
  VTIME,
} from "../abi/termios.ts";
import { close, open, read } from "./files.ts";
import { callNumber } from "./host.ts";
import { libc } from "./libc.ts";
import { Output, waitATurn } from "./output.ts";
import { watchAsked } from "./signals.ts";
import { membersOf } from "./task/groups.ts";
import { getpgid, isOver } from "./task/task.ts";

const TTY = toCString(fromText("/dev/tty"));

/** How long {@linkcode Terminal.read} waits, in tenths of a second. */
const WAIT = 2;

/** Whether this process is in the group that its terminal listens to. */
export function isForeground(): boolean {
  const fd = open(TTY, O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return false;
  const group = foregroundOf(fd);
  close(fd);
  return group === getpgid(0);
}

/**
 * Takes note of whether this process is in the foreground: a program may leave its
 * terminal to a group in which nobody is left, whoever else was in front with it.
 *
 * @returns comes to the foreground again, where that has happened. SIGTTOU must be
 * ignored then
 */
export function keepForeground(): () => void {
  if (!isForeground()) return (): void => {};
  return (): void => {
    const fd = open(TTY, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) return;
    const group = foregroundOf(fd);
    const isLeft = group > 0 && membersOf(group)?.every(isOver) === true;
    if (isLeft) setForeground(fd, getpgid(0));
    close(fd);
  };
}

/** A conversation with the person at a terminal. */
export interface Terminal {
  /** Which process group had the terminal before. */
  readonly group: number;
  /** Shows text. */
  write(text: string): void;
  /** Reads what was typed, key by key; "" where nothing came for a moment. */
  read(): string;
  /** Whether to wait no more: this process is asked to end, or nobody is there. */
  readonly over: boolean;
}

/**
 * Talks to the person at the terminal, alone: what was typed before is
 * forgotten, this process comes to the foreground, and keys are read as they
 * are. Afterwards everything is as before.
 *
 * SIGTTOU and SIGTTIN must be ignored by the caller, or this process in the
 * foreground.
 *
 * @param may whether the terminal may be taken from a process group
 * @param talk what to say
 * @returns what `talk` returns; `undefined` where there is no terminal, or it may
 *   not be taken
 */
export function converse<T>(
  may: (group: number) => boolean,
  talk: (terminal: Terminal) => T,
): T | undefined {
  const fd = open(TTY, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return undefined;
  // Reads wait for a moment, and writes never.
  const written = open(TTY, O_WRONLY | O_NOCTTY | O_CLOEXEC);
  const own = getpgid(0);
  const group = foregroundOf(fd);
  const before = new Uint8Array(TERMIOS.size);
  try {
    if (written < 0 || group !== own && !may(group)) return undefined;
    const output = new Output(written, { own: true });
    if (libc.ioctl(fd, TCGETS, before) < 0) return undefined;
    setForeground(fd, own);
    setModes(fd, TCSETSF, keyByKey(before));
    const asked = watchAsked();
    try {
      return talk({
        ...{ group, read: (): string => readKeys(fd) },
        get over(): boolean {
          return asked.came || isGone(fd);
        },
        write: (text) => {
          output.write(new TextEncoder().encode(text));
        },
      });
    } finally {
      asked.stop();
      // After what was written; what is typed by now is for the program.
      setModes(fd, TCSETSW, before);
      setForeground(fd, group);
    }
  } finally {
    close(fd);
    close(written);
  }
}

/** Waits for what was written to be sent; the pulse of a limit interrupts that. */
function setModes(fd: number, request: number, modes: Uint8Array): void {
  while (libc.ioctl(fd, request, modes) === -EINTR);
}

/**
 * The modes in which keys are read at once, shown by nobody, and no signal. Output
 * that a character has stopped goes on.
 */
function keyByKey(before: Uint8Array): Uint8Array {
  const modes = before.slice();
  const flags = (
    field: "c_iflag" | "c_oflag" | "c_lflag",
    on: number,
    off: number,
  ): void =>
    set(TERMIOS, modes, field, (get(TERMIOS, modes, field) | on) & ~off);
  flags("c_iflag", ICRNL, IXON);
  flags("c_oflag", OPOST | ONLCR, 0);
  flags("c_lflag", 0, ISIG | ICANON | ECHO | IEXTEN);
  modes[C_CC + VMIN] = 0;
  modes[C_CC + VTIME] = WAIT;
  return modes;
}

const keys = new Uint8Array(64);

function readKeys(fd: number): string {
  const count = read(fd, keys);
  // Who is in the background by now gets an error at once.
  if (count < 0) waitATurn();
  return count <= 0 ? "" : new TextDecoder().decode(keys.subarray(0, count));
}

/** Whether a terminal hangs up: a read of it waits no more. */
function isGone(fd: number): boolean {
  const modes = new Uint8Array(TERMIOS.size);
  return libc.ioctl(fd, TCGETS, modes) === -EIO;
}

function foregroundOf(fd: number): number {
  const group = new Int32Array(1);
  const result = libc.ioctl(fd, TIOCGPGRP, group);
  return result < 0 ? 0 : group[0] as number;
}

/** Fails where nobody is in the group any more, which is no harm. */
function setForeground(fd: number, group: number): void {
  if (group > 0) libc.ioctl(fd, TIOCSPGRP, new Int32Array([group]));
}

/**
 * Refers to the terminal that a descriptor is the other side of, wherever devpts is
 * mounted that has it.
 *
 * @param master a descriptor of this process
 * @returns a reference (`O_PATH`), which does not open it; or a negative errno
 */
export function referToTerminal(master: number): number {
  const flags = O_PATH | O_CLOEXEC;
  return libc.syscallIII(callNumber("ioctl"), master, TIOCGPTPEER, flags);
}
