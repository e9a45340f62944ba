/** Policies read from files: YAML, and permission sets of `deno.json`. */

import { fromText, printable, toText } from "../abi/bytes.ts";
import { EISDIR, ENOENT, ENOTDIR, errnoName } from "../abi/errno.ts";
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
import type { Layer } from "../policy/policy.ts";
import { readFile } from "../sys/files.ts";
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
      // Nobody has named it: a pipe that is there is not waited for.
      const bytes = readPolicy(
        path,
        (path, limit) => OWN_VIEW.readFile(path, limit),
      );
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
