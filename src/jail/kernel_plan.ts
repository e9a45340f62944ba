/** What the kernel alone holds of a policy on this machine, and what it does not. */

import { toCString } from "../abi/bytes.ts";
import {
  DEVICE_NUMBERS,
  isTerminalDevice,
  majorOf,
  minorOf,
} from "../abi/devices.ts";
import {
  DT_BLK,
  DT_CHR,
  DT_FIFO,
  DT_UNKNOWN,
  typeListed,
} from "../abi/dirent.ts";
import { EACCES, EINVAL } from "../abi/errno.ts";
import {
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  X_OK,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { S_IFBLK, S_IFCHR, S_IFMT, STAT } from "../abi/stat.ts";
import { UnsupportedError } from "../errors.ts";
import type { LimitName } from "../outcome.ts";
import type { RuleRef } from "../policy/decision.ts";
import { isWithin, pathIn } from "../policy/path/within.ts";
import { planCalls } from "../policy/plan/plan.ts";
import { unaskedPlan, type Unheld } from "../policy/plan/unasked.ts";
import type { Policy } from "../policy/policy.ts";
import { isReal } from "../policy/sys.ts";
import { type TreeFacts, treeOf } from "../policy/tree/tree.ts";
import { close, readLink, typeOf } from "../sys/files.ts";
import { ownUser } from "../sys/ids.ts";
import { landlockAbi } from "../sys/landlock.ts";
import { isBehindOthers, sharesOrphanedGroup } from "../sys/task/groups.ts";
import { told } from "../sys/told.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { walk } from "../sys/walk.ts";
import {
  controlGroups,
  otherProcs,
  overProc,
  procDevice,
  settingsElsewhere,
} from "../trace/path/mounts.ts";
import { floorFacts, type FloorPlace } from "./floor.ts";
import type { Locate } from "./locate.ts";

/** The kernel alone does not hold all of a policy. */
export class UnheldError extends UnsupportedError {
  /** What it does not hold. */
  readonly unheld: readonly Unheld[];

  /**
   * Makes one.
   *
   * @param unheld what it does not hold, what is told first in front
   * @param where says where a rule stands
   */
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
 * Says what a program may not write that the kernel alone holds, and others may,
 * where the policy could say so as well.
 */
export function stricterText(
  stricter: ReturnType<typeof treeOf>["stricter"],
): string | undefined {
  const [first, ...others] = stricter.filter(({ mayBeSaid }) => mayBeSaid);
  if (first === undefined) return undefined;
  const { rule: { source, text }, why } = first;
  const more = others.length === 0 ? "" : `; and ${others.length} more`;
  return `with --engine=kernel ${why} (${source}: ${text}${more}): ` +
    "see jail plan";
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
 * @param written files that it may write by what it is handed
 * @returns the tree, the plan, and what neither holds
 */
export function holdByKernel(
  policy: Policy,
  at: FloorPlace,
  foundBy: readonly string[] = [],
  written: readonly string[] = [],
): ReturnType<typeof unaskedPlan> & {
  readonly tree: ReturnType<typeof treeOf>;
} {
  const tree = treeOf(policy, treeFacts(policy, at, foundBy, written));
  const { plan, unheld } = unaskedPlan(
    // Other sockets are not handed to the program.
    planCalls(policy, { observe: false, sockets: "streams" }),
    policy,
    tree,
    { shareGroup: sharesOrphanedGroup(), haveTerminal: isBehindOthers() },
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
  written: readonly string[],
): TreeFacts {
  const facts = floorFacts(at, landlockAbi());
  const mounts = OWN_VIEW.mounts();
  return {
    ...facts,
    links: (path) => OWN_VIEW.links(path),
    target: (path) => {
      const target = readLink(path);
      if (typeof target === "string") return target;
      // It is no link.
      if (target !== -EINVAL) told(path, target);
      return undefined;
    },
    names: (path) => OWN_VIEW.names(path),
    walk: (from, enters, unlisted) =>
      walk(
        from,
        (directory, name) =>
          // The program has processes of its own.
          !(directory === "/" && name === "proc") && enters(directory, name),
        unlisted,
      ),
    procs: otherProcs(mounts, procDevice(mounts)).filter((path) =>
      !isWithin(path, "/proc")
    ),
    mounted: [
      ...new Set(
        mounts.filter(({ type, point }) =>
          // What is looked for there would be mounted.
          type !== "autofs" && !isWithin(point, "/proc")
        ).map(({ point }) => point),
      ),
    ],
    unlisted: unlistedIn,
    overProc: overProc(mounts),
    groups: controlGroups(mounts),
    settings: settingsElsewhere(mounts),
    isSetByReaders,
    pipe: pipeIn,
    devices: (path) => ownUser() === 0 ? devicesIn(path) : [],
    alone: net === "none",
    cwd: facts.realpath(at.cwd) ?? at.cwd,
    foundBy,
    written,
  };
}

/**
 * Directories of snapshots that no directory lists, by the names that file systems
 * give them; whether each directory may have one, or the topmost alone.
 */
const SNAPSHOTS: readonly (readonly [name: string, everywhere: boolean])[] = [
  // ZFS, `snapdir=hidden`.
  [".zfs", false],
  // Ceph; servers of NFS.
  [".snap", true],
  [".snapshot", true],
  ["~snapshot", true],
];

/** Which of those there are where something is mounted. */
function unlistedIn(top: string): ReadonlyMap<string, boolean> {
  const flags = O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  const found = new Map<string, boolean>();
  for (const [name, everywhere] of SNAPSHOTS) {
    const path = pathIn(top, name);
    // Where that cannot be told, nothing is listed either, and all is closed.
    const fd = OWN_VIEW.open(toCString(path), flags);
    if (fd < 0) continue;
    close(fd);
    let isListed = false;
    walk(top, (directory, one) => {
      isListed ||= directory === top && one === name;
      return false;
    }, () => {});
    if (!isListed) found.set(path, everywhere);
  }
  return found;
}

/**
 * The first pipe that is found at a path, or beneath it; or where one may be that
 * can be reached, and not be found.
 */
function pipeIn(path: string): string | undefined {
  let found = typeAt(path, DT_UNKNOWN) === DT_FIFO ? path : undefined;
  walk(path, (directory, name, type) => {
    if (found !== undefined) return false;
    const path = pathIn(directory, name);
    if (typeAt(path, type) === DT_FIFO) found = path;
    return true;
  }, (directory) => {
    if (OWN_VIEW.access(toCString(directory), X_OK) !== -EACCES) {
      found ??= directory;
    }
  });
  return found;
}

/** The devices beneath a directory. */
function devicesIn(path: string): string[] {
  const found: string[] = [];
  walk(path, (directory, name, type) => {
    const path = pathIn(directory, name);
    if ([DT_CHR, DT_BLK].includes(typeAt(path, type))) found.push(path);
    return true;
  }, () => {});
  return found;
}

/**
 * What is at a path, as `DT_*`: there are file systems whose directories do not list
 * it with the name.
 */
function typeAt(path: string, listed: number): number {
  if (listed !== DT_UNKNOWN) return listed;
  const flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  const fd = told(path, OWN_VIEW.open(toCString(path), flags));
  if (fd < 0) return DT_UNKNOWN;
  const type = typeOf(fd);
  close(fd);
  return type < 0 ? DT_UNKNOWN : typeListed(type);
}

const stat = new Uint8Array(STAT.size);

/** Whether a device is a disk, or a terminal that not any program may use. */
function isSetByReaders(path: string): boolean {
  if (DEVICE_NUMBERS.has(path)) return false;
  const result = told(path, OWN_VIEW.stat(toCString(path), stat));
  const device = get(STAT, stat, "st_rdev");
  const type = get(STAT, stat, "st_mode") & S_IFMT;
  if (result >= 0 && type === S_IFBLK) return true;
  if (result < 0 || type !== S_IFCHR) return false;
  if (isTerminalDevice(device)) return true;
  const name = `/sys/dev/char/${majorOf(device)}:${minorOf(device)}`;
  const kind = readLink(`${name}/subsystem`);
  return typeof kind === "string" && kind.endsWith("/tty");
}
