/** Landlock: what a process gives up for good, held by the kernel. */

import { printable, toCString } from "../abi/bytes.ts";
import {
  EACCES,
  ELOOP,
  ENOENT,
  ENOTDIR,
  errnoName,
  EXDEV,
} from "../abi/errno.ts";
import { O_CLOEXEC, O_PATH } from "../abi/fcntl.ts";
import {
  LANDLOCK_CREATE_RULESET_VERSION,
  LANDLOCK_NET_PORT_ATTR,
  LANDLOCK_PATH_BENEATH_ATTR,
  LANDLOCK_RULE_NET_PORT,
  LANDLOCK_RULE_PATH_BENEATH,
  LANDLOCK_RULESET_ATTR,
} from "../abi/landlock.ts";
import { set } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import { SystemCallError } from "../errors.ts";
import { close, duplicate } from "./files.ts";
import { callNumber } from "./host.ts";
import type { Step } from "./launch/steps.ts";
import { libc } from "./libc.ts";
import { OWN_VIEW, type View } from "./view.ts";

/** What a ruleset refuses, and what it allows of that. */
export interface Ruleset {
  /** `LANDLOCK_ACCESS_FS_*` that are refused where no rule allows them. */
  readonly handledFs: number;
  /** `LANDLOCK_ACCESS_NET_*` that are refused. */
  readonly handledNet: number;
  /** `LANDLOCK_SCOPE_*`. */
  readonly scoped: number;
  /** What may be done with a file and all that lies beneath it. */
  readonly rules: readonly {
    /** Its real path, a byte string. */
    readonly path: string;
    /** `LANDLOCK_ACCESS_FS_*`. */
    readonly access: number;
  }[];
  /** What may be done with a file that is open, by whatever path. */
  readonly open?: readonly {
    /** A descriptor of it. */
    readonly fd: number;
    /** `LANDLOCK_ACCESS_FS_*`. */
    readonly access: number;
  }[];
  /** What may be done with a TCP port. */
  readonly ports?: readonly {
    /** The port. */
    readonly port: number;
    /** `LANDLOCK_ACCESS_NET_*`. */
    readonly access: number;
  }[];
}

/**
 * The version of the kernel's Landlock ABI.
 *
 * @returns 1 or more, or 0 where there is none or it is switched off
 */
export function landlockAbi(): number {
  const version = libc.syscallBII(
    callNumber("landlock_create_ruleset"),
    null,
    0,
    LANDLOCK_CREATE_RULESET_VERSION,
  );
  return Math.max(version, 0);
}

/** What a file can vanish with, or not be reached, between look and open. */
const GONE: readonly number[] = [EACCES, ELOOP, ENOENT, ENOTDIR, EXDEV];

/**
 * Makes a ruleset. A rule for a file that is not there is left out: it would
 * allow nothing.
 *
 * @param ruleset what it refuses and allows
 * @param above the fd that is returned is higher than this one
 * @param view where the paths of its rules begin
 * @returns its fd, which exec closes
 * @throws {SystemCallError} where the kernel does not take it
 */
export function createRuleset(
  ruleset: Ruleset,
  above: number,
  view: View = OWN_VIEW,
): number {
  const attr = new Uint8Array(LANDLOCK_RULESET_ATTR.size);
  set(LANDLOCK_RULESET_ATTR, attr, "handled_access_fs", ruleset.handledFs);
  set(LANDLOCK_RULESET_ATTR, attr, "handled_access_net", ruleset.handledNet);
  set(LANDLOCK_RULESET_ATTR, attr, "scoped", ruleset.scoped);
  const fd = libc.syscallBII(
    callNumber("landlock_create_ruleset"),
    attr,
    attr.length,
    0,
  );
  if (fd < 0) {
    throw failure(
      "make a Landlock ruleset",
      "landlock_create_ruleset",
      fd,
    );
  }
  try {
    for (const { path, access } of ruleset.rules) {
      addPath(fd, path, access, view);
    }
    for (const { fd: file, access } of ruleset.open ?? []) {
      addFile(fd, file, access, `allow descriptor ${file} by Landlock`);
    }
    for (const { port, access } of ruleset.ports ?? []) {
      addPort(fd, port, access);
    }
    // The launcher puts the program's own fds in place before this one is used.
    const moved = duplicate(fd, above + 1);
    if (moved < 0) throw failure("keep a Landlock ruleset", "fcntl", moved);
    return moved;
  } finally {
    close(fd);
  }
}

function addPath(
  ruleset: number,
  path: string,
  access: number,
  view: View,
): void {
  const file = view.open(
    toCString(path),
    O_PATH | O_CLOEXEC,
    RESOLVE_NO_SYMLINKS,
  );
  const action = `allow ${printable(path)} by Landlock`;
  if (file < 0) {
    if (GONE.includes(-file)) return;
    throw failure(action, "openat2", file);
  }
  try {
    addFile(ruleset, file, access, action);
  } finally {
    close(file);
  }
}

function addFile(
  ruleset: number,
  file: number,
  access: number,
  action: string,
): void {
  const attr = new Uint8Array(LANDLOCK_PATH_BENEATH_ATTR.size);
  set(LANDLOCK_PATH_BENEATH_ATTR, attr, "allowed_access", access);
  set(LANDLOCK_PATH_BENEATH_ATTR, attr, "parent_fd", file);
  addRule(ruleset, LANDLOCK_RULE_PATH_BENEATH, attr, action);
}

function addPort(ruleset: number, port: number, access: number): void {
  const attr = new Uint8Array(LANDLOCK_NET_PORT_ATTR.size);
  set(LANDLOCK_NET_PORT_ATTR, attr, "allowed_access", access);
  set(LANDLOCK_NET_PORT_ATTR, attr, "port", port);
  const action = `allow port ${port} by Landlock`;
  addRule(ruleset, LANDLOCK_RULE_NET_PORT, attr, action);
}

/** Adds what `attr` says to a ruleset; `action` is for the message. */
function addRule(
  ruleset: number,
  type: number,
  attr: Uint8Array,
  action: string,
): void {
  const number = callNumber("landlock_add_rule");
  const result = libc.syscallIIBB(number, ruleset, type, attr, null);
  if (result < 0) throw failure(action, "landlock_add_rule", result);
}

function failure(action: string, call: string, result: number): Error {
  return new SystemCallError(
    action,
    call,
    errnoName(-result),
    "--no-landlock does without it",
  );
}

/**
 * The step by which the new process submits to a ruleset.
 *
 * @param ruleset the ruleset's fd
 * @returns a step for the launcher
 */
export function restrictSelf(ruleset: number): Step {
  return { call: "landlock_restrict_self", args: [ruleset, 0] };
}
