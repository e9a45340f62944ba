/**
 * The file system tree that holds a policy's rules about files without a question.
 *
 * Where a rule begins, something is mounted: what may be read as it is, what may
 * not be written so that it cannot be, what is closed with nothing behind its name.
 * What no rule allows is not there. The tree is of the moment at which it is made:
 * it holds what the program does, and knows nothing of what others do meanwhile.
 */

import * as landlock from "../abi/landlock.ts";
import type { RuleRef } from "./decision.ts";
import type { Floor } from "./floor.ts";
import type { Glob } from "./glob.ts";
import {
  FILE_ACCESS,
  type FloorFacts,
  type Grant,
  isProc,
  isWithin,
  parentOf,
  READ,
  rootOf,
  RUN,
  WRITE,
} from "./grants.ts";
import {
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "./policy.ts";
import { realGlobs } from "./rules.ts";
import { closedProcesses } from "./tree_processes.ts";
import { outermost, type Pattern, search, type Walk } from "./tree_search.ts";
import type { Unheld } from "./unasked.ts";

/** What {@linkcode treeOf} has to know about the machine. */
export interface TreeFacts
  extends Pick<FloorFacts, "abi" | "realpath" | "kind" | "loaders"> {
  /** The links by which a path leads to a file, without links on the way. */
  readonly links: (path: string) => readonly string[];
  /** What a link says. */
  readonly target: (path: string) => string | undefined;
  /** The names in a directory. */
  readonly names: (path: string) => readonly string[];
  /** Looks at all that is beneath a directory, but for /proc. */
  readonly walk: Walk;
  /** Where processes of the machine are seen, other than in /proc. */
  readonly procs: readonly string[];
  /** Where control groups are: by them anybody is moved, stopped or killed. */
  readonly groups: readonly string[];
  /** Finds a pipe that has a name: a path, or something beneath it. */
  readonly pipe: (path: string) => string | undefined;
  /** Whether the program has a network of its own, with nothing in it. */
  readonly alone: boolean;
  /** Where the program works, a real path. */
  readonly cwd: string;
  /**
   * The links by which the program is found, and where it works, without links on
   * the way.
   */
  readonly foundBy: readonly string[];
}

/** One name in a tree. Those above it come before it. */
export type TreeNode =
  /** A directory that has nothing but what other nodes put there. */
  | { readonly kind: "directory"; readonly path: string }
  /** A link. */
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  /** What the machine has by the same name, and all that is beneath. */
  | {
    readonly kind: "bind";
    readonly path: string;
    /** What it is. */
    readonly is: "directory" | "file" | "device";
    /** Whether a node above has a name for it already. */
    readonly there: boolean;
    /** Whether it may be changed. */
    readonly write: boolean;
    /** Whether nothing is executed there, by a loader neither. */
    readonly noRun: boolean;
  }
  /** A name that is seen, with nothing behind it that can be opened. */
  | {
    readonly kind: "closed";
    readonly path: string;
    readonly is: "directory" | "file";
  }
  /** The processes of a PID namespace. */
  | { readonly kind: "processes"; readonly path: string }
  /** Terminals that are made in there. */
  | { readonly kind: "terminals"; readonly path: string };

/** A tree, and what goes with it. */
export interface PolicyTree {
  /** What is in it. */
  readonly nodes: readonly TreeNode[];
  /** What may be done with that, for Landlock; paths are of the tree. */
  readonly floor: Pick<Floor, "handledFs" | "rules">;
  /** Whether every file may be executed. */
  readonly runsEverything: boolean;
  /** Whether there is a file in it that may be changed, and is no device. */
  readonly changes: boolean;
  /** What it does not hold. */
  readonly unheld: readonly Unheld[];
}

/**
 * Makes the tree of a policy.
 *
 * @param policy the merged policy
 * @param facts what to know about the machine
 * @returns the tree
 */
export function treeOf(policy: Policy, facts: TreeFacts): PolicyTree {
  return new Maker(policy, facts).make();
}

/** Devices that any program may use, and expects, where it may use everything. */
const DEVICES: readonly string[] = [
  "full",
  "null",
  "random",
  "tty",
  "urandom",
  "zero",
];

/** Links to the descriptors of whoever looks. */
const FD_LINKS: readonly (readonly [name: string, to: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
];

/** What of /dev is not of devices. */
const IN_MEMORY: readonly string[] = ["/dev/mqueue", "/dev/shm"];

function isInMemory(path: string): boolean {
  return IN_MEMORY.some((one) => isWithin(path, one));
}

const TERMINALS = "/dev/pts";
const NEW_TERMINAL = "/dev/ptmx";

/** What may be done with a path. */
type State = Readonly<Record<PathSection, boolean>>;

/** Something that a rule refuses. */
interface Refused {
  readonly rule: PathRule;
  readonly hides: boolean;
}

/** What a rule allows by a wildcard. */
interface AllowingPattern extends Pattern {
  readonly section: PathSection;
  readonly rule: PathRule;
}

/** What a rule refuses by a wildcard. */
interface RefusedPattern extends Refused, Pattern {
  readonly section: PathSection;
}

type BySection<T> = Readonly<Record<PathSection, Map<string, T>>>;

class Maker {
  readonly #policy: Policy;
  readonly #facts: TreeFacts;
  readonly #granted: BySection<PathRule> = bySection();
  readonly #refused: BySection<Refused> = bySection();
  readonly #allowing: AllowingPattern[] = [];
  readonly #patterns: RefusedPattern[] = [];
  readonly #links = new Set<string>();
  readonly #refusing = new Map<string, PathRule>();
  readonly #seen = new Set<string>();
  readonly #processes: string[] = [];
  readonly #unheld: Unheld[] = [];
  readonly #nodes = new Map<string, TreeNode>();

  constructor(policy: Policy, facts: TreeFacts) {
    this.#policy = policy;
    this.#facts = facts;
  }

  make(): PolicyTree {
    // Who works in a closed directory stays there, though nothing is in it.
    this.#seen.add(this.#facts.cwd);
    for (const section of PATH_SECTIONS) {
      for (const rule of this.#policy[section].allow) {
        this.#allow(section, rule);
      }
    }
    for (const section of PATH_SECTIONS) {
      const { deny, ignore } = this.#policy[section];
      for (const rule of deny) this.#refuse(section, { rule, hides: false });
      for (const rule of ignore) this.#refuse(section, { rule, hides: true });
    }
    this.#machine();
    this.#findAllowed();
    this.#findRefused();
    this.#checkLoaders();
    const boundaries = this.#boundaries();
    for (const path of boundaries) {
      if (!isWithin(path, "/dev")) this.#place(path);
    }
    this.#devices();
    const memory = this.#state("/dev").read ? IN_MEMORY : [];
    for (const path of new Set([...memory, ...boundaries.filter(isInMemory)])) {
      this.#place(path);
    }
    this.#pipes();
    this.#rest();
    const runsEverything = this.#granted.run.has("/") &&
      this.#refused.run.size === 0;
    return {
      nodes: [...this.#nodes.values()],
      floor: this.#floor(),
      runsEverything,
      changes: [...this.#nodes.values()].some((node) =>
        node.kind === "bind" && node.write && node.is !== "device"
      ),
      unheld: this.#unheld,
    };
  }

  #cannot({ ref }: { readonly ref: RuleRef }, why: string): void {
    this.#unheld.push({ rule: ref, why });
  }

  /** Takes note of what a rule allows. */
  #allow(section: PathSection, rule: PathRule): void {
    const { links } = this.#facts;
    for (const glob of realGlobs(rule.pattern, this.#facts.realpath)) {
      const { path, plain } = rootOf(glob);
      if (isProc(path)) {
        if (section === "write") this.#cannot(rule, "nothing changes in /proc");
        else if (plain && glob.beneath) this.#processes.push(path);
        else if (plain) this.#seen.add(path);
        else this.#cannot(rule, "it has a wildcard");
        continue;
      }
      if (this.#leadsElsewhere(path)) {
        for (const link of links(path)) this.#links.add(link);
      } else if (plain && glob.beneath) {
        this.#granted[section].set(path, rule);
      } else if (!plain) {
        this.#allowing.push({ glob, section, root: path, rule });
      } else this.#allowAlone(section, rule, path);
    }
  }

  /** Takes note of a name that is allowed, without what may be beneath. */
  #allowAlone(section: PathSection, rule: PathRule, path: string): void {
    const kind = this.#facts.kind(path);
    if (kind === "missing") return;
    if (kind !== "directory") this.#granted[section].set(path, rule);
    else if (section === "read") this.#seen.add(path);
    else this.#cannot(rule, "it is one directory, without what is in it");
  }

  /** Takes note of what a rule refuses. */
  #refuse(section: PathSection, refused: Refused): void {
    const { rule } = refused;
    for (const glob of realGlobs(rule.pattern, this.#facts.realpath)) {
      const { path, plain } = rootOf(glob);
      if (!isProc(path)) {
        // Once one led elsewhere, nobody could tell what was refused.
        for (const link of this.#facts.links(path)) {
          this.#refusing.set(link, rule);
        }
      }
      if (plain && !glob.beneath && this.#facts.kind(path) === "directory") {
        // What something is mounted on is neither moved nor removed.
        if (section === "write" && this.#granted.write.has(path)) continue;
        this.#cannot(rule, "it is one directory, without what is in it");
      } else if (plain) {
        if (!this.#leadsElsewhere(path)) {
          this.#refused[section].set(path, refused);
        }
      } else {
        this.#patterns.push({ ...refused, glob, section, root: path });
      }
    }
  }

  /** Whether a path leads through a link: where it leads is named as well. */
  #leadsElsewhere(path: string): boolean {
    const real = isProc(path) ? path : this.#facts.realpath(path);
    return real !== undefined && real !== path;
  }

  /** What may be done with a path. */
  #state(path: string): State {
    const may = (section: PathSection): boolean =>
      above(this.#granted[section], path) !== undefined &&
      above(this.#refused[section], path) === undefined;
    return { read: may("read"), write: may("write"), run: may("run") };
  }

  /** Refuses what no policy allows. */
  #machine(): void {
    const { procs, groups } = this.#facts;
    for (const path of procs) {
      this.#refused.read.set(path, { rule: jailRule(path), hides: false });
    }
    for (const path of groups) {
      this.#refused.write.set(path, { rule: jailRule(path), hides: false });
    }
  }

  /** Finds what wildcards allow, of all that is there. */
  #findAllowed(): void {
    const { kind, walk } = this.#facts;
    const places = this.#allowing.map(({ root }) => root)
      .filter((root) => kind(root) === "directory");
    search(this.#allowing, places, walk, (path, { glob, section, rule }) => {
      const found = kind(path);
      const all = coversBeneath(glob);
      if (found === "link") this.#links.add(path);
      else if (all) this.#granted[section].set(path, rule);
      else this.#allowAlone(section, rule, path);
      return !all;
    });
  }

  /** Finds what wildcards refuse, of all that is there. */
  #findRefused(): void {
    const patterns = this.#patterns.filter(({ root }) => !isProc(root));
    for (const { section, root, rule } of patterns) {
      const made = section !== "read" &&
        [...this.#granted.write.keys()].some((path) =>
          isWithin(path, root) || isWithin(root, path)
        );
      if (made) this.#cannot(rule, "the program could make what it means");
    }
    const readable = outermost([...this.#granted.read.keys()]);
    search(patterns, readable, this.#facts.walk, (path, pattern) => {
      this.#refused[pattern.section].set(path, pattern);
      return above(this.#refused.read, path) === undefined;
    });
  }

  /** What may be written and not be run is not executed, by no program either. */
  #checkLoaders(): void {
    for (const path of this.#facts.loaders) {
      const { read, write } = this.#state(path);
      const rule = above(this.#granted.write, path);
      const runs = above(this.#granted.run, path) !== undefined;
      if (read && write && !runs && rule !== undefined) {
        this.#cannot(rule, `programs start by ${path}, which may not be run`);
      }
    }
  }

  /** Where something begins that is not as what is around it. */
  #boundaries(): string[] {
    const paths = new Set<string>();
    for (const section of PATH_SECTIONS) {
      for (const path of this.#granted[section].keys()) paths.add(path);
      for (const path of this.#refused[section].keys()) paths.add(path);
    }
    return [...paths].filter((path) => !isProc(path)).sort();
  }

  /** The node that a path is in or is, if there is one. */
  #around(path: string): TreeNode | undefined {
    const node = above(this.#nodes, path);
    return node?.kind === "directory" ? undefined : node;
  }

  /**
   * Puts what is at a boundary into the tree. The root directory is the tree's own
   * whatever is allowed, so that the kernel can tell what was reached by it.
   */
  #place(path: string): void {
    if (path === "/") {
      for (const name of this.#facts.names("/")) {
        if (name !== "dev" && name !== "proc") this.#place(`/${name}`);
      }
      return;
    }
    if (this.#nodes.has(path)) return;
    const around = this.#around(path);
    const kind = this.#facts.kind(path);
    if (kind === "link" && parentOf(path) === "/") {
      this.#links.add(path);
      return;
    }
    const state = this.#state(path);
    const changes = around?.kind === "bind" && around.write;
    if (kind === "missing" || kind === "link") {
      const rule = this.#beginsAt(path, changes);
      if (rule !== undefined && changes) {
        this.#cannot(
          rule,
          kind === "link"
            ? "it is a link that the program could replace"
            : "it is not there, and the program could make it",
        );
      }
      const made = this.#granted.write.get(path);
      if (made !== undefined && !changes) {
        this.#cannot(
          made,
          "it is not there, and only what is there is written",
        );
      }
      return;
    }
    if (!state.read) {
      if (changes && !this.#isFollowed(path, around.path)) {
        this.#keep(around.path, path);
      }
      return this.#close(path, kind, around);
    }
    const differs = around?.kind !== "bind" || around.write !== state.write ||
      this.#mayNotRun(path) !== around.noRun;
    if (!differs && !changes) return;
    if (changes) this.#keep(around.path, path);
    this.#bind(path, kind);
  }

  /**
   * Keeps the directories on the way to a path from being moved or removed: what
   * has something mounted on it cannot be. A rule would mean another file at the
   * next run.
   */
  #keep(from: string, path: string): void {
    for (const between of directoriesBetween(from, path)) {
      this.#bind(between, "directory");
    }
  }

  /**
   * Whether what closes a path does so wherever the directories on the way are
   * moved, as far as a mount reaches.
   */
  #isFollowed(path: string, mount: string): boolean {
    const refused = this.#refused.read.get(path);
    if (refused === undefined || !("glob" in refused)) return false;
    const { glob: { segments }, root } = refused as RefusedPattern;
    const depth = segments.findIndex(({ kind }) => kind !== "name");
    const [first, name, ...rest] = segments.slice(depth);
    return isWithin(mount, root) && first?.kind === "any-depth" &&
      name !== undefined && name.kind !== "any-depth" &&
      rest.every(({ kind }) => kind === "any-depth");
  }

  /** A rule that begins at a path, and rests on what is there. */
  #beginsAt(path: string, changes: boolean): PathRule | undefined {
    for (const section of PATH_SECTIONS) {
      const rule = this.#granted[section].get(path) ??
        (section === "read" && !changes
          ? undefined
          : this.#refused[section].get(path)?.rule);
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  /** Closes what is at a path, where it would be seen. */
  #close(path: string, kind: string, around: TreeNode | undefined): void {
    for (const section of ["write", "run"] as const) {
      const rule = this.#granted[section].get(path);
      if (rule !== undefined && above(this.#granted.read, path) === undefined) {
        this.#cannot(rule, "it may not be read, and what is there can be");
      }
    }
    if (around?.kind !== "bind") return;
    const refused = above(this.#refused.read, path);
    if (refused?.hides === true) {
      this.#cannot(refused.rule, `${path} is there, and would be seen`);
    }
    this.#nodes.set(path, {
      kind: "closed",
      path,
      is: kind === "directory" ? "directory" : "file",
    });
  }

  /**
   * Whether what is at a path is kept from being executed by whatever means.
   * Landlock holds what is a program; but what the program writes, and what a rule
   * refuses in what is allowed, could still be given to a loader.
   */
  #mayNotRun(path: string): boolean {
    const { run, write } = this.#state(path);
    return !run && (write || above(this.#granted.run, path) !== undefined);
  }

  #bind(path: string, is: "directory" | "file" | "device"): void {
    const there = this.#around(path) !== undefined;
    if (!there) this.#lead(path);
    this.#nodes.set(path, {
      kind: "bind",
      path,
      is,
      there,
      write: this.#state(path).write,
      noRun: this.#mayNotRun(path),
    });
  }

  /** Makes the directories on the way to a path. */
  #lead(path: string): void {
    for (const directory of directoriesBetween("/", path)) {
      this.#directory(directory);
    }
  }

  #directory(path: string): void {
    if (path === "/" || this.#nodes.has(path)) return;
    this.#nodes.set(path, { kind: "directory", path });
  }

  /** Puts the devices into the tree that may be used. */
  #devices(): void {
    const { kind } = this.#facts;
    const used = this.#boundaries().filter((path) =>
      isWithin(path, "/dev") && this.#state(path).read && !isInMemory(path)
    );
    const all = this.#state("/dev").read;
    if (!all && used.length === 0) return;
    this.#directory("/dev");
    const every = all
      ? DEVICES.map((name) => `/dev/${name}`).filter((path) =>
        this.#state(path).read
      )
      : [];
    for (const path of new Set([...every, ...used])) {
      if (path === "/dev" || path === TERMINALS || path === NEW_TERMINAL) {
        continue;
      }
      if (kind(path) === "device") this.#device(path);
      else if (kind(path) !== "missing") {
        const rule = this.#beginsAt(path, false);
        if (rule !== undefined) this.#cannot(rule, "it has devices in it");
      }
    }
    const makes = all && this.#state(TERMINALS).read;
    if (makes || used.includes(TERMINALS) || used.includes(NEW_TERMINAL)) {
      this.#nodes.set(TERMINALS, { kind: "terminals", path: TERMINALS });
      this.#link(NEW_TERMINAL, "pts/ptmx");
    }
    for (const [name, to] of FD_LINKS) this.#link(name, to);
  }

  /**
   * A pipe is written whatever its mount says, and Landlock takes nothing back of
   * what it allows for a directory above.
   */
  #pipes(): void {
    for (const [path, { rule }] of this.#refused.write) {
      if (
        !this.#state(path).read ||
        above(this.#granted.write, path) === undefined
      ) continue;
      const pipe = this.#facts.pipe(path);
      if (pipe === undefined || !this.#state(pipe).read) continue;
      this.#cannot(rule, `${pipe} is a pipe, and would be written`);
    }
  }

  /** Puts a device of the machine into the tree's own directory. */
  #device(path: string): void {
    const { write } = this.#state(path);
    const refused = above(this.#refused.write, path);
    if (refused && above(this.#granted.write, path) !== undefined) {
      this.#cannot(refused.rule, `${path} is a device, and would be written`);
    }
    this.#nodes.set(path, {
      ...{ kind: "bind", path, is: "device", there: false, write },
      noRun: this.#mayNotRun(path),
    });
  }

  #link(path: string, to: string): void {
    this.#nodes.set(path, { kind: "link", path, to });
  }

  /** Puts the rest into the tree: directories that are seen, links, processes. */
  #rest(): void {
    const { kind } = this.#facts;
    for (const path of this.#seen) {
      if (this.#around(path) !== undefined || kind(path) !== "directory") {
        continue;
      }
      this.#lead(path);
      this.#directory(path);
    }
    for (const [path, rule] of this.#refusing) {
      const around = this.#around(path);
      if (around?.kind === "bind" && around.write) {
        this.#cannot(
          rule,
          "it leads through a link that the program could replace",
        );
      }
    }
    for (const path of this.#links) {
      const around = this.#around(path);
      if (around?.kind === "bind" && around.write) {
        this.#unheld.push({
          rule: { source: "jail", keys: ["link"], text: path },
          why: "a rule leads through it, and the program could replace it",
        });
      }
      if (around === undefined) this.#leadOn(path);
    }
    // These are followed once, before the program could replace one.
    for (const path of this.#facts.foundBy) {
      if (this.#around(path) === undefined) this.#leadOn(path);
    }
    const everything = this.#state("/proc").read;
    if (!everything && this.#processes.length === 0) {
      // Then nothing of it is to be seen, whatever else is.
      if (this.#seen.has("/proc")) this.#directory("/proc");
      return;
    }
    this.#nodes.delete("/proc");
    this.#nodes.set("/proc", { kind: "processes", path: "/proc" });
    const closed = closedProcesses({
      allowed: everything ? ["/proc"] : this.#processes,
      refused: new Map(
        [...this.#refused.read].filter(([path]) => isProc(path))
          .map(([path, { rule }]) => [path, rule]),
      ),
      patterns: this.#patterns.filter(({ root, section }) =>
        section === "read" && (root === "/" || isProc(root))
      ),
      facts: this.#facts,
    });
    for (const { path, is } of closed.nodes) {
      this.#nodes.set(path, { kind: "closed", path, is });
    }
    this.#unheld.push(...closed.unheld);
  }

  /** Puts a link into the tree. */
  #leadOn(path: string): void {
    const to = this.#facts.target(path);
    if (to === undefined) return;
    this.#lead(path);
    this.#link(path, to);
  }

  /** What may be done with what is in the tree: all of that may be read. */
  #floor(): Pick<Floor, "handledFs" | "rules"> {
    const { abi, kind, loaders } = this.#facts;
    const access = new Map<string, number>([["/", READ]]);
    const add = (path: string, more: number): void => {
      access.set(path, (access.get(path) ?? 0) | more);
    };
    for (const [section, more] of [["write", WRITE], ["run", RUN]] as const) {
      for (const path of this.#granted[section].keys()) {
        if (kind(path) === "missing") continue;
        add(
          path === NEW_TERMINAL ? TERMINALS : path,
          kind(path) === "directory" ? more : more & FILE_ACCESS,
        );
      }
    }
    for (const path of loaders) if (this.#state(path).read) add(path, RUN);
    const handledFs = landlock.accessesOfAbi(abi) &
      ~landlock.LANDLOCK_ACCESS_FS_IOCTL_DEV;
    const rules: Grant[] = [...access].map(([path, access]) => ({
      path,
      access: access & handledFs,
    }));
    return { handledFs, rules };
  }
}

function jailRule(pattern: string): PathRule {
  return { pattern, ref: { source: "jail", keys: ["tree"], text: pattern } };
}

function bySection<T>(): BySection<T> {
  return { read: new Map(), write: new Map(), run: new Map() };
}

/** Whether a pattern that means a directory means all that is in it, too. */
function coversBeneath({ beneath, segments }: Glob): boolean {
  const [before, last] = [segments.at(-2), segments.at(-1)];
  return beneath || last?.kind === "any-depth" ||
    (last?.kind === "pattern" && last.pattern.text === "*" &&
      before?.kind === "any-depth");
}

/** What is known of a path, or of the nearest one above it. */
function above<T>(
  known: ReadonlyMap<string, T>,
  path: string,
): T | undefined {
  for (let at = path;; at = parentOf(at)) {
    const found = known.get(at);
    if (found !== undefined || at === "/") return found;
  }
}

/** The directories between one and something in it, from the top. */
function directoriesBetween(from: string, path: string): string[] {
  const between: string[] = [];
  for (let at = parentOf(path); at !== from && at !== "/"; at = parentOf(at)) {
    between.unshift(at);
  }
  return between;
}
