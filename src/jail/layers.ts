/** Policies read from files: YAML, and permission sets of `deno.json`. */

import { fromText, printable, toCString, toText } from "../abi/bytes.ts";
import { EISDIR, ENOENT, ENOTDIR, errnoName } from "../abi/errno.ts";
import { O_CLOEXEC, O_NONBLOCK, O_RDONLY } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { S_IWOTH, STAT } from "../abi/stat.ts";
import { PolicyError, UsageError } from "../errors.ts";
import {
  joinPath,
  type LoadOptions,
  loadPolicy,
  policyLoader,
} from "../policy/file/extend.ts";
import { permissionsLayer } from "../policy/file/permissions.ts";
import { MAX_SIZE } from "../policy/file/text.ts";
import type { Variables } from "../policy/file/variables.ts";
import { parentOf } from "../policy/path/within.ts";
import type { Layer } from "../policy/policy.ts";
import { close, fstat, readFile, readToEnd } from "../sys/files.ts";
import { ownUser } from "../sys/ids.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { fromDirectory } from "./program.ts";

/**
 * What a directory is called in a root, if it is in there.
 *
 * @param directory the directory, by a path of this process, a byte string
 * @param view the root
 * @returns its path in there, or `undefined`
 */
export function insideOf(directory: string, view: View): string | undefined {
  if (view.isOwn) return directory;
  const real = OWN_VIEW.realpath(directory);
  return real === undefined ? undefined : view.fromOutside(real);
}

function nameOf(policy: string): string {
  const text = toText(policy);
  if (text !== undefined) return text;
  throw new PolicyError(
    `Cannot read policy ${printable(policy)}: its name is not UTF-8`,
    { hint: "give it another name" },
  );
}

/**
 * Loads one policy and all that it extends.
 *
 * @param policy its name or file, a byte string
 * @param variables what the variables stand for
 * @param here what a file is relative to, a byte string
 * @param around how a root directory changes what variables stand for
 * @returns its layers, the most basic one first
 * @throws {PolicyError} where one cannot be used
 */
export async function loadLayers(
  policy: string,
  variables: Variables,
  here: string,
  around: Pick<LoadOptions, "outside" | "inside"> = {},
): Promise<readonly Layer[]> {
  const load = policyLoader((path) => Promise.resolve(readPolicy(path)));
  return await loadPolicy(nameOf(policy), {
    // Names in a policy are text, and those of files are bytes.
    load: (reference, from) => load(fromText(reference), from),
    variables,
    ...around,
    from: here,
  });
}

/** Reads a policy file, not much beyond what one may have. */
function readPolicy(path: string, read = readFile): Uint8Array | undefined {
  const bytes = read(path, MAX_SIZE + 1);
  if (typeof bytes !== "number") return bytes;
  const errno = errnoName(-bytes);
  if (-bytes === ENOENT || -bytes === ENOTDIR) return undefined;
  throw new PolicyError(
    `Cannot read policy ${printable(path)}: read() failed with ${errno}`,
    { hint: -bytes === EISDIR ? "name a file in it" : "make it readable" },
  );
}

/** The text of a `deno.json`; what is no text could be another name in a rule. */
function textOf(bytes: Uint8Array, source: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new PolicyError(`Cannot read "${source}": it is not UTF-8`, {
      hint: "save the file as UTF-8",
    });
  }
}

/**
 * Reads a file that nobody has named: a pipe that is there is not waited for, and
 * what somebody else has put where anybody may, as in /tmp, is not believed.
 */
function readFound(
  path: string,
  limit: number,
): Uint8Array<ArrayBuffer> | number {
  const flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
  const fd = OWN_VIEW.open(toCString(path), flags);
  if (fd < 0) return fd;
  try {
    const status = new Uint8Array(STAT.size);
    const result = fstat(fd, status);
    if (result < 0) return result;
    // Somebody else's link of either kind leads to a file that means another project.
    const isLinked = get(STAT, status, "st_nlink") > 1;
    const isMine = isOwn(status) &&
      OWN_VIEW.stat(toCString(path), status) >= 0 && isOwn(status);
    if ((!isMine || isLinked) && isOpenToAll(parentOf(path), status)) {
      throw new UsageError(
        `Cannot use a permission set: ${printable(path)} ${
          isMine ? "has another name" : "is another user's"
        }, in a directory that anybody may write`,
        "make a deno.json of your own in the project, or name a policy by -p",
      );
    }
    return readToEnd(fd, limit);
  } finally {
    close(fd);
  }
}

/** Whether a file, or a link, is this user's, or root's. */
function isOwn(status: Uint8Array): boolean {
  const owner = get(STAT, status, "st_uid");
  return owner === 0 || owner === ownUser();
}

/** Whether anybody may write to a directory, as far as its mode says. */
function isOpenToAll(directory: string, status: Uint8Array): boolean {
  return OWN_VIEW.stat(toCString(directory), status) < 0 ||
    (get(STAT, status, "st_mode") & S_IWOTH) !== 0;
}

/**
 * Makes the layer of a permission set of the nearest `deno.json`.
 *
 * @param set its name, or `true` for its default
 * @param here the directory to look from, a byte string
 * @param view the root that its paths are meant in
 * @param find finds the programs of a name in `PATH`
 * @returns the layer
 * @throws {UsageError} where there is none, or its paths mean nothing in the root
 * @throws {PolicyError} where it is wrong
 */
export async function permissionSet(
  set: string | true,
  here: string,
  view: View,
  find: (name: string) => readonly string[],
): Promise<Layer> {
  for (let dir = here;; dir = joinPath(dir, "..")) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fromDirectory(dir, name);
      const bytes = readPolicy(path, readFound);
      if (bytes === undefined) continue;
      const inside = insideOf(dir, view);
      if (inside === undefined) {
        throw new UsageError(
          "Cannot use a permission set: its paths are relative to " +
            `${printable(dir)}, which is not in the root directory`,
          "name a policy by -p, or use flags",
        );
      }
      const source = dir === here ? name : toText(path) ?? printable(path);
      return await permissionsLayer(textOf(bytes, source), {
        source,
        dir: inside,
        which: find,
        ...(set === true ? {} : { name: set }),
      });
    }
    if (dir === "/") break;
  }
  throw new UsageError(
    "Cannot use a permission set: there is no deno.json here or above",
    "go to a directory that has one, or name a policy by -p",
  );
}
