/** Puts what rules mean into a tree, name by name. */

import { FD_LINKS, PLAIN_DEVICES } from "../../abi/devices.ts";
import type { TreeNode } from "../../tree_node.ts";
import { jailRule } from "../fixed.ts";
import { isProc } from "../floor/grants.ts";
import { above, isWithin, outermost, parentOf } from "../path/within.ts";
import type { TreeFacts } from "./facts.ts";
import { type ClosedName, closedProcesses } from "./processes.ts";
import type { TreeRules } from "./rules.ts";

/** What of /dev is not of devices. */
const IN_MEMORY: readonly string[] = ["/dev/mqueue", "/dev/shm"];

function isInMemory(path: string): boolean {
  return IN_MEMORY.some((one) => isWithin(path, one));
}

/** Where terminals are. */
export const TERMINALS = "/dev/pts";
/** What makes one. */
export const NEW_TERMINAL = "/dev/ptmx";

/**
 * Makes the nodes of a tree.
 *
 * @param rules what rules say; what cannot be held is added there
 * @param facts what to know about the machine
 * @returns the nodes, those above before those beneath
 */
export function nodesOf(rules: TreeRules, facts: TreeFacts): TreeNode[] {
  return new Maker(rules, facts).make();
}

class Maker {
  readonly #rules: TreeRules;
  readonly #facts: TreeFacts;
  readonly #nodes = new Map<string, TreeNode>();

  constructor(rules: TreeRules, facts: TreeFacts) {
    this.#rules = rules;
    this.#facts = facts;
  }

  make(): TreeNode[] {
    const boundaries = this.#rules.boundaries();
    for (const path of boundaries) {
      if (!isWithin(path, "/dev")) this.#place(path);
    }
    this.#devices();
    const memory = this.#rules.state("/dev").read ? IN_MEMORY : [];
    for (const path of new Set([...memory, ...boundaries.filter(isInMemory)])) {
      this.#place(path);
    }
    this.#pipes();
    this.#directories();
    this.#links();
    this.#processes();
    return [...this.#nodes.values()];
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
      this.#rules.needsRead();
      for (const name of this.#facts.names("/")) {
        if (name !== "dev" && name !== "proc") this.#place(`/${name}`);
      }
      return;
    }
    if (this.#nodes.has(path)) return;
    const around = this.#around(path);
    const state = this.#rules.state(path);
    // Nobody may look at what has such a name, and so nobody could tell that it
    // is the same that is mounted.
    const kind = state.read && this.#facts.isOutOfReach(path)
      ? "missing"
      : this.#facts.kind(path);
    const leads = kind === "link" && !this.#rules.isClosed(path);
    if (leads && parentOf(path) === "/") {
      this.#rules.links.add(path);
      return;
    }
    const changes = around?.kind === "bind" && around.write;
    if (kind === "missing" || leads) {
      const rule = this.#rules.beginsAt(path);
      if (rule !== undefined && changes) {
        this.#rules.cannot(
          rule,
          leads
            ? "it is a link that the program could replace"
            : "it is not there, and the program could make it",
        );
      }
      const made = this.#rules.granted.write.get(path);
      if (made !== undefined && !changes) {
        this.#rules.cannot(
          made,
          "it is not there, and only what is there is written",
        );
      }
      return;
    }
    if (!state.read || kind === "link") {
      if (changes) this.#keep(around.path, path);
      return this.#close(path, kind, around);
    }
    const differs = around?.kind !== "bind" || around.write !== state.write ||
      this.#rules.mayNotRun(path) !== around.noRun;
    if (!differs && !changes) return;
    if (changes) this.#keep(around.path, path);
    this.#bind(path, kind);
  }

  /**
   * Keeps the directories on the way to a path from being moved or removed: what
   * has something mounted on it cannot be. A rule would mean another file at the
   * next run, and a jail that starts meanwhile would look for one that is moved
   * back and forth where it is not.
   */
  #keep(from: string, path: string): void {
    for (const between of directoriesBetween(from, path)) {
      this.#bind(between, "directory");
    }
  }

  /** Takes note of rules that let something be used which may not be read. */
  #leaveOut(path: string): void {
    for (const section of ["write", "run"] as const) {
      const rule = this.#rules.granted[section].get(path);
      if (rule === undefined) continue;
      this.#rules.cannot(rule, "it may not be read, and what is there can be");
    }
  }

  /** Closes what is at a path, where it would be seen. */
  #close(path: string, kind: string, around: TreeNode | undefined): void {
    this.#leaveOut(path);
    if (around?.kind !== "bind") return;
    const refused = above(this.#rules.refused.read, path);
    if (refused?.hides === true) {
      this.#rules.cannot(refused.rule, `${path} is there, and would be seen`);
    } else if (refused !== undefined) {
      this.#rules.closesAll(path, refused);
    }
    this.#nodes.set(path, {
      kind: "closed",
      path,
      is: kind === "directory" || kind === "link" ? kind : "file",
    });
  }

  #bind(path: string, is: "directory" | "file" | "device"): void {
    const there = this.#around(path) !== undefined;
    if (!there) this.#lead(path);
    this.#nodes.set(path, {
      kind: "bind",
      path,
      is,
      there,
      write: is === "device"
        ? this.#writesDevice(path)
        : this.#rules.state(path).write,
      noRun: this.#rules.mayNotRun(path),
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
    const used: string[] = [];
    for (const path of this.#rules.boundaries()) {
      if (!isWithin(path, "/dev") || isInMemory(path)) continue;
      if (this.#rules.state(path).read) used.push(path);
      else this.#leaveOut(path);
    }
    const all = this.#rules.state("/dev").read;
    if (!all && used.length === 0) return;
    this.#directory("/dev");
    const every = all
      ? PLAIN_DEVICES.map((name) => `/dev/${name}`).filter((path) =>
        this.#rules.state(path).read
      )
      : [];
    for (const path of new Set([...every, ...used])) {
      // The terminals of the machine are those of others.
      if (
        path === "/dev" || isWithin(path, TERMINALS) || path === NEW_TERMINAL
      ) continue;
      if (kind(path) === "device") this.#device(path);
      else if (kind(path) !== "missing") {
        const rule = this.#rules.beginsAt(path);
        if (rule !== undefined) {
          this.#rules.cannot(rule, "it has devices in it");
        }
      }
    }
    const makes = all && this.#rules.state(TERMINALS).read;
    if (makes || used.includes(TERMINALS) || used.includes(NEW_TERMINAL)) {
      this.#nodes.set(TERMINALS, { kind: "terminals", path: TERMINALS });
      this.#link(NEW_TERMINAL, "pts/ptmx");
    }
    for (const [to, name] of FD_LINKS) this.#link(`/dev/${name}`, to);
  }

  /**
   * A pipe is written whatever its mount says, and Landlock takes nothing back of
   * what it allows for a directory above.
   */
  #pipes(): void {
    for (const [path, { rule }] of this.#rules.refused.write) {
      if (
        !this.#rules.state(path).read ||
        above(this.#rules.granted.write, path) === undefined
      ) continue;
      const pipe = this.#facts.pipe(path);
      if (pipe === undefined || !this.#rules.state(pipe).read) continue;
      this.#rules.cannot(
        rule,
        `${pipe} is a pipe, or may hide one, and would be written`,
      );
    }
  }

  /** Puts a device of the machine into the tree's own directory. */
  #device(path: string): void {
    const write = this.#writesDevice(path);
    this.#lead(path);
    this.#nodes.set(path, {
      ...{ kind: "bind", path, is: "device", there: false, write },
      noRun: this.#rules.mayNotRun(path),
    });
  }

  /**
   * Whether a device may be written. It is whatever its mount says, and Landlock
   * takes nothing back of what it allows for a directory above.
   */
  #writesDevice(path: string): boolean {
    const rules = this.#rules;
    const { write } = rules.state(path);
    const allowed = above(rules.granted.write, path);
    if (!write && allowed !== undefined) {
      rules.cannot(
        above(rules.refused.write, path)?.rule ?? allowed,
        `${path} is a device, and would be written`,
      );
    }
    const readable = above(rules.granted.read, path);
    if (!write && readable !== undefined && this.#facts.isSetByReaders(path)) {
      rules.cannot(
        readable,
        `${path} is a terminal or a disk, and could be taken by who reads it`,
      );
    }
    return write;
  }

  #link(path: string, to: string): void {
    this.#nodes.set(path, { kind: "link", path, to });
  }

  /** Puts the directories into the tree that may be listed. */
  #directories(): void {
    const { kind } = this.#facts;
    for (const path of this.#rules.seen) {
      // What is in /proc is of processes: nobody makes anything there.
      if (
        isProc(path) || this.#around(path) !== undefined ||
        kind(path) !== "directory"
      ) continue;
      this.#lead(path);
      this.#directory(path);
    }
  }

  /** Puts the links into the tree that rules, and the program, lead through. */
  #links(): void {
    for (const [path, rule] of this.#rules.refusing) {
      const around = this.#around(path);
      if (around?.kind === "bind" && around.write) {
        this.#rules.cannot(
          rule,
          "it leads through a link that the program could replace",
        );
      }
    }
    for (const path of this.#rules.links) {
      const around = this.#around(path);
      if (around?.kind === "bind" && around.write) {
        this.#rules.unheld.push({
          rule: jailRule(["link"], path),
          why: "a rule leads through it, and the program could replace it",
        });
      }
      if (around === undefined && !this.#rules.isClosed(path)) {
        this.#leadOn(path);
      }
    }
    // These are followed once, before the program could replace one.
    for (const path of this.#facts.foundBy) {
      if (this.#around(path) === undefined) this.#leadOn(path);
    }
  }

  /** Puts the processes into the tree, and closes what else is in /proc. */
  #processes(): void {
    const allowed = this.#rules.state("/proc").read
      ? ["/proc"]
      : this.#rules.processes.filter((path) =>
        above(this.#rules.refused.read, path) === undefined
      );
    if (allowed.length === 0) {
      // Then nothing of it is to be seen, whatever else is.
      if (this.#rules.seen.has("/proc")) this.#directory("/proc");
      return;
    }
    this.#nodes.delete("/proc");
    const { kind, names, overProc } = this.#facts;
    // Another procfs (proc(5), subset) would have more in it than the machine's.
    const alone = names("/proc").every((name) =>
      /^\d+$/.test(name) || kind(`/proc/${name}`) === "link"
    );
    this.#nodes.set("/proc", { kind: "processes", path: "/proc", alone });
    const closed = closedProcesses({
      allowed,
      refused: new Map(
        [...this.#rules.refused.read].filter(([path]) => isProc(path))
          .map(([path, { rule }]) => [path, rule]),
      ),
      patterns: this.#rules.patterns.filter(({ root, section }) =>
        section === "read" && (root === "/" || isProc(root))
      ),
      facts: this.#facts,
    });
    this.#overProc(outermost(overProc), closed.nodes);
    for (const { path, is } of closed.nodes) {
      this.#nodes.set(path, { kind: "closed", path, is });
    }
    this.#rules.unheld.push(...closed.unheld);
  }

  /** What is hidden in the machine's /proc is so in the tree's own, too. */
  #overProc(paths: readonly string[], closed: readonly ClosedName[]): void {
    for (const path of paths) {
      const kind = this.#facts.kind(path);
      const isClosed = closed.some((one) => isWithin(path, one.path));
      // Those of a process are about processes of the machine.
      if (kind === "missing" || isClosed || /^\/proc\/\d/.test(path)) continue;
      this.#nodes.set(path, {
        ...{ kind: "bind", path, there: true, write: false, noRun: true },
        is: kind === "directory" ? "directory" : "file",
      });
    }
  }

  /** Puts a link into the tree. */
  #leadOn(path: string): void {
    // Those of /proc are there with it.
    if (isProc(path)) return;
    const to = this.#facts.target(path);
    if (to === undefined) return;
    this.#lead(path);
    this.#link(path, to);
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
