/** From what a user names to one policy: files, flags, a permission set. */

import { fromBytes } from "../abi/bytes.ts";
import { LaunchError, SystemCallError, UsageError } from "../errors.ts";
import type { RuleRef } from "../policy/decision.ts";
import { joinPath } from "../policy/file/extend.ts";
import { Fault } from "../policy/file/fault.ts";
import { flagsLayer, type PermissionFlags } from "../policy/file/flags.ts";
import { asPolicyError } from "../policy/file/parse.ts";
import { MAX_SIZE } from "../policy/file/text.ts";
import type { Variables } from "../policy/file/variables.ts";
import type { Limits } from "../policy/limits.ts";
import { mergeLayers, takesNothingBack } from "../policy/merge.ts";
import type { Net } from "../policy/net/net.ts";
import { EMPTY_LAYER, type Layer, type Policy } from "../policy/policy.ts";
import { readFile } from "../sys/files.ts";
import { checkLauncher } from "../sys/host.ts";
import { ownUser } from "../sys/ids.ts";
import type { Root } from "../sys/launch/root.ts";
import { ownEnvironment } from "../sys/proc.ts";
import { told } from "../sys/told.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { canExecute, whichAll } from "../sys/which.ts";
import { fileDecider } from "./doubted.ts";
import { doubts, netDoubts } from "./doubts.ts";
import { mustStayInside } from "./inside.ts";
import { insideOf, loadLayers, permissionSet } from "./layers.ts";
import { checkZones } from "./net.ts";
import { ownCode, policyFiles } from "./precious.ts";
import {
  DEFAULT_PATH,
  findProgram,
  fromDirectory,
  type Program,
  variable,
} from "./program.ts";
import { enterRoot, OWN_ROOT } from "./root.ts";
import type { TemporaryDirectory } from "./temporary.ts";
import { mustCloseWhole } from "./whole.ts";
import { closedDoubts, workingDoubts } from "./write_doubts.ts";

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
  /** The root directory, a path relative to where jail is started, a byte string. */
  readonly root?: string | undefined;
}

/** What is to run, and all that it runs under. */
export interface Loaded {
  /** The policy. */
  readonly policy: Policy;
  /** The program, with its working directory as it sees that. */
  readonly program: Program;
  /** What it has as its root directory, to be closed when it is gone. */
  readonly root: Root;
  /** What of the policy refuses less than a reader may think. */
  readonly doubts: readonly string[];
}

/** The built-in policy that holds where nothing is said. */
const DEFAULT_POLICY = "default";

/**
 * What permissions alone add to: the program itself starts, as with Deno, whose
 * own code needs no permission.
 */
const START_POLICY = "minimal";

/** What they add to besides where they let hosts be found by name, as with Deno. */
const HOSTS_POLICY = "hosts";

/** Where users are listed, with their home directories: passwd(5). */
const USERS = "/etc/passwd";

/** What a variable stands for that has no value: a path that leads nowhere. */
const NOWHERE = "/dev/null/none";

/**
 * Loads a policy, with all that it extends.
 *
 * Policies come in their order, then the permission set, then flags, and what
 * holds of the temporary directory if one of them names it. Names of files are
 * relative to `here`, as are values of flags; `${cwd}` is the program's. Where
 * there is a root directory, all paths of rules are meant in there.
 *
 * @param spec what the policy is made of
 * @param program what is to run under it
 * @param here the working directory of who asks, a byte string
 * @param temporary what `${tmp}` stands for
 * @returns the policy, and what it holds for
 * @throws {PolicyError} where a policy cannot be used
 * @throws {UsageError} where flags make no sense
 * @throws {LaunchError} where the program is not found
 * @throws {SystemCallError} where a temporary directory cannot be made, or the
 *   root is no directory
 * @throws {UnsupportedError} where this process may not give it that root, or
 *   there is no launcher for this machine
 */
export async function loadSpec(
  spec: PolicySpec,
  program: Program,
  here: string,
  temporary: TemporaryDirectory,
): Promise<Loaded> {
  // Before anything is looked at: without one some layouts are another machine's.
  checkLauncher();
  let root = OWN_ROOT;
  try {
    const outside = { ...program, cwd: realDirectory(program.cwd, here) };
    const enter = (directory: string): Program => {
      root = enterRoot(fromDirectory(here, directory));
      temporary.enter(root.view);
      return { ...outside, cwd: root.view.fromOutside(outside.cwd) ?? "/" };
    };
    let inside = spec.root === undefined ? outside : enter(spec.root);
    let layers = await policyLayers(spec, inside, here, temporary, root.view);
    const naming = layers.findLast((layer) => layer.root !== undefined);
    if (spec.root === undefined && naming?.root !== undefined) {
      const { path, ref } = naming.root;
      try {
        inside = enter(path);
      } catch (error) {
        throw await whereItStands(error, ref, naming);
      }
      layers = await policyLayers(spec, inside, here, temporary, root.view);
    }
    await mustCloseWhole(layers, root.view);
    mustStayInside(layers, inside.cwd, root.view);
    findProgram(inside, root.view);
    const others = await otherLayers(spec, inside, here, root.view);
    if (isAlone(spec) && others.some(({ net }) => findsHosts(net))) {
      layers.push(...await loadLayers(HOSTS_POLICY, {}, here));
    }
    layers.push(...others);
    if (!isAlone(spec)) await mustTakeNothingBack(layers);
    const policy = mergeLayers([...layers, ...temporary.layers]);
    const home = homeIn(program.env);
    const near = [inside.cwd, ...home === undefined ? [] : [home]];
    const precious = {
      home: home === undefined ? undefined : root.view.realpath(home),
      code: ownCode(here, root.view),
      policies: policyFiles(
        layers,
        spec.permissionSet !== undefined,
        here,
        root.view,
      ),
    };
    const checked = await checkZones(policy);
    const decide = fileDecider(checked, root.view);
    const options = { view: root.view, decide };
    return {
      ...{ policy: checked, program: inside, root },
      doubts: [
        ...doubts(layers, { ...options, near }),
        ...workingDoubts(checked, inside.cwd, precious, options),
        ...closedDoubts(checked, options),
        ...netDoubts(checked),
      ],
    };
  } catch (error) {
    root.close();
    throw error;
  }
}

/** The error of a root directory that is none, with where the policy names it. */
async function whereItStands(
  error: unknown,
  ref: RuleRef,
  layer: Layer,
): Promise<unknown> {
  if (!(error instanceof SystemCallError)) return error;
  const fault = new Fault(
    ref.keys,
    `no directory can be opened: ${error.call} failed with ${error.errno}`,
    { hint: "name a directory, as it is outside of the root" },
  );
  return await asPolicyError(fault, ref.source, textOf(layer, ref));
}

/** The text of a layer that has a rule. */
function textOf({ sources }: Layer, { source }: RuleRef): string {
  return sources.find(({ name }) => name === source)?.text ?? "";
}

/** The layers of the policies that are named. */
async function policyLayers(
  spec: PolicySpec,
  program: Program,
  here: string,
  temporary: TemporaryDirectory,
  view: View,
): Promise<Layer[]> {
  const home = homeIn(program.env) ?? homeIn(ownEnvironment()) ??
    homeOf(ownUser()) ?? NOWHERE;
  let real: string | undefined;
  const variables: Variables = {
    cwd: joinPath("/", program.cwd),
    home,
    tmp: () => temporary.path,
    program: () => real ??= realProgram(program, view),
  };
  const outside = view.isOwn ? variables : { cwd: here, home };
  const layers: Layer[] = [];
  for (const policy of policiesOf(spec)) {
    if (typeof policy === "string") {
      const inside = (path: string): string | undefined => insideOf(path, view);
      layers.push(
        ...await loadLayers(policy, variables, here, { outside, inside }),
      );
    } else {
      layers.push({ ...policy, extends: [] });
    }
  }
  return layers;
}

/**
 * Refuses a `false` that seems to take back what layers before it allow.
 *
 * @param layers all that a policy is made of
 * @throws {PolicyError} where there is one in a file
 * @throws {UsageError} where a permission set or a flag has it
 */
export async function mustTakeNothingBack(
  layers: readonly Layer[],
): Promise<void> {
  const found = takesNothingBack(layers);
  if (found === undefined) return;
  const { layer, ref } = found;
  const why = "false takes nothing back that policies before it allow";
  const hint = "write {deny: true} to refuse everything";
  if (layer.sources.length === 0) {
    throw new UsageError(`Cannot use ${ref.source.slice(2)}: ${why}`, hint);
  }
  const fault = new Fault(ref.keys, why, { hint });
  throw await asPolicyError(fault, ref.source, textOf(layer, ref));
}

/**
 * The real path of a program's working directory. That of who asks is one: looked up
 * again it could be a link by now, which another jail has put there.
 */
function realDirectory(cwd: string, here: string): string {
  return cwd === here ? here : OWN_VIEW.realpath(cwd) ?? joinPath("/", cwd);
}

/**
 * The real path of a program. Where it is not there, it may be in a root directory
 * that is named further on; until then it is a path that leads nowhere.
 */
function realProgram(program: Program, view: View): string {
  try {
    return findProgram(program, view).real;
  } catch (error) {
    if (error instanceof LaunchError) return NOWHERE;
    throw error;
  }
}

/** The layers of a permission set, of flags and of limits. */
async function otherLayers(
  spec: PolicySpec,
  program: Program,
  here: string,
  view: View,
): Promise<Layer[]> {
  const layers: Layer[] = [];
  const cwd = view.isOwn ? here : program.cwd;
  const find = (name: string): readonly string[] =>
    findInPath(name, program, cwd, view);
  if (spec.permissionSet !== undefined) {
    layers.push(await permissionSet(spec.permissionSet, here, view, find));
  }
  if (spec.flags !== undefined) {
    layers.push(flagsLayer(spec.flags, { cwd, which: find }));
  }
  if (spec.limits !== undefined) {
    layers.push({ ...EMPTY_LAYER, limits: spec.limits });
  }
  return layers;
}

/** The policies that a run has, in their order. */
function policiesOf(spec: PolicySpec): PolicySpec["policies"] {
  if (isEmpty(spec)) return [DEFAULT_POLICY];
  return isAlone(spec) ? [START_POLICY] : spec.policies;
}

/** Whether permissions are all that is said, and do not allow everything. */
function isAlone(spec: PolicySpec): boolean {
  const { policies, flags } = spec;
  return policies.length === 0 && !isEmpty(spec) &&
    (flags === undefined || !isEverything(flags));
}

/** Whether rules about the network let something be reached by a name. */
function findsHosts(net: Net | undefined): boolean {
  if (typeof net !== "object") return net === "all";
  return net.connect.allow.some(({ patterns: [pattern, another] }) =>
    pattern?.kind === "all" || pattern?.kind === "any" ||
    // Only `localhost` is two.
    pattern?.kind === "name" || another !== undefined
  );
}

/** Whether flags allow everything, but for what they deny and ignore. */
function isEverything({ allowAll, ...others }: PermissionFlags): boolean {
  return allowAll === true &&
    Object.values(others).every((values) => values?.allow === undefined);
}

/** Whether nothing is said, so that the default holds. */
function isEmpty({ policies, flags, permissionSet }: PolicySpec): boolean {
  return policies.length === 0 && permissionSet === undefined &&
    Object.values(flags ?? {}).every((value) =>
      value === undefined || value === false
    );
}

/** The home directory that an environment names. */
function homeIn(env: readonly string[]): string | undefined {
  const home = variable(env, "HOME");
  // With "/." at its end it would mean the directory alone.
  return home?.startsWith("/") ? joinPath("/", home) : undefined;
}

/** The home directory of a user, as /etc/passwd has it. */
function homeOf(uid: number | null): string | undefined {
  const bytes = readFile(USERS, MAX_SIZE);
  if (typeof bytes === "number") {
    told(USERS, bytes);
    return undefined;
  }
  // name:password:uid:gid:comment:home:shell, passwd(5)
  return fromBytes(bytes).split("\n").map((line) => line.split(":"))
    .find((fields) => fields[2] === String(uid))?.[5] || undefined;
}

/** Finds the programs that a flag means by a name, as a shell does. */
function findInPath(
  name: string,
  program: Program,
  cwd: string,
  view: View,
): readonly string[] {
  return whichAll(
    name,
    variable(program.env, "PATH") ?? DEFAULT_PATH,
    (file) => canExecute(fromDirectory(cwd, file), view),
  );
}
