/** From a policy to the engine that decides by it, where that can be held on this machine. */

import { printable } from "../abi/bytes.ts";
import { PolicyError } from "../errors.ts";
import { CompiledPolicy, type Engine } from "./decide.ts";
import * as fixed from "./fixed.ts";
import { type InterfaceIndex, refusedSockets } from "./net/match.ts";
import { remembered } from "./path/remembered.ts";
import {
  linksOfRules,
  pathOfRoot,
  type Realpath,
  type RuleRoot,
  ruleRoots,
} from "./path/rules.ts";
import { parentOf } from "./path/within.ts";
import type { Policy } from "./policy.ts";

/** What {@linkcode compile} can be told about the machine. */
export interface CompileOptions {
  /**
   * Finds the real path of a file, so that a rule that names a link covers where it
   * leads.
   */
  readonly realpath?: Realpath | undefined;
  /**
   * Finds the links that a path leads through, which the program must not change, and
   * directories that must not become links for it to lead there.
   */
  readonly links?: ((path: string) => readonly string[]) | undefined;
  /**
   * Finds the directories on the way of a path that hide where that leads, or did
   * when it was looked for, and that the program could open if it may change them.
   */
  readonly closedOnTheWay?:
    | ((path: string, known: string | undefined) => readonly string[])
    | undefined;
  /** Finds an interface, so that a rule can name one: `[fe80::1%eth0]:80`. */
  readonly interfaceIndex?: InterfaceIndex | undefined;
  /** Where files are settings of the kernel; /proc and /sys unless given. */
  readonly settings?: readonly string[] | undefined;
  /**
   * Finds where names may mean the same in capital letters, by paths that rules name;
   * nowhere unless given.
   */
  readonly folding?:
    | ((paths: readonly string[], realpath: Realpath) => readonly string[])
    | undefined;
}

/**
 * Makes an engine of a policy.
 *
 * @param policy the merged policy
 * @param options what to know about the machine
 * @returns the engine
 * @throws {PolicyError} when a rule names an interface that is not there, it cannot
 *   be told what a rule refuses, or the rules stand for too many patterns
 */
export function compile(policy: Policy, options: CompileOptions = {}): Engine {
  const nothing = (): undefined => undefined;
  const { interfaceIndex = nothing, links } = options;
  const roots = ruleRoots(policy);
  const realpath = remembered(options.realpath ?? nothing);
  mustLeadUp(roots, realpath);
  const ofRules = links ? linksOfRules(roots, realpath, links) : [];
  const settings = options.settings ?? fixed.SETTINGS;
  const engine = new CompiledPolicy(policy, realpath, ofRules, {
    interfaceIndex,
    settings,
    folding: options.folding?.(refusedNames(policy, roots), realpath) ?? [],
  });
  if (options.closedOnTheWay) {
    mustBeFound(engine, roots, realpath, options.closedOnTheWay);
  }
  return engine;
}

/** The paths that rules name, where one of them refuses something. */
function refusedNames(
  { net }: Policy,
  roots: readonly RuleRoot[],
): string[] {
  const sockets = typeof net === "string" ? [] : refusedSockets(net);
  return roots.every(({ effect }) => effect === "allow")
    ? sockets
    : [...roots.map(pathOfRoot), ...sockets];
}

/**
 * Sees to it that a rule which refuses something means what its path leads to.
 * Behind a link `..` leads out of the directory that the link leads to, and not out
 * of its own.
 */
function mustLeadUp(roots: readonly RuleRoot[], realpath: Realpath): void {
  for (const { left, effect, ref } of roots) {
    if (effect === "allow") continue;
    for (const path of left) {
      const above = parentOf(path);
      const real = parentOf(realpath(path) ?? path);
      if (real === above || real === realpath(above)) continue;
      throw new PolicyError(
        `Cannot use "${ref.text}" of "${ref.source}": ".." behind the link ${
          printable(path)
        } leads to ${printable(real)}`,
        { hint: "write the path without .. in it" },
      );
    }
  }
}

/**
 * Sees to it that what rules refuse can be found. A link could lie beneath a
 * directory that nobody may search at the start: a program that may change that
 * opens it, and finds without a rule where the link leads.
 */
function mustBeFound(
  { mayWrite }: CompiledPolicy,
  roots: readonly RuleRoot[],
  realpath: Realpath,
  closedOnTheWay: NonNullable<CompileOptions["closedOnTheWay"]>,
): void {
  const closedTo = remembered((name) =>
    closedOnTheWay(name, realpath(name)).find(mayWrite)
  );
  for (const { path, effect, ref } of roots) {
    if (effect === "allow") continue;
    const closed = closedTo(`/${path.join("/")}`);
    if (closed === undefined) continue;
    throw new PolicyError(
      `Cannot use "${ref.text}" of "${ref.source}": what it refuses is hidden by ${
        printable(closed)
      }, which the program could open`,
      { hint: "let that directory be searched (chmod u+x), or not be written" },
    );
  }
}
