/**
 * The audit log: one JSON object a line, one line for each decision, and one
 * for the end where that was a limit or the policy, or jail failed.
 *
 * Each record is written by one `write()` on a file opened to append, before
 * the call that it is about goes on. So a record is never mixed with that of
 * another jail, and none is lost when jail is killed: the kernel has it. A
 * record costs one `write()`, little beside the stop that made it.
 *
 * The text is ASCII where a terminal could act on it, and no name can end a
 * line: control, invisible and reordering characters are JSON escapes.
 */

import { printable, toCString, toText } from "../abi/bytes.ts";
import { EAGAIN, ENXIO, errnoName } from "../abi/errno.ts";
import {
  AT_FDCWD,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_NOCTTY,
  O_NONBLOCK,
  O_RDONLY,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import { S_IFMT, S_IFREG, STAT } from "../abi/stat.ts";
import { type Position, SystemCallError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { Use } from "../policy/call.ts";
import type { RuleRef } from "../policy/decision.ts";
import { endpointText } from "../policy/net/endpoint.ts";
import { close, fstat, open, openat2, pread } from "../sys/files.ts";
import { Output } from "../sys/output.ts";
import type { Observation } from "../trace/options.ts";

/** The end by the policy. */
type Killed = Extract<Outcome, { readonly kind: "killed-by-policy" }>;

/** The end by a limit. */
type Limited = Extract<Outcome, { readonly kind: "limited" }>;

const NEWLINE = 10;

/** How a log is written. */
export interface AuditOptions {
  /** Whether the run goes on when the log cannot be written. */
  readonly optional: boolean;
  /** Told of what was lost, where the log is optional. */
  readonly warn: (message: string) => void;
  /** Its real path, where no link is followed: somebody could put one there. */
  readonly inside?: string | undefined;
}

/** An audit log that is being written. */
export class AuditLog {
  readonly #path: string;
  readonly #options: AuditOptions;
  #fd: number;
  readonly #output: Output;
  #torn = false;
  #lost = 0;

  private constructor(path: string, fd: number, options: AuditOptions) {
    this.#path = path;
    this.#fd = fd;
    this.#output = new Output(fd, { own: true, whole: true });
    this.#options = options;
  }

  /**
   * Opens a log, to append to it.
   *
   * @param path a byte string
   * @param options what to do when it cannot be written
   * @throws {SystemCallError} when it cannot be opened and is not optional
   */
  static open(path: string, options: AuditOptions): AuditLog {
    const flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY;
    // A pipe that somebody has put there is waited for by nobody. Others need not
    // know what was run.
    let fd = openLog(path, flags | O_NONBLOCK, options);
    // Who has a lease on the file gives it up when asked, or loses it.
    if (fd === -EAGAIN) fd = openLog(path, flags, options);
    const log = new AuditLog(path, fd, options);
    if (fd < 0) log.#fail("open()", -fd);
    // A run before may have found the disk full in the middle of a record.
    else log.#torn = isTorn(fd);
    return log;
  }

  /**
   * Writes a record.
   *
   * @param event the decision
   * @param position where its rule stands, if that is known
   * @throws {SystemCallError} when it cannot be written and is not optional
   */
  record(event: Observation, position: Position | undefined): void {
    this.#append(auditLine(event, position));
  }

  /**
   * Writes how the jail ended, where that was not by its program.
   *
   * @param outcome how it ended
   * @throws {SystemCallError} when it cannot be written and is not optional
   */
  ended(outcome: Outcome): void {
    if (outcome.kind === "limited") {
      this.#append(limitLine(outcome, Date.now()));
    }
    if (outcome.kind === "killed-by-policy") {
      this.#append(killLine(outcome, Date.now()));
    }
    if (outcome.kind === "failed") this.failed(outcome.reason);
  }

  /**
   * Writes that jail failed, or ran nothing: a log without records would look like
   * that of a program which did nothing.
   *
   * @param reason why
   * @throws {SystemCallError} when it cannot be written and is not optional
   */
  failed(reason: string): void {
    this.#append(failLine(reason, Date.now()));
  }

  #append(record: string): void {
    if (this.#fd < 0) {
      this.#lost++;
      return;
    }
    // After a record that was cut short, a new line makes the next one whole.
    const line = `${this.#torn ? "\n" : ""}${record}\n`;
    const bytes = new TextEncoder().encode(line);
    const done = this.#output.write(bytes);
    if (done === bytes.length) {
      this.#torn = false;
      return;
    }
    this.#torn ||= done > 0;
    this.#fail("write()", this.#output.failure);
  }

  /** Closes the log, and says what was lost. */
  close(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
    if (this.#lost === 0) return;
    this.#options.warn(
      `the audit log ${printable(this.#path)} lacks ${this.#lost} records`,
    );
    this.#lost = 0;
  }

  #fail(call: string, errno: number): void {
    const error = new SystemCallError(
      `write the audit log ${printable(this.#path)}`,
      call,
      errnoName(errno),
      this.#options.optional
        ? undefined
        : errno === ENXIO
        ? "it is a pipe that nobody reads: let somebody do so first"
        : "make it writable, or go on without it by --audit-optional",
    );
    if (!this.#options.optional) throw error;
    if (this.#lost === 0) this.#options.warn(error.message);
    if (call !== "open()") this.#lost++;
  }
}

/** Opens a log, which its owner alone may read where it is made. */
function openLog(
  path: string,
  flags: number,
  { inside }: AuditOptions,
): number {
  return inside === undefined
    ? open(toCString(path), flags, 0o600)
    : openat2(AT_FDCWD, toCString(inside), flags, 0o600, RESOLVE_NO_SYMLINKS);
}

/** Whether what is open is a file whose last line has no end. */
function isTorn(fd: number): boolean {
  const status = new Uint8Array(STAT.size);
  if (fstat(fd, status) < 0) return false;
  const size = get(STAT, status, "st_size");
  const plain = (get(STAT, status, "st_mode") & S_IFMT) === S_IFREG;
  if (!plain || size === 0) return false;
  const path = toCString(`/proc/self/fd/${fd}`);
  const read = open(path, O_RDONLY | O_CLOEXEC);
  if (read < 0) return false;
  const last = new Uint8Array(1);
  const count = pread(read, last, 1, size - 1);
  close(read);
  return count === 1 && last[0] !== NEWLINE;
}

/**
 * One record, as JSON without a newline.
 *
 * @param event the decision
 * @param position where its rule stands, if that is known
 */
export function auditLine(
  event: Observation,
  position: Position | undefined,
): string {
  const { call, decision } = event;
  const record = {
    time: new Date(event.time).toISOString(),
    pid: event.pid,
    tid: event.tid,
    ...named("program", event.program),
    call: call.name,
    text: event.text,
    uses: call.uses.map(useRecord),
    ...(call.moves === undefined ? {} : {
      moves: call.moves.map(({ from, to, tree }) => ({
        ...named("from", from),
        ...named("to", to),
        tree,
      })),
    }),
    ...(call.net === undefined ? {} : {
      net: call.net.map(({ access, endpoint }) => ({
        access,
        endpoint: endpointText(endpoint),
      })),
    }),
    decision: decision.kind,
    ...(decision.kind === "allow" ? {} : {
      refusal: decision.refusal,
      use: decision.use,
      ...(decision.end === undefined ? {} : { end: decision.end }),
      ...(decision.quiet === undefined ? {} : { quiet: true }),
    }),
    rule: ruleRecord(decision.rule, position),
  };
  return toLine(record);
}

function ruleRecord(
  { source, keys, text }: RuleRef,
  position: Position | undefined,
): Record<string, unknown> {
  return {
    source,
    ...(position === undefined
      ? {}
      : { line: position.line, column: position.column }),
    ...{ keys, text },
  };
}

/**
 * The record of an end by a limit, as JSON without a newline. Amounts are
 * milliseconds or bytes.
 *
 * @param outcome how the jail ended
 * @param time when, in milliseconds since the epoch
 */
export function limitLine(outcome: Limited, time: number): string {
  const { limit, most, used, rule, position, program, pid } = outcome;
  return toLine({
    time: new Date(time).toISOString(),
    // Whose it was, where it was that of somebody who is still there.
    ...(pid === 0 ? {} : { pid, ...named("program", program) }),
    end: "limit",
    limit,
    most,
    used: Math.round(used),
    rule: ruleRecord(rule, position),
  });
}

/**
 * The record of an end by the policy, as JSON without a newline.
 *
 * @param outcome how the jail ended
 * @param time when, in milliseconds since the epoch
 */
export function killLine(outcome: Killed, time: number): string {
  const { call, rule, position, program, pid } = outcome;
  return toLine({
    time: new Date(time).toISOString(),
    pid,
    ...named("program", program),
    end: "policy",
    text: call,
    rule: ruleRecord(rule, position),
  });
}

/**
 * The record of a failure of jail, as JSON without a newline.
 *
 * @param reason why it failed
 * @param time when, in milliseconds since the epoch
 */
export function failLine(reason: string, time: number): string {
  return toLine({
    time: new Date(time).toISOString(),
    end: "failure",
    text: reason,
  });
}

function toLine(record: unknown): string {
  return JSON.stringify(record).replace(UNSAFE_REGEXP, escapeUnits);
}

function useRecord({ access, path, kind }: Use): Record<string, string> {
  return { access, ...named("path", path), kind };
}

/** A name: as text, or as a person may see it beside its bytes in base64. */
function named(key: string, name: string): Record<string, string> {
  const text = toText(name);
  return text !== undefined ? { [key]: text } : {
    [key]: printable(name, Infinity).slice(1, -1),
    [`${key}Bytes`]: btoa(name),
  };
}

// What JSON leaves as it is and a terminal may act on, hide or reorder.
const UNSAFE_REGEXP =
  /[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

function escapeUnits(text: string): string {
  let out = "";
  for (let at = 0; at < text.length; at++) {
    out += `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
  }
  return out;
}
