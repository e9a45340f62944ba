/** From what a user names to one policy: files, flags, a permission set. */

import { fromBytes, fromText, printable, toText } from "../abi/bytes.ts";
import { ENOENT, ENOTDIR, errnoName } from "../abi/errno.ts";
import { PolicyError, UsageError } from "../errors.ts";
import { joinPath, loadPolicy, policyLoader } from "../policy/extend.ts";
import { flagsLayer, type PermissionFlags } from "../policy/flags.ts";
import { mergeLayers } from "../policy/merge.ts";
import { permissionsLayer } from "../policy/permissions.ts";
import type { Limits } from "../policy/limits.ts";
import { EMPTY_LAYER, type Layer, type Policy } from "../policy/policy.ts";
import { MAX_SIZE } from "../policy/text.ts";
import type { Variables } from "../policy/variables.ts";
import { readFile, realpath } from "../sys/files.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { canExecute, which } from "../sys/which.ts";
import { checkZones } from "./net.ts";
import {
  DEFAULT_PATH,
  findProgram,
  fromDirectory,
  type Program,
  variable,
} from "./program.ts";
import type { TemporaryDirectory } from "./temporary.ts";

/** What a policy is made of. It can be sent to a Worker. */
export interface PolicySpec {
  /** Built-in policies by name, files (byte strings), and whole policies. */
  readonly policies: readonly (string | Policy)[];
  /** Permission flags. */
  readonly flags?: PermissionFlags | undefined;
  /** A permission set of the nearest `deno.json`, or `true` for its default. */
  readonly permissionSet?: string | true | undefined;
  /** Limits beside those of the policies; the smaller ones hold. */
  readonly limits?: Limits | undefined;
}

/** The built-in policy that holds where nothing is said. */
const DEFAULT_POLICY = "default";

/**
 * Loads a policy, with all that it extends.
 *
 * Policies come in their order, then the permission set, then flags, and what
 * holds of the temporary directory if one of them names it. Names of files and
 * values of flags are relative to `here`; `${cwd}` is the program's.
 *
 * @param spec what the policy is made of
 * @param program what is to run under it
 * @param here the working directory of who asks, a byte string
 * @param temporary what `${tmp}` stands for
 * @returns the policy
 * @throws {PolicyError} where a policy cannot be used
 * @throws {UsageError} where flags make no sense
 * @throws {LaunchError} where the program is not found
 * @throws {SystemCallError} where a temporary directory cannot be made
 */
export async function loadSpec(
  spec: PolicySpec,
  program: Program,
  here: string,
  temporary: TemporaryDirectory,
): Promise<Policy> {
  const variables: Variables = {
    cwd: realpath(program.cwd) ?? joinPath("/", program.cwd),
    home: variable(program.env, "HOME") ??
      variable(ownEnvironment(), "HOME") ?? homeOf(Deno.uid()),
    tmp: () => temporary.path,
    program: findProgram(program).real,
  };
  const find = (name: string): string | undefined =>
    findInPath(name, program, here);
  const layers: Layer[] = [];
  const { policies } = isEmpty(spec) ? { policies: [DEFAULT_POLICY] } : spec;
  for (const policy of policies) {
    if (typeof policy === "string") {
      layers.push(...await loadLayers(policy, variables, here));
    } else {
      layers.push({ ...policy, extends: [] });
    }
  }
  if (spec.permissionSet !== undefined) {
    const set = spec.permissionSet;
    layers.push(await permissionSet(set, here, find));
  }
  if (spec.flags !== undefined) {
    layers.push(flagsLayer(spec.flags, { cwd: here, which: find }));
  }
  if (spec.limits !== undefined) {
    layers.push({ ...EMPTY_LAYER, limits: spec.limits });
  }
  return await checkZones(mergeLayers([...layers, ...temporary.layers]));
}

/** The home directory of a user, as /etc/passwd has it. */
function homeOf(uid: number | null): string | undefined {
  const bytes = readFile("/etc/passwd", MAX_SIZE);
  if (typeof bytes === "number") return undefined;
  // name:password:uid:gid:comment:home:shell, passwd(5)
  return fromBytes(bytes).split("\n").map((line) => line.split(":"))
    .find((fields) => fields[2] === String(uid))?.[5];
}

/** Whether nothing is said, so that the default holds. */
function isEmpty({ policies, flags, permissionSet }: PolicySpec): boolean {
  return policies.length === 0 && permissionSet === undefined &&
    Object.values(flags ?? {}).every((value) =>
      value === undefined || value === false
    );
}

function nameOf(policy: string): string {
  const text = toText(policy);
  if (text !== undefined) return text;
  throw new PolicyError(
    `Cannot read policy ${printable(policy)}: its name is not UTF-8`,
  );
}

/**
 * Loads one policy and all that it extends.
 *
 * @param policy its name or file, a byte string
 * @param variables what the variables stand for
 * @param here what a file is relative to, a byte string
 * @returns its layers, the most basic one first
 * @throws {PolicyError} where one cannot be used
 */
export async function loadLayers(
  policy: string,
  variables: Variables,
  here: string,
): Promise<readonly Layer[]> {
  const load = policyLoader((path) => Promise.resolve(readPolicy(path)));
  return await loadPolicy(nameOf(policy), {
    // Names in a policy are text, and those of files are bytes.
    load: (reference, from) => load(fromText(reference), from),
    variables,
    from: here,
  });
}

/** Reads a policy file, not much beyond what one may have. */
function readPolicy(path: string): Uint8Array | undefined {
  const bytes = readFile(path, MAX_SIZE + 1);
  if (typeof bytes !== "number") return bytes;
  const errno = errnoName(-bytes);
  if (-bytes === ENOENT || -bytes === ENOTDIR) return undefined;
  throw new PolicyError(`Cannot read policy ${printable(path)}: ${errno}`);
}

/** Finds a program that a flag names, as a shell does. */
function findInPath(
  name: string,
  program: Program,
  here: string,
): string | undefined {
  const found = which(
    name,
    variable(program.env, "PATH") ?? DEFAULT_PATH,
    (file) => canExecute(fromDirectory(here, file)),
  );
  return found.kind === "found" ? found.path : undefined;
}

/** The layer of a permission set of the nearest `deno.json`. */
async function permissionSet(
  set: string | true,
  here: string,
  find: (name: string) => string | undefined,
): Promise<Layer> {
  for (let dir = here;; dir = joinPath(dir, "..")) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fromDirectory(dir, name);
      const bytes = readPolicy(path);
      if (bytes === undefined) continue;
      return await permissionsLayer(new TextDecoder().decode(bytes), {
        source: dir === here ? name : toText(path) ?? printable(path),
        dir,
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
