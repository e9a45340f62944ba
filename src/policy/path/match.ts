/**
 * Which rules cover a path? One tree of all patterns, walked once per path.
 *
 * The edges of the tree are names, patterns of one name, and `**`. A walk keeps
 * the set of nodes that it can be at, so that its cost is that of the path and
 * of the wildcards on its way: ten thousand rules cost what ten do, and no path
 * makes it go back.
 */

import type { Glob } from "./glob.ts";
import { matchSegment, type SegmentPattern } from "./segment.ts";

/** How many kinds of rules one tree holds: three accesses, three effects. */
export const SLOTS = 9;

/** All of them, as bits. */
export const ALL_SLOTS = (1 << SLOTS) - 1;

/** Of how many directories a tree remembers what it says; a power of two. */
const DIRECTORIES = 64;

interface PatternEdge {
  readonly pattern: SegmentPattern;
  readonly node: Node;
}

/** A place in the tree: what has been matched of some patterns so far. */
class Node implements Branch {
  /** Whether only names lead here, so that it stands for one path. */
  readonly literal: boolean;
  /** Whether it is behind `**` and stays where it is for any name. */
  readonly loops: boolean;
  /** Whether there is no `**` on the way here, or only the one that it is behind. */
  readonly shallow: boolean;
  names: Map<string, Node> | undefined;
  patterns: PatternEdge[] | undefined;
  /** The same by text, to find equal ones while the tree grows. */
  patternTexts: Map<string, Node> | undefined;
  anyDepth: Node | undefined;
  /** The best rule per slot that covers this and all beneath, or -1. */
  covers: Int32Array | undefined;
  /** The best rule per slot that covers this alone, or -1. */
  ends: Int32Array | undefined;
  /** Slots that have a rule further down, as bits. */
  below = 0;
  /** Slots that have a rule here or further down, as bits. */
  mask = 0;
  /** The last round in which a walk came here. */
  round = 0;

  constructor(literal: boolean, loops: boolean, shallow: boolean) {
    this.literal = literal;
    this.loops = loops;
    this.shallow = shallow;
  }

  ruleBelow(slots: number): number {
    for (const child of this.#children()) {
      const rule = Math.max(
        firstRule(child.covers, slots),
        firstRule(child.ends, slots),
        (child.below & slots) === 0 ? -1 : child.ruleBelow(slots),
      );
      if (rule >= 0) return rule;
    }
    return -1;
  }

  *#children(): Iterable<Node> {
    if (this.names !== undefined) yield* this.names.values();
    for (const edge of this.patterns ?? []) yield edge.node;
    if (this.anyDepth !== undefined) yield this.anyDepth;
  }
}

/** A place in the tree as others see it; two that are the same match the same. */
export interface Branch {
  /** Slots that have a rule further down, as bits. */
  readonly below: number;
  /** Some rule of these slots further down, or -1. */
  ruleBelow(slots: number): number;
}

/** What can still match beneath a path. */
export interface Residual {
  /** The places in the tree that something hangs on. */
  readonly branches: readonly Branch[];
  /** The best rule per slot that covers the path and all beneath it, or -1. */
  readonly covers: readonly number[];
}

/** Where a walk has come to. */
interface Reached {
  /** The path that led there. */
  readonly path: string;
  /** Which kinds of rules mattered, as bits. */
  readonly slots: number;
  /** The nodes that it can be at. */
  readonly nodes: readonly Node[];
  /** The best rules on the way. */
  readonly best: Int32Array;
}

/** A tree of rules, each a number; a higher number wins over a lower one. */
export class PathMatcher {
  readonly #root = new Node(true, false, true);
  #here: Node[] = [];
  #next: Node[] = [];
  #count = 0;
  #round = 0;
  readonly #best: Int32Array = new Int32Array(SLOTS).fill(-1);
  /** Directories that walks came to, each at its {@linkcode placeOf}. */
  readonly #directories: (Reached | undefined)[] = Array(DIRECTORIES).fill(
    undefined,
  );

  /** Adds a rule: its pattern, its slot and its number. */
  add(glob: Glob, slot: number, rule: number): void {
    this.#directories.fill(undefined);
    let node = this.#root;
    const path = [node];
    for (const segment of glob.segments) {
      switch (segment.kind) {
        case "name":
          node = nameChild(node, segment.name);
          break;
        case "pattern":
          node = patternChild(node, segment.pattern);
          break;
        case "any-depth":
          node = node.anyDepth ??= new Node(false, true, staysShallow(node));
          break;
      }
      path.push(node);
    }
    const bit = 1 << slot;
    for (const above of path) {
      above.mask |= bit;
      if (above !== node) above.below |= bit;
    }
    const rules = glob.beneath
      ? node.covers ??= new Int32Array(SLOTS).fill(-1)
      : node.ends ??= new Int32Array(SLOTS).fill(-1);
    rules[slot] = Math.max(rules[slot] as number, rule);
  }

  /**
   * Finds the rules that cover `path[0..end)`, until the next walk.
   *
   * @param path an absolute real path; without a slash in front only what covers everything is found
   * @param end where the path ends, 0 for the root directory
   * @param slots which kinds of rules matter, as bits
   */
  walk(path: string, end: number, slots: number): void {
    this.#trace(path, end, slots);
    for (let i = 0; i < this.#count; i++) {
      this.#take((this.#here[i] as Node).ends, slots);
    }
  }

  /** The best rule of a slot that the last walk found, or -1. */
  best(slot: number): number {
    return this.#best[slot] as number;
  }

  /**
   * The slots that have a rule further down from where the last walk ended.
   *
   * @param anyPattern whether to count rules that a wildcard leads to
   */
  below(anyPattern: boolean): number {
    let slots = 0;
    for (let i = 0; i < this.#count; i++) {
      const node = this.#here[i] as Node;
      if (anyPattern || node.literal) slots |= node.below;
    }
    return slots;
  }

  /**
   * The slots that have a rule for the very name of the last walk, or for one
   * beneath it.
   */
  named(): number {
    let slots = 0;
    for (let i = 0; i < this.#count; i++) {
      const node = this.#here[i] as Node;
      if (node.literal) slots |= node.mask;
    }
    return slots;
  }

  /** The slots that have a rule for a name beneath that of the last walk. */
  namedBeneath(): number {
    let slots = 0;
    for (let i = 0; i < this.#count; i++) {
      const { literal, names } = this.#here[i] as Node;
      if (!literal) continue;
      for (const { mask } of names?.values() ?? []) slots |= mask;
    }
    return slots;
  }

  /**
   * Whether a rule has been matched in part: beneath where the last walk ended it
   * goes on, and not only by what follows its first `**`, as it could anywhere.
   */
  isBegun(): boolean {
    for (let i = 0; i < this.#count; i++) {
      const { below, loops, shallow } = this.#here[i] as Node;
      if (below !== 0 && !(loops && shallow)) return true;
    }
    return false;
  }

  /** What can match beneath a path. */
  residual(path: string): Residual {
    this.#trace(path, path.length, ALL_SLOTS);
    const branches = this.#here.slice(0, this.#count)
      .filter((node) => node.below !== 0);
    return { branches, covers: Array.from(this.#best) };
  }

  /** Follows a path, and takes the rules that cover it and all beneath it. */
  #trace(path: string, end: number, slots: number): void {
    const slash = path.lastIndexOf("/", end - 1);
    if (slash <= 0) {
      this.#begin(slots);
      return this.#follow(path, 1, end, slots);
    }
    // Most paths lead to a directory that another one has led to.
    const place = placeOf(path, slash, slots);
    const known = this.#directories[place];
    if (known !== undefined && isAt(known, path, slash, slots)) {
      this.#returnTo(known);
    } else {
      this.#begin(slots);
      this.#follow(path, 1, slash, slots);
      const directory = path.slice(0, slash);
      this.#directories[place] = this.#reached(directory, slots, known);
    }
    this.#follow(path, slash + 1, end, slots);
  }

  /** Begins a walk: at the root of the tree. */
  #begin(slots: number): void {
    this.#best.fill(-1);
    this.#round++;
    this.#count = 0;
    this.#enter(this.#root, this.#here, slots);
  }

  /** Goes further by the names of a path: `path[start..end)`. */
  #follow(path: string, start: number, end: number, slots: number): void {
    for (let at = start; at < end && this.#count > 0;) {
      const slash = path.indexOf("/", at);
      const stop = slash === -1 || slash > end ? end : slash;
      this.#step(path, at, stop, slots);
      at = stop + 1;
    }
  }

  /** Where the walk is now; an earlier one is forgotten. */
  #reached(
    path: string,
    slots: number,
    earlier: Reached | undefined,
  ): Reached {
    const best = earlier?.best ?? new Int32Array(SLOTS);
    best.set(this.#best);
    return { path, slots, nodes: this.#here.slice(0, this.#count), best };
  }

  /** Goes on from where an earlier walk was. */
  #returnTo({ nodes, best }: Reached): void {
    this.#best.set(best);
    this.#count = nodes.length;
    for (let i = 0; i < nodes.length; i++) this.#here[i] = nodes[i] as Node;
  }

  /** Goes one name further: `path[start..stop)`. */
  #step(path: string, start: number, stop: number, slots: number): void {
    const here = this.#here;
    const next = this.#next;
    const count = this.#count;
    let name: string | undefined;
    this.#round++;
    this.#count = 0;
    for (let i = 0; i < count; i++) {
      const node = here[i] as Node;
      if (node.loops) this.#enter(node, next, slots);
      if (node.names !== undefined) {
        const child = node.names.get(name ??= path.slice(start, stop));
        if (child !== undefined) this.#enter(child, next, slots);
      }
      if (node.patterns === undefined) continue;
      for (const edge of node.patterns) {
        if ((edge.node.mask & slots) === 0) continue;
        if (matchSegment(edge.pattern, path, start, stop)) {
          this.#enter(edge.node, next, slots);
        }
      }
    }
    this.#here = next;
    this.#next = here;
  }

  /** Puts a node into a list, once per round. */
  #enter(node: Node, list: Node[], slots: number): void {
    if (node.round === this.#round || (node.mask & slots) === 0) return;
    node.round = this.#round;
    this.#take(node.covers, slots);
    list[this.#count++] = node;
    if (node.anyDepth !== undefined) this.#enter(node.anyDepth, list, slots);
  }

  /** Takes over the rules that win over those found so far. */
  #take(rules: Int32Array | undefined, slots: number): void {
    if (rules === undefined) return;
    const best = this.#best;
    for (let slot = 0; slot < SLOTS; slot++) {
      const rule = rules[slot] as number;
      if ((slots & (1 << slot)) !== 0 && rule > (best[slot] as number)) {
        best[slot] = rule;
      }
    }
  }
}

/** How long a path is for a walk: 0 for the root directory and for what is no path. */
export function lengthOf(path: string): number {
  return path.length > 1 && path[0] === "/" ? path.length : 0;
}

/** Where a directory is remembered, by a few of its letters: `path[0..end)`. */
function placeOf(path: string, end: number, slots: number): number {
  const letters = 3 * path.charCodeAt(end - 1) + path.charCodeAt(end >> 1);
  return (5 * end + letters + (slots >> 2)) & (DIRECTORIES - 1);
}

/** Whether a walk by `path[0..end)` has come there, and the same rules mattered. */
function isAt(
  reached: Reached,
  path: string,
  end: number,
  slots: number,
): boolean {
  return reached.slots === slots && reached.path.length === end &&
    path.startsWith(reached.path);
}

/** Whether what a node leads to is shallow. */
function staysShallow(node: Node): boolean {
  return node.shallow && !node.loops;
}

/** The node that a name leads to. */
function nameChild(node: Node, name: string): Node {
  const names = node.names ??= new Map();
  let child = names.get(name);
  if (child === undefined) {
    names.set(name, child = new Node(node.literal, false, staysShallow(node)));
  }
  return child;
}

/** The node that a pattern leads to; equal patterns share one. */
function patternChild(node: Node, pattern: SegmentPattern): Node {
  const texts = node.patternTexts ??= new Map();
  let child = texts.get(pattern.text);
  if (child === undefined) {
    texts.set(pattern.text, child = new Node(false, false, staysShallow(node)));
    (node.patterns ??= []).push({ pattern, node: child });
  }
  return child;
}

/** The first rule of these slots, or -1. */
function firstRule(rules: Int32Array | undefined, slots: number): number {
  return rules?.find((rule, slot) =>
    rule >= 0 && (slots & (1 << slot)) !== 0
  ) ??
    -1;
}
