/** A run that the kernel alone holds: no call is caught, nobody is asked. */

import { printable, toCString } from "../abi/bytes.ts";
import { DT_FIFO, DT_UNKNOWN } from "../abi/dirent.ts";
import { O_CLOEXEC, O_NOFOLLOW, O_PATH } from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import {
  LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET,
  LANDLOCK_SCOPE_SIGNAL,
} from "../abi/landlock.ts";
import { S_IFIFO, S_IFMT, STAT } from "../abi/stat.ts";
import { LaunchError, UnsupportedError } from "../errors.ts";
import type { LimitName, Outcome } from "../outcome.ts";
import { compile } from "../policy/decide.ts";
import type { RuleRef } from "../policy/decision.ts";
import { passed, withValues } from "../policy/env.ts";
import { isWithin } from "../policy/grants.ts";
import { planCalls } from "../policy/plan.ts";
import type { Policy } from "../policy/policy.ts";
import { remembered } from "../policy/remembered.ts";
import type { Realpath } from "../policy/rules.ts";
import { isReal } from "../policy/sys.ts";
import { type TreeFacts, treeOf } from "../policy/tree.ts";
import { unaskedPlan, type Unheld } from "../policy/unasked.ts";
import { close, fstat, readLink } from "../sys/files.ts";
import { hostArch } from "../sys/host.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import { createRuleset, landlockAbi, restrictSelf } from "../sys/landlock.ts";
import { openTree, type Tree } from "../sys/tree.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { walk } from "../sys/walk.ts";
import { eachName } from "../sys/directory.ts";
import { assemble } from "../trace/filter.ts";
import { controlGroups, otherProcs, procDevice } from "../trace/mounts.ts";
import { runUntraced } from "../trace/untraced.ts";
import { floorFacts, type FloorPlace } from "./floor.ts";
import { checkHanded, handed } from "./handed.ts";
import type { Job, JobHooks } from "./job.ts";
import type { Locate } from "./locate.ts";
import {
  asScript,
  findProgram,
  type FoundProgram,
  fromDirectory,
  hintOf,
  planLaunch,
  type Program,
  variable,
} from "./program.ts";
import { whyNot } from "./root.ts";

/** The kernel alone does not hold all of a policy. */
class UnheldError extends UnsupportedError {
  /** What it does not hold. */
  readonly unheld: readonly Unheld[];

  constructor(
    unheld: readonly Unheld[],
    where: (rule: RuleRef) => string = ({ source }) => source,
  ) {
    const [first, ...others] = unheld.map(({ rule, why }) =>
      `${where(rule)}: ${rule.text}: ${why}`
    );
    const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
    super(
      `Cannot hold this policy by the kernel alone: ${first}${more}`,
      "--engine=auto asks at each call, and holds all; " +
        "jail plan POLICY tells of each rule",
    );
    this.unheld = unheld;
  }
}

/**
 * Makes an error say where the rules stand that it is about.
 *
 * @param error what a run ended with
 * @param find finds the place of a rule
 * @returns another error, or the same where it is about none
 */
export async function withPlaces(
  error: unknown,
  find: () => Locate | Promise<Locate>,
): Promise<unknown> {
  if (!(error instanceof UnheldError)) return error;
  const locate = await find();
  return new UnheldError(error.unheld, (rule) => {
    const position = locate(rule);
    return position === undefined
      ? rule.source
      : `${position.file}:${position.line}:${position.column}`;
  });
}

/** Landlock holds signals, and abstract sockets, from Linux 6.12 on. */
export const LEAST_ABI = 6;

/** What does not leave the jail, not even to the program's process group. */
const SCOPED = LANDLOCK_SCOPE_SIGNAL | LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET;

/** Limits that the kernel holds by itself, and the time, which a clock does. */
const HELD_LIMITS: ReadonlySet<LimitName> = new Set<LimitName>([
  "address-space",
  "file-size",
  "open-files",
  "time",
]);

/**
 * What a policy is held by where nobody is asked.
 *
 * @param policy the policy
 * @param at where the program runs
 * @param foundBy the links by which the program is found, and where it works
 * @returns the tree, the plan, and what neither holds
 */
export function holdByKernel(
  policy: Policy,
  at: FloorPlace,
  foundBy: readonly string[] = [],
): ReturnType<typeof unaskedPlan> & {
  readonly tree: ReturnType<typeof treeOf>;
} {
  const tree = treeOf(policy, treeFacts(policy, at, foundBy));
  const { plan, unheld } = unaskedPlan(
    // Other sockets are not handed to the program.
    planCalls(policy, { observe: false, sockets: "streams" }),
    policy,
    tree,
  );
  return {
    tree,
    plan,
    unheld: worthTelling([
      ...otherUnheld(policy),
      ...unheld,
      ...tree.unheld,
    ]),
  };
}

/** What somebody wrote comes first, and the same is told once. */
function worthTelling(unheld: readonly Unheld[]): Unheld[] {
  const isOwn = ({ rule }: Unheld): boolean => rule.source === "jail";
  const told = new Map(
    unheld.map((one) => {
      const { rule: { source, keys, text }, why } = one;
      // By which calls jail would do it is nothing that a reader could change.
      const at = isOwn(one) ? [] : keys;
      return [JSON.stringify([source, at, text, why]), one];
    }),
  );
  const all = [...told.values()];
  return [...all.filter((one) => !isOwn(one)), ...all.filter(isOwn)];
}

/** What is about neither files nor calls. */
function otherUnheld({ limits, sys }: Policy): Unheld[] {
  const unheld: Unheld[] = [];
  for (const [name, limit] of Object.entries(limits)) {
    if (HELD_LIMITS.has(name as LimitName)) continue;
    const rule = limit.ref ??
      { source: "jail", keys: ["limits", name], text: name };
    unheld.push({ rule, why: "nobody is there to count" });
  }
  if (!isReal(sys)) {
    unheld.push({
      rule: { source: "jail", keys: ["sys"], text: "sys" },
      why: "nobody is there to tell what is not real",
    });
  }
  return unheld;
}

function treeFacts(
  { net }: Policy,
  at: FloorPlace,
  foundBy: readonly string[],
): TreeFacts {
  const facts = floorFacts(at, landlockAbi());
  const mounts = OWN_VIEW.mounts();
  return {
    ...facts,
    links: (path) => OWN_VIEW.links(path),
    target: (path) => {
      const target = readLink(path);
      return typeof target === "string" ? target : undefined;
    },
    names: (path) => [...eachName(path)],
    walk: (from, enters) =>
      walk(
        from,
        (directory, name) =>
          // The program has processes of its own.
          !(directory === "/" && name === "proc") && enters(directory, name),
      ),
    procs: otherProcs(mounts, procDevice(mounts)).filter((path) =>
      !isWithin(path, "/proc")
    ),
    groups: controlGroups(mounts),
    pipe: pipeIn,
    alone: net === "none",
    cwd: facts.realpath(at.cwd) ?? at.cwd,
    foundBy,
  };
}

/** The first pipe that is found at a path, or beneath it. */
function pipeIn(path: string): string | undefined {
  let found = isPipe(path) ? path : undefined;
  walk(path, (directory, name, type) => {
    if (found !== undefined) return false;
    const path = `${directory === "/" ? "" : directory}/${name}`;
    if (type === DT_FIFO || (type === DT_UNKNOWN && isPipe(path))) found = path;
    return true;
  });
  return found;
}

const status = new Uint8Array(STAT.size);

function isPipe(path: string): boolean {
  const fd = OWN_VIEW.open(toCString(path), O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const mode = fstat(fd, status) < 0 ? 0 : get(STAT, status, "st_mode");
  close(fd);
  return (mode & S_IFMT) === S_IFIFO;
}

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param job what to run, under what
 * @param hooks what to hear of it
 * @returns how it ended
 * @throws {LaunchError} where the program could not be started
 * @throws {UnsupportedError} where the kernel of this machine does not hold it
 */
export function runByKernel(job: Job, hooks: JobHooks): Outcome {
  checkHooks(job, hooks);
  const found = findProgram(job.program, OWN_VIEW);
  try {
    const hint = hintOf(found, OWN_VIEW) ?? WHICH_RULE;
    return runIn(job, hooks, job.program, hint);
  } catch (error) {
    if (!(error instanceof LaunchError) || error.errno !== "ENOEXEC") {
      throw error;
    }
    const script = asScript(job.program, found, OWN_VIEW);
    if (script === undefined) throw error;
    return runIn(job, hooks, script.program, NO_INTERPRETER);
  }
}

const WHICH_RULE =
  "where the policy is the reason, --engine=auto --report shows which rule";

/** Finds a program in the tree, which was found outside. */
function findInside(program: Program, view: View): FoundProgram {
  try {
    return findProgram(program, view);
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    const { call, errno, exitCode } = error;
    const name = printable(program.name);
    throw new LaunchError(name, call, errno, exitCode, WHICH_RULE);
  }
}

const NO_INTERPRETER =
  "it has no #! line, so /bin/sh runs it, which the policy must allow";

function runIn(
  job: Job,
  hooks: JobHooks,
  program: Program,
  hint: string | undefined,
): Outcome {
  const { policy } = job;
  const realpath = remembered((path) => OWN_VIEW.meant(path));
  compile(policy, {
    realpath,
    links: (path) => OWN_VIEW.links(path),
    closedOnTheWay: (path) => OWN_VIEW.closedOnTheWay(path),
    interfaceIndex,
  });
  const inside = (env: readonly string[]): readonly string[] =>
    job.temporary?.environment(env) ?? env;
  const fds = [...program.stdio, ...program.keepFds];
  fds.forEach(checkHanded);
  const found = findProgram(program, OWN_VIEW);
  const { plan, tree: { floor, nodes }, unheld } = holdByKernel(policy, {
    env: inside(program.env),
    cwd: program.cwd,
    program: found.real,
    view: OWN_VIEW,
    realpath,
  }, [
    ...OWN_VIEW.links(fromDirectory(program.cwd, found.path)),
    ...OWN_VIEW.links(workedIn(program, realpath)),
  ]);
  if (unheld.length > 0) throw new UnheldError(unheld);
  using tree = makeTree({ nodes, alone: policy.net === "none" });
  const { view } = tree;
  if (view.realpath(program.cwd) === undefined) {
    throw new UnsupportedError(
      `Cannot work in ${printable(program.cwd)}: no rule lets it be read, ` +
        "so it is not there",
      "--allow-read=. lets it be read, --cwd=DIR works in another one",
    );
  }
  const where = findInside(program, view);
  const open = fds.flatMap(handed);
  const most = Math.max(2, ...program.keepFds);
  const { handledFs } = floor;
  // A descriptor that comes from outside leads to what is outside, perhaps by the
  // names of the tree: nothing is opened that is not beneath the tree's own root.
  const rulesets = [
    { handledFs, rules: [{ path: "/", access: handledFs }], scoped: 0 },
    { ...floor, scoped: SCOPED },
  ].map((held) => createRuleset({ ...held, handledNet: 0, open }, most, view));
  try {
    const env = withValues(
      policy.env,
      inside(passed(policy.env, program.env)),
    );
    return runUntraced({
      launch: planLaunch(
        program,
        where,
        env,
        assemble(plan, hostArch()),
        undefined,
        policy.limits,
        rulesets.map(restrictSelf),
        tree,
      ),
      tree,
      program: printable(program.name),
      hint,
      limits: policy.limits,
      waitAll: job.waitAll,
      started: hooks.started,
      stopped: hooks.stopped,
      measured: hooks.measured,
    });
  } finally {
    rulesets.forEach(close);
  }
}

/** The name of the working directory: shells keep the one with links in PWD. */
function workedIn({ env, cwd }: Program, realpath: Realpath): string {
  const pwd = variable(env, "PWD");
  return pwd?.startsWith("/") && realpath(pwd) === realpath(cwd) ? pwd : cwd;
}

/** What nobody can do who is not asked. */
function checkHooks(job: Job, { observe }: JobHooks): void {
  const needs = observe !== undefined
    ? "tell of decisions"
    : job.onDeny !== "errno"
    ? `do --on-deny=${job.onDeny}`
    : job.landlock === false
    ? "do without Landlock"
    : !job.root.view.isOwn
    ? "give the program a root directory"
    : undefined;
  if (needs !== undefined) {
    throw new UnsupportedError(
      `Cannot ${needs} with --engine=kernel: no call is caught`,
      "--engine=auto catches those that have to be looked at",
    );
  }
  const abi = landlockAbi();
  if (abi >= LEAST_ABI) return;
  throw new UnsupportedError(
    `Cannot use --engine=kernel: Landlock's version is ${abi} here, and ` +
      `${LEAST_ABI} is needed`,
    "use Linux 6.12 or newer, with landlock in the kernel's lsm= list",
  );
}

function makeTree(options: Parameters<typeof openTree>[0]): Tree {
  const tree = openTree(options);
  if ("steps" in tree) return tree;
  throw new UnsupportedError(
    `Cannot use --engine=kernel: ${whyNot(tree)}`,
    "start jail as root, or let users make namespaces " +
      "(user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns)",
  );
}
