/** The audit log of a run, which nobody in the jail may change. */

import { toCString } from "../abi/bytes.ts";
import { AT_FDCWD, O_ACCMODE, O_RDONLY } from "../abi/fcntl.ts";
import { get, getBig } from "../abi/layout.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, STAT } from "../abi/stat.ts";
import { UsageError } from "../errors.ts";
import { escapeGlob } from "../policy/path/glob.ts";
import type { PathRule, PathRules, Policy } from "../policy/policy.ts";
import { flagsOf, fstat, fstatat, typeOf } from "../sys/files.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import type { LogFile } from "../trace/options.ts";
import { currentDirectory } from "./directory.ts";
import { fromDirectory } from "./program.ts";

/**
 * Closes the audit log to the program.
 *
 * @param policy the merged policy
 * @param audit where the log goes, if there is one
 * @param fds what the program is started with, by numbers
 * @param view where the program's paths begin
 * @returns the log, if it is one to forge, and the policy that closes it
 * @throws {UsageError} where the program would be started with the log
 */
export function closeLog(
  policy: Policy,
  audit: string | undefined,
  fds: readonly number[],
  view: View,
): { readonly log: LogFile | undefined; readonly policy: Policy } {
  if (audit === undefined || isNoLog(audit)) return { log: undefined, policy };
  const log = findLog(audit, view);
  for (const fd of fds) notTheLog(fd, log);
  return { log, policy: protect(policy, audit, log, view) };
}

/**
 * Whether a log is a terminal, or keeps nothing: none to forge. But a link that leads
 * there could be changed.
 */
function isNoLog(audit: string): boolean {
  const stat = new Uint8Array(STAT.size);
  return fstatat(AT_FDCWD, toCString(audit), stat, 0) >= 0 &&
    (get(STAT, stat, "st_mode") & S_IFMT) === S_IFCHR &&
    OWN_VIEW.realpath(audit) === fromDirectory(currentDirectory(), audit);
}

/** Finds the audit log, by its path and by what it is. */
function findLog(audit: string, view: View): LogFile | undefined {
  const stat = new Uint8Array(STAT.size);
  if (fstatat(AT_FDCWD, toCString(audit), stat, 0) < 0) return undefined;
  const real = OWN_VIEW.realpath(audit);
  return {
    path: real && view.fromOutside(real),
    device: getBig(STAT, stat, "st_dev"),
    inode: getBig(STAT, stat, "st_ino"),
    isPipe: (get(STAT, stat, "st_mode") & S_IFMT) === S_IFIFO,
  };
}

/**
 * Refuses what a program is started with where that is the audit log: it would
 * write records of its own, or take those of a pipe out of it.
 */
function notTheLog(fd: number, log: LogFile | undefined): void {
  const stat = new Uint8Array(STAT.size);
  if (log === undefined || fstat(fd, stat) < 0) return;
  const isLog = getBig(STAT, stat, "st_dev") === log.device &&
    getBig(STAT, stat, "st_ino") === log.inode;
  if (!isLog || typeOf(fd) === S_IFCHR) return;
  const onlyReads = (flagsOf(fd) & O_ACCMODE) === O_RDONLY;
  if (onlyReads && !log.isPipe) return;
  const verb = onlyReads ? "read" : "write";
  throw new UsageError(
    `Cannot use --audit: file descriptor ${fd} is the log, and the program could ${verb} it`,
    "name a file for the log that nothing else is redirected to",
  );
}

/**
 * Lets nobody in the jail change the audit log, whatever the policy says, nor put a
 * link where it is named, though it could not be opened: the next run would write to
 * what that leads to by then. Nor read a pipe, and so take records out of it.
 */
function protect(
  policy: Policy,
  audit: string,
  log: LogFile | undefined,
  view: View,
): Policy {
  const named = view.fromOutside(fromDirectory(currentDirectory(), audit));
  const rules = [...new Set([log?.path, named])].flatMap((path): PathRule[] =>
    path === undefined ? [] : [{
      pattern: escapeGlob(path),
      ref: { source: "jail", keys: ["audit"], text: "the audit log" },
    }]
  );
  const closed = ({ deny, ...others }: PathRules): PathRules => ({
    ...others,
    deny: [...deny, ...rules],
  });
  const { read, write } = policy;
  const taken = log?.isPipe === true ? closed(read) : read;
  return { ...policy, read: taken, write: closed(write) };
}
