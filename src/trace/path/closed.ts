/** Files that are closed under every policy, and that only the tracer can tell. */

import {
  DEVICE_NUMBERS,
  isPseudoTerminal,
  majorOf,
  minorOf,
} from "../../abi/devices.ts";
import { ENOENT } from "../../abi/errno.ts";
import { get, getBig } from "../../abi/layout.ts";
import { S_IFCHR, S_IFMT, STAT } from "../../abi/stat.ts";
import type { Use } from "../../policy/call.ts";
import { isWithin, parentOf } from "../../policy/path/within.ts";
import { heedMounts, heedMove, mountsAge } from "../../sys/mounted.ts";
import { isOutside } from "../../sys/outside.ts";
import { OWN_VIEW, type View } from "../../sys/view.ts";
import type { Looked } from "../look/looked.ts";
import type { CallSpec } from "../look/spec.ts";
import type { LogFile, TraceOptions } from "../options.ts";
import { isGuarded } from "./automount.ts";
import { Given, isForMore } from "./given.ts";
import {
  controlGroups,
  couldBeMoved,
  isBeneath,
  mountsOf,
  otherProcs,
  procDevice,
  settingsElsewhere,
} from "./mounts.ts";
import { cString } from "./place.ts";
import { isTerminal, makesTerminals, Terminals } from "./terminals.ts";

const DEVICE = "a device may be written to, and never be changed itself";
const TERMINAL = "a terminal that is not the jail's own";
const GROUPS = "a control group: by it anybody is moved, stopped or killed";
const SETTING = "a setting of the kernel, mounted where none was at the start";
const DISGUISED =
  "a device in the root that is not a harmless one by its own name";
const LOG = "the audit log, by another name";
const OUTSIDE =
  "a file that no path leads to, for more than its descriptor is for";

const CARRIES =
  "a directory in which procfs, a control group or a setting is mounted";

/** Why a call is refused where nobody can tell what is mounted where. */
export const UNTOLD_MOUNTS = "what is mounted cannot be told";

const stat = new Uint8Array(STAT.size);

/** Knows which files are closed under every policy. */
export class Closed {
  readonly #view: View;
  readonly #terminals: Terminals;
  readonly #given: Given;
  readonly #receives: boolean;
  /** {@linkcode mountsAge} when it was looked where these are mounted. */
  #age = -1;
  #procs: readonly string[] = [];
  #groups: readonly string[] = [];
  /** Those of the start rules know. */
  #knownSettings: readonly string[] | undefined;
  #settings: readonly string[] = [];
  /** Where all of these are mounted, and those that rules know. */
  #all: readonly string[] = [];
  /** Which file systems these are: `major:minor`. */
  #devices: ReadonlySet<string> = new Set();
  /** Whether somebody outside could move one of these, and nobody would hear of it. */
  #unsteady = false;
  readonly #log: LogFile | undefined;

  /**
   * Makes one.
   *
   * @param view where paths begin
   * @param fds the descriptors of this process that the program gets
   * @param processes the processes of the jail
   * @param options the audit log, if there is one; whether descriptors may come later
   */
  constructor(
    view: View,
    fds: readonly number[],
    processes: () => Iterable<number>,
    { log, receives = false }: Pick<TraceOptions, "log" | "receives">,
  ) {
    this.#view = view;
    this.#receives = receives;
    this.#log = log;
    this.#terminals = new Terminals(view, fds, processes);
    this.#given = new Given(view, fds);
  }

  /**
   * Why a call is refused whatever the policy says, if it is. Where it is not,
   * {@linkcode Looked.held} is to be closed when the call is over.
   *
   * @param looked what the call means
   * @param spec which call it is
   * @param caller the process that makes it
   * @param answered whether it waits for an answer: none is given about another
   *   procfs, so it does not have to be asked whether one came
   */
  why(
    looked: Looked,
    spec: CallSpec,
    caller: number,
    answered = false,
  ): string | undefined {
    if (this.#unsteady && !answered && this.#isAboutThem(looked)) heedMove();
    const age = answered ? mountsAge() : heedMounts();
    if (!this.#knowsMounts(age)) return UNTOLD_MOUNTS;
    // Another jail could be about to open what is in there by its name.
    const carries = looked.moves.some(({ from, tree }) =>
      tree && this.#all.some((point) => isWithin(point, from))
    );
    if (carries) return CARRIES;
    const changes = looked.open === undefined && !spec.asks;
    for (const use of looked.uses) {
      if (this.#given.exceeds(use)) {
        return "a pipe that jail was started with, and only for the other way";
      }
      const { access, kind, path } = use;
      if (access === "stat") continue;
      const via = looked.paths[0]?.place.via ?? looked.descriptor;
      // What can only be the jail's own may be opened for anything.
      const foreign = this.#receives && kind === "object";
      if (foreign && isForMore(use, via)) return OUTSIDE;
      // What lies outside may be used by the descriptor that was given alone: by
      // its name in /proc it could be opened for more, and changed.
      if (
        isOutside(path) &&
        (changes && access === "write" || !this.#given.covers(use))
      ) {
        return OUTSIDE;
      }
      if (kind !== "device") {
        const spoilsLog = access === "write" ||
          (access === "read" && this.#log?.isPipe === true);
        if (spoilsLog && this.#isLog(path)) return LOG;
        if (access !== "write") continue;
        if (isBeneath(path, this.#groups)) return GROUPS;
        if (isBeneath(path, this.#settings)) return SETTING;
        continue;
      }
      if (this.#isDisguised(path)) return DISGUISED;
      const alters = changes && access === "write";
      if (!isTerminal(path)) {
        // By its other side whoever made a terminal says how large it is.
        const sizes = spec.syscall.name === "ioctl" && makesTerminals(path);
        if (alters && !sizes) return DEVICE;
        continue;
      }
      if (!alters && this.#terminals.isGiven(path)) continue;
      if (!this.#holds(looked, path, caller)) return alters ? DEVICE : TERMINAL;
    }
    if (this.#procs.length === 0) return undefined;
    return looked.paths.some(({ place }) => isBeneath(place.path, this.#procs))
      ? "procfs elsewhere than at /proc"
      : undefined;
  }

  /**
   * Whether it is known where procfs, settings and control groups are mounted: whoever
   * moves a directory takes along what is mounted in it.
   *
   * @param age what `heedMounts()` said
   */
  #knowsMounts(age: number): boolean {
    if (this.#age === age) return true;
    const mounts = mountsOf(this.#view, age);
    const own = mountsOf(OWN_VIEW, age);
    if (mounts === undefined || own === undefined) return false;
    this.#procs = otherProcs(mounts, procDevice(own));
    this.#groups = controlGroups(mounts);
    const settings = settingsElsewhere(mounts);
    const known = this.#knownSettings ??= settings;
    this.#settings = settings.filter((point) => !known.includes(point));
    this.#all = [...this.#procs, ...this.#groups, ...settings];
    this.#unsteady = couldBeMoved(mounts, this.#all);
    this.#devices = new Set(
      mounts.filter(({ point }) => this.#all.includes(point))
        .map(({ device }) => device),
    );
    this.#age = age;
    return true;
  }

  /**
   * Whether a call is about something in one of these file systems, wherever that is by
   * now, or moves a directory. To ask what is mounted takes long, where that is much.
   */
  #isAboutThem({ moves, paths, uses }: Looked): boolean {
    const names = [
      ...uses.map(({ path }) => path),
      ...paths.map(({ place }) => place.path),
    ];
    return moves.some(({ tree }) => tree) ||
      names.some((name) => name.startsWith("/") && this.#isInThem(name));
  }

  /** Whether a path leads into one of these file systems, or nobody can tell. */
  #isInThem(path: string): boolean {
    if (isGuarded(this.#view, path)) return true;
    let result = this.#view.stat(cString(path), stat);
    if (result === -ENOENT) {
      result = this.#view.stat(cString(parentOf(path)), stat);
    }
    if (result < 0) return true;
    const device = get(STAT, stat, "st_dev");
    return this.#devices.has(`${majorOf(device)}:${minorOf(device)}`);
  }

  /**
   * Whether a terminal is one that the jail made, by either of its sides. The
   * descriptor of it that a caller has keeps its name, so jail does not.
   */
  isMade({ path }: Use, caller: number): boolean {
    return makesTerminals(path) || this.#terminals.isMade(path, caller);
  }

  /** Whether what a use means came with the jail's start, and has no path. */
  isGiven(use: Use): boolean {
    return this.#given.has(use);
  }

  /** The jail is no more. */
  close(): void {
    this.#terminals.close();
  }

  /**
   * Whether a device in a root directory that somebody else filled is none of
   * those that rules take for harmless, by the names that they have. Any other
   * could lie where a rule means a file, and be the machine's disk.
   */
  #isDisguised(path: string): boolean {
    if (this.#view.isOwn || isOutside(path)) return false;
    const known = DEVICE_NUMBERS.get(path);
    if (known === undefined && !isTerminal(path)) return true;
    if (this.#view.stat(cString(path), stat) < 0) return true;
    const device = get(STAT, stat, "st_rdev");
    const isCharacter = (get(STAT, stat, "st_mode") & S_IFMT) === S_IFCHR;
    return !isCharacter ||
      (known === undefined ? !isPseudoTerminal(device) : known !== device);
  }

  /** Whether a path leads to the audit log: a link that it had, another mount. */
  #isLog(path: string): boolean {
    const log = this.#log;
    return log !== undefined && path !== log.path &&
      !isGuarded(this.#view, path) &&
      this.#view.stat(cString(path), stat) >= 0 &&
      getBig(STAT, stat, "st_ino") === log.inode &&
      getBig(STAT, stat, "st_dev") === log.device;
  }

  /** Whether a terminal is one that the jail made, which is held then. */
  #holds(looked: Looked, path: string, caller: number): boolean {
    if (looked.held === undefined) {
      const fd = this.#terminals.hold(path, caller);
      if (fd >= 0) looked.held = { path, fd };
    }
    return looked.held?.path === path;
  }
}
