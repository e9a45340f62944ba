/** What a policy's rules about files say of each place of a tree. */

import type { ErrnoName } from "../../abi/errno.ts";
import type { RuleRef } from "../decision.ts";
import { deviceClosedBy, jailRule } from "../fixed.ts";
import { isProc, rootOf } from "../floor/grants.ts";
import type { Glob } from "../path/glob.ts";
import { realGlobs } from "../path/rules.ts";
import {
  above,
  isWithin,
  nearest,
  outermost,
  overlap,
  parentOf,
} from "../path/within.ts";
import type { Unheld } from "../plan/unasked.ts";
import {
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy.ts";
import type { TreeFacts } from "./facts.ts";
import { meansProcesses } from "./processes.ts";
import { type Pattern, reachesInto, search } from "./search.ts";

/** What may be done with a path. */
export type State = Readonly<Record<PathSection, boolean>>;

/** Something that a rule refuses. */
export interface Refused {
  /** The rule. */
  readonly rule: PathRule;
  /** Whether it makes it look as if nothing were there. */
  readonly hides: boolean;
}

/** Something that is held by refusing more than is said. */
export interface Stricter extends Unheld {
  /** Whether a policy could say so itself, and who starts it should know. */
  readonly mayBeSaid: boolean;
}

/** What a rule allows by a wildcard. */
interface AllowingPattern extends Pattern {
  readonly section: PathSection;
  readonly rule: PathRule;
}

/** What a rule refuses by a wildcard. */
interface RefusedPattern extends Refused, Pattern {
  /** The section that it is in. */
  readonly section: PathSection;
}

/** What closes a directory closes what is in it. */
const ALONE = "it is one directory, without what is in it";
const OWN_WAY = "the kernel alone refuses in its own way";
/** Where the kernel has settings that are files, beside /proc. */
const SYSFS = "/sys";
/** A mount closes, or opens, what is there at the start. */
const COULD_MAKE = "the program could make what it means";

type BySection<T> = Readonly<Record<PathSection, Map<string, T>>>;

/** What rules say, with everything that they mean found on the machine. */
export class TreeRules {
  /** Where something is allowed, and all beneath. */
  readonly granted: BySection<PathRule> = bySection();
  /** Where something is refused, and all beneath. */
  readonly refused: BySection<Refused> = bySection();
  /** What wildcards refuse, which may mean more than what is there. */
  readonly patterns: RefusedPattern[] = [];
  /** Links by which what is allowed is meant. */
  readonly links = new Set<string>();
  /** Links by which what is refused is meant. */
  readonly refusing = new Map<string, PathRule>();
  /** Directories that may be listed, without what is in them. */
  readonly seen = new Set<string>();
  /** What of /proc may be read. */
  readonly processes: string[] = [];
  /** What no tree holds. */
  readonly unheld: Unheld[] = [];
  /** What a tree holds by refusing more than is said. */
  readonly stricter: Stricter[] = [];
  readonly #facts: TreeFacts;
  readonly #allowing: AllowingPattern[] = [];
  /** Where patterns begin. */
  readonly #roots = new Map<string, PathRule>();
  /** Devices where something may be written. */
  readonly #devices: string[] = [];
  /** Where else what may be written is mounted, and may be read. */
  readonly #elsewhere: string[] = [];
  /** Where settings of the kernel are. */
  readonly #settings: readonly string[];

  /**
   * Finds what rules mean.
   *
   * @param policy the merged policy
   * @param facts what to know about the machine
   */
  constructor(policy: Policy, facts: TreeFacts) {
    this.#facts = facts;
    this.#settings = [SYSFS, ...facts.settings];
    // Who works in a closed directory stays there, though nothing is in it.
    this.seen.add(facts.cwd);
    for (const section of PATH_SECTIONS) {
      for (const rule of policy[section].allow) this.#allow(section, rule);
    }
    for (const section of PATH_SECTIONS) {
      const { deny, ignore } = policy[section];
      for (const rule of deny) this.#refuse(section, { rule, hides: false });
      for (const rule of ignore) this.#refuse(section, { rule, hides: true });
    }
    const { default: otherwise, unseen } = policy;
    if (otherwise !== undefined && saysHow(otherwise)) {
      this.cannot(otherwise, OWN_WAY);
    } else if (unseen !== undefined && saysHow(unseen, ["EACCES", "ENOENT"])) {
      this.cannot(unseen, OWN_WAY);
    }
    this.#machine();
    this.#findAllowed();
    this.#findRefused();
    this.#findDevices();
    this.#findElsewhere();
    this.#checkLoaders();
  }

  /** Takes note of a rule that no tree holds. */
  cannot({ ref }: { readonly ref: RuleRef }, why: string): void {
    this.unheld.push({ rule: ref, why });
  }

  /** Whether a rule closes a path to be read. */
  isClosed(path: string): boolean {
    return above(this.refused.read, path) !== undefined;
  }

  /** Takes note of rules about everything that mean only what may be read. */
  needsRead(): void {
    if (this.granted.read.has("/")) return;
    for (const section of ["write", "run"] as const) {
      const rule = this.granted[section].get("/");
      if (rule !== undefined) this.#meansLess(section, rule);
    }
  }

  /** Takes note of what is closed as a whole, of which only reading is refused. */
  closesAll(path: string, refused: Refused): void {
    const { ref } = refused.rule;
    if (ref.source === "jail") return;
    const allowed = (section: PathSection): PathRule | undefined =>
      this.granted[section].has(path) ||
        above(this.refused[section], path) !== undefined
        ? undefined
        : above(this.granted[section], path);
    if (allowed("write") !== undefined) {
      const why = `${path} is not written either`;
      // No tree holds a wildcard that refuses to write where something is written.
      const mayBeSaid = !("glob" in refused);
      this.stricter.push({ rule: ref, why, mayBeSaid });
    }
    const run = allowed("run");
    if (run !== undefined) this.#meansLess("run", run);
    // One tells of all.
    const isTold = this.stricter.some(({ rule }) => rule === ref);
    if (this.#facts.kind(path) === "link" && "glob" in refused && !isTold) {
      const why = `${path} is a link, and does not lead on either`;
      this.stricter.push({ rule: ref, why, mayBeSaid: false });
    }
  }

  #meansLess(section: "write" | "run", { ref }: PathRule): void {
    if (this.stricter.some(({ rule }) => rule === ref)) return;
    const done = section === "write" ? "written" : "run";
    const why = `what may not be read is not ${done} either`;
    this.stricter.push({ rule: ref, why, mayBeSaid: section === "write" });
  }

  /** Takes note of what a rule allows. */
  #allow(section: PathSection, rule: PathRule): void {
    const { kind, links } = this.#facts;
    const isDirectory = (path: string): boolean => kind(path) === "directory";
    for (const glob of realGlobs(rule.pattern, this.#facts.realpath)) {
      const { path, plain } = rootOf(glob);
      if (isProc(path)) {
        if (section === "write") this.cannot(rule, "nothing changes in /proc");
        // What is executed by a name in /proc has another one.
        else if (section === "run") continue;
        else if (plain && (glob.beneath || !isDirectory(path))) {
          this.processes.push(path);
        } else if (plain) this.seen.add(path);
        else this.cannot(rule, "it has a wildcard");
        continue;
      }
      if (this.#leadsElsewhere(path)) {
        for (const link of links(path)) this.links.add(link);
      } else if (plain && glob.beneath) {
        this.granted[section].set(path, rule);
      } else if (!plain) {
        this.#allowing.push({ glob, section, root: path, rule });
        this.#roots.set(path, rule);
      } else this.#allowAlone(section, rule, path);
    }
  }

  /** Takes note of a name that is allowed, without what may be beneath. */
  #allowAlone(section: PathSection, rule: PathRule, path: string): void {
    const kind = this.#facts.kind(path);
    if (kind === "missing") return;
    if (kind !== "directory") this.granted[section].set(path, rule);
    else if (section === "read") this.seen.add(path);
    else this.cannot(rule, ALONE);
  }

  /** Takes note of what a rule refuses. */
  #refuse(section: PathSection, refused: Refused): void {
    const { rule } = refused;
    for (const glob of realGlobs(rule.pattern, this.#facts.realpath)) {
      const { path, plain } = rootOf(glob);
      if (!isProc(path)) {
        // Once one led elsewhere, nobody could tell what was refused.
        for (const link of this.#facts.links(path)) {
          this.refusing.set(link, rule);
        }
      }
      if (plain && !glob.beneath && this.#facts.kind(path) === "directory") {
        // What something is mounted on is neither moved nor removed.
        if (section === "write" && this.granted.write.has(path)) continue;
        this.cannot(rule, ALONE);
      } else if (saysHow(rule)) {
        this.cannot(rule, OWN_WAY);
      } else if (plain) {
        const isLink = this.#facts.kind(path) === "link";
        const leadsElsewhere = this.#leadsElsewhere(path);
        // Where a link leads is closed as well, and by itself it says where.
        if (leadsElsewhere && !(isLink && section === "read")) continue;
        this.refused[section].set(path, refused);
        if (isLink && !leadsElsewhere) {
          this.cannot(rule, "it is a link, and where it leads is not known");
        }
      } else {
        this.patterns.push({ ...refused, glob, section, root: path });
        if (section !== "read") this.#roots.set(path, rule);
      }
    }
  }

  /** Whether a path leads through a link: where it leads is named as well. */
  #leadsElsewhere(path: string): boolean {
    const real = isProc(path) ? path : this.#facts.realpath(path);
    return real !== undefined && real !== path;
  }

  /**
   * What may be done with a path. A device must be named by the rule that allows it,
   * and so must what sets the kernel by the one that lets it be written.
   */
  state(path: string): State {
    const isDevice = this.#facts.kind(path) === "device";
    const may = (section: PathSection): boolean => {
      const root = nearest(this.granted[section], path);
      if (root === undefined) return false;
      if (above(this.refused[section], path) !== undefined) return false;
      const isSetting = section === "write" &&
        this.#settings.some((one) =>
          isWithin(path, one) && !isWithin(root, one)
        );
      if (isSetting) return false;
      const use = { access: section, path, kind: "device" } as const;
      return !isDevice || deviceClosedBy(use, root) === undefined;
    };
    return { read: may("read"), write: may("write"), run: may("run") };
  }

  /** Refuses what no policy allows. */
  #machine(): void {
    const { procs, groups } = this.#facts;
    for (const path of procs) {
      this.refused.read.set(path, { rule: treeRule(path), hides: false });
    }
    for (const path of groups) {
      this.refused.write.set(path, { rule: treeRule(path), hides: false });
    }
    // What sets the kernel must be named; no rule opens that of /proc.
    for (const place of this.#settings) {
      if (above(this.granted.write, place) === undefined) continue;
      if (!this.#roots.has(place)) this.#roots.set(place, treeRule(place));
    }
  }

  /** Whether the program could make something beneath a path. */
  #isMade(root: string): boolean {
    return [...this.granted.write.keys()].some((path) => overlap(path, root));
  }

  /** Whether a wildcard allows what is in /proc, and no other rule allows all of it. */
  #meansProcesses(root: string, glob: Glob): boolean {
    return root === "/" && !this.processes.includes("/proc") &&
      meansProcesses(glob, this.#facts);
  }

  /** Finds what wildcards allow, of all that is there. */
  #findAllowed(): void {
    const { kind, walk } = this.#facts;
    // What is allowed by another rule as well is held already.
    const allowing = this.#allowing.filter(({ section, root }) =>
      above(this.granted[section], root) === undefined
    );
    for (const { glob, section, root, rule } of allowing) {
      if (section === "write") {
        this.cannot(
          rule,
          "it is a wildcard, and only what is there is written",
        );
      } else if (section === "run" && this.#isMade(root)) {
        this.cannot(rule, COULD_MAKE);
      } else if (section === "read" && this.#meansProcesses(root, glob)) {
        this.cannot(rule, "it may mean what is in /proc");
      }
    }
    const places = allowing.map(({ root }) => root)
      .filter((root) => kind(root) === "directory");
    const sections = new Set(allowing.map(({ section }) => section));
    search(allowing, places, walk, (path, { glob, root, section, rule }) => {
      if (above(this.granted[section], path) !== undefined) return true;
      const found = kind(path);
      const use = { access: section, path, kind: "device" } as const;
      if (found === "device" && deviceClosedBy(use, root)) return true;
      const all = coversBeneath(glob);
      if (found === "link") this.links.add(path);
      else if (all) this.granted[section].set(path, rule);
      else this.#allowAlone(section, rule, path);
      // What may be read all the way down, another wildcard may let be run.
      return !all || sections.size > 1;
    });
  }

  /** Finds what wildcards refuse, of all that is there. */
  #findRefused(): void {
    const patterns = this.patterns.filter(({ root }) => !isProc(root));
    for (const { section, root, rule, hides } of patterns) {
      // What is hidden is not written either, other than what is closed.
      if ((section !== "read" || hides) && this.#isMade(root)) {
        this.cannot(rule, COULD_MAKE);
      }
    }
    const readable = outermost([...this.granted.read.keys()]);
    const { kind, walk } = this.#facts;
    search(patterns, readable, walk, (path, pattern) => {
      const { glob, rule, section } = pattern;
      const alone = kind(path) === "directory" && !coversBeneath(glob);
      // Nothing is executed of a directory itself.
      if (alone && section === "run") return true;
      this.refused[section].set(path, pattern);
      if (alone && section === "read") this.cannot(rule, ALONE);
      return above(this.refused.read, path) === undefined;
    }, (directory, { rule }) => this.#closeAround(directory, rule));
    for (const top of patterns.length === 0 ? [] : this.#facts.mounted) {
      if (this.state(top).read) this.#closeUnlisted(top, patterns);
    }
    const { read, run } = this.refused;
    for (const [path, { rule }] of [...read, ...run]) {
      if (this.#facts.isOutOfReach(path)) this.#closeAround(path, rule);
    }
    this.#closeFolding(patterns);
  }

  /**
   * Closes where names may mean the same in capital letters, if a rule refuses
   * something in there: what is mounted over one name leaves the others open.
   */
  #closeFolding(patterns: readonly RefusedPattern[]): void {
    const { cwd, folding } = this.#facts;
    const needed = [cwd, ...this.granted.read.keys()];
    for (const place of folding) {
      const plain = PATH_SECTIONS.flatMap((section) => [
        ...this.refused[section],
      ]).find(([path]) => path !== place && isWithin(path, place));
      const rule = plain?.[1].rule ??
        patterns.find((one) => reachesInto(one, place))?.rule;
      if (rule === undefined) continue;
      if (needed.some((one) => isWithin(one, place))) {
        this.cannot(
          rule,
          `names in ${place} may mean the same in capital letters`,
        );
      } else if (this.state(place).read) {
        this.refused.read.set(place, { rule, hides: false });
      }
    }
  }

  /** Closes what is not listed, and may have something in it that a wildcard means. */
  #closeUnlisted(top: string, patterns: readonly RefusedPattern[]): void {
    for (const [path, everywhere] of this.#facts.unlisted(top)) {
      const pattern = patterns.find((one) => reachesInto(one, path));
      if (pattern === undefined || !this.state(path).read) continue;
      const { rule } = pattern;
      if (!everywhere) this.refused.read.set(path, { rule, hides: false });
      else this.cannot(rule, `${path} is there, and in it what nobody lists`);
    }
  }

  /**
   * Closes a directory that cannot be looked into, or else the one above it in which
   * nothing can be looked at. The program may name what is in there, or may open
   * such a directory for itself.
   */
  #closeAround(path: string, rule: PathRule): void {
    const { cwd, kind, isOutOfReach } = this.#facts;
    let around = path;
    while (isOutOfReach(around) && kind(around) === "missing") {
      around = parentOf(around);
    }
    if (!this.state(around).read) return;
    const needed = [cwd, ...this.granted.read.keys()];
    if (needed.some((one) => isWithin(one, around))) {
      this.cannot(rule, `jail may not look at all that is in ${around}`);
    } else this.refused.read.set(around, { rule, hides: false });
  }

  /** Finds devices where something may be written, which could be moved there. */
  #findDevices(): void {
    const { kind, devices } = this.#facts;
    for (const path of outermost([...this.granted.write.keys()])) {
      // Nobody looks through all of a machine for a rule that means all of it.
      if (path === "/" || kind(path) !== "directory") continue;
      const found = devices(path, (directory) => {
        this.#closeAround(directory, treeRule(directory));
      });
      this.#devices.push(...found);
    }
  }

  /** Finds other names of what may be written, or not run, by which it could be executed. */
  #findElsewhere(): void {
    const written = outermost([...this.granted.write.keys()]);
    // What may be executed in a directory may be so in each other mount of that.
    const refused = outermost([...this.refused.run.keys()]);
    // What a program is handed to write may lie where a rule keeps it from doing so.
    for (const path of [...written, ...this.#facts.written, ...refused]) {
      if (path === "/" || this.state(path).run) continue;
      for (const other of this.#facts.alsoAt(path, "made")) {
        const parts = [...this.granted.read.keys()]
          .filter((part) => isWithin(part, other));
        for (const place of new Set([other, ...parts])) {
          const { read, write } = this.state(place);
          if (read && !write) this.#elsewhere.push(place);
        }
      }
    }
    // What lies in what may be written is no other place, and may show it all the same.
    for (const path of this.refused.write.keys()) {
      const { read, run } = this.state(path);
      if (!read || run || above(this.granted.write, path) === undefined) {
        continue;
      }
      const others = this.#facts.alsoAt(path, "shown");
      if (others.some((other) => this.state(other).write)) {
        this.#elsewhere.push(path);
      }
    }
  }

  /** What may be written and not be run is not executed, by no program either. */
  #checkLoaders(): void {
    for (const path of this.#facts.loaders) {
      const { read, write } = this.state(path);
      const rule = above(this.granted.write, path);
      const runs = above(this.granted.run, path) !== undefined;
      if (read && write && !runs && rule !== undefined) {
        this.cannot(rule, `programs start by ${path}, which may not be run`);
      }
    }
  }

  /** Where something begins that is not as what is around it. */
  boundaries(): string[] {
    const paths = new Set<string>([
      ...this.#roots.keys(),
      // What rules let be written needs no mount of its own, which nobody moves.
      ...this.#facts.written.filter((path) => !this.state(path).write),
    ]);
    for (const section of PATH_SECTIONS) {
      for (const path of this.granted[section].keys()) paths.add(path);
      for (const path of this.refused[section].keys()) paths.add(path);
    }
    for (const path of [...this.#devices, ...this.#elsewhere]) paths.add(path);
    // All that is allowed is beneath the root directory, and begins there alone.
    if (PATH_SECTIONS.every((section) => !this.granted[section].has("/"))) {
      paths.delete("/");
    }
    return [...paths].filter((path) => !isProc(path)).sort();
  }

  /**
   * A rule that begins at a path, and rests on what is there: what closes a path to
   * be read closes what was there at the start, and may find nothing. What hides it
   * refuses to write it, too.
   */
  beginsAt(path: string): PathRule | undefined {
    for (const section of PATH_SECTIONS) {
      const refused = this.refused[section].get(path);
      const rule = this.granted[section].get(path) ??
        (section === "read" && refused?.hides !== true
          ? undefined
          : refused?.rule);
      if (rule !== undefined) return rule;
    }
    return this.#roots.get(path);
  }

  /**
   * Whether what is at a path is kept from being executed by whatever means.
   * Landlock holds what is a program; but what the program writes, and what a rule
   * refuses, could still be given to a loader.
   */
  mayNotRun(path: string): boolean {
    const { run, write } = this.state(path);
    const written = [...this.#facts.written, ...this.#elsewhere];
    return !run && (write || written.some((one) => isWithin(path, one)) ||
      above(this.granted.run, path) !== undefined ||
      above(this.refused.run, path) !== undefined);
  }
}

function treeRule(pattern: string): PathRule {
  return { pattern, ref: jailRule(["tree"], pattern) };
}

function bySection<T>(): BySection<T> {
  return { read: new Map(), write: new Map(), run: new Map() };
}

/** Whether a rule says how it refuses, other than all do that say nothing. */
function saysHow(
  { refusal }: Pick<PathRule, "refusal">,
  nothing: readonly ErrnoName[] = ["EACCES"],
): boolean {
  return refusal !== undefined &&
    !(refusal.kind === "errno" && nothing.includes(refusal.errno));
}

/** Whether a pattern that means a directory means all that is in it, too. */
function coversBeneath({ beneath, segments }: Glob): boolean {
  const [before, last] = [segments.at(-2), segments.at(-1)];
  return beneath || last?.kind === "any-depth" ||
    (last?.kind === "pattern" && last.pattern.text === "*" &&
      before?.kind === "any-depth");
}
