/** Random moves under random rules: no more may be done by one than before. */

import { assert, assertEquals } from "@std/assert";
import type { Use } from "../call.ts";
import { compile } from "../compile.ts";
import type { Decision } from "../decision.ts";
import type { Engine } from "../decide.ts";
import { mergeLayers } from "../merge.ts";
import type { Endpoint, NetAccess } from "../net/endpoint.ts";
import { NetMatcher } from "../net/match.ts";
import { type Effect, EMPTY_LAYER } from "../policy.ts";
import { random } from "../random_test.ts";

const POLICIES = 2000;
const MOVES = 10;
const LOOKS = 20;

const NAMES = ["a", "b", "k", ".x", "ab"];
const SEGMENTS = [...NAMES, ...NAMES, "*", "**", "?", "a*", "[ab]", "{a,b}"];

const below = random(1);

function pick<T>(all: readonly T[]): T {
  return all[below(all.length)] as T;
}

function path(names: readonly string[], most: number): string {
  const length = 1 + below(most);
  return `/${Array.from({ length }, () => pick(names)).join("/")}`;
}

const ref = { source: "p.yaml", keys: [], text: "" };

/** Some rules of each effect. */
function ruleSet<Rule>(make: () => Rule): Record<Effect, Rule[]> {
  const rules = (most: number): Rule[] =>
    Array.from({ length: below(most) }, make);
  return {
    allow: rules(4),
    deny: rules(3),
    ignore: below(4) > 0 ? [] : rules(2),
  };
}

/** Pairs of places of which none is in the other. */
function* places(): Iterable<[from: string, to: string]> {
  for (let i = 0; i < MOVES; i++) {
    const [from, to] = [path(NAMES, 3), path(NAMES, 3)];
    if (`${from}/`.startsWith(`${to}/`)) continue;
    if (!`${to}/`.startsWith(`${from}/`)) yield [from, to];
  }
}

/** What may lie beneath a place; the place itself where nothing can. */
function beneath(tree: boolean): readonly string[] {
  return tree ? Array.from({ length: LOOKS }, () => path(NAMES, 3)) : [""];
}

Deno.test("decide() lets nobody do more by a move than before, of random ones", () => {
  let moved = 0;
  for (let i = 0; i < POLICIES; i++) {
    const section = (): Record<
      Effect,
      { pattern: string; ref: typeof ref }[]
    > => ruleSet(() => ({ pattern: path(SEGMENTS, 4), ref }));
    const [read, write, run] = [section(), section(), section()];
    if (below(2) > 0) write.allow.push({ pattern: "/", ref });
    const engine = compile(
      mergeLayers([{ ...EMPTY_LAYER, read, write, run }]),
    );
    const tree = below(2) > 0;
    for (const [from, to] of places()) {
      if (!isMoved(engine, from, to, tree)) continue;
      moved++;
      for (const name of beneath(tree)) {
        const at = JSON.stringify({ from, to, name, read, write, run });
        const decision = (access: Use["access"], place: string): Decision =>
          engine.decide({
            name: "openat",
            uses: [{ access, path: place + name, kind: "file" }],
          });
        const may = (access: Use["access"], place: string): boolean =>
          decision(access, place).kind === "allow";
        const couldRead = may("read", from);
        assert(couldRead || !may("read", to), at);
        assert(couldRead || may("run", from) || !may("run", to), at);
        if (!tree) continue;
        for (const access of ["read", "write"] as const) {
          assertEquals(may(access, from), may(access, to), at);
        }
        for (const access of ["run", "load", "stat"] as const) {
          const there = decision(access, to);
          const closed = there.kind === "refuse" && there.uncovered !== true;
          assert(!closed || !may(access, from), at);
        }
      }
    }
  }
  assert(moved > POLICIES);
});

/** Whether a policy lets a file or a directory be moved. */
function isMoved(
  engine: Engine,
  from: string,
  to: string,
  tree: boolean,
): boolean {
  const kind = tree ? "directory" : "file";
  return engine.decide({
    name: "renameat2",
    uses: [
      { access: "write", path: from, kind },
      { access: "write", path: to, kind: "missing" },
    ],
    moves: [{ from, to, tree }],
  }).kind === "allow";
}

Deno.test("a random move makes no socket reachable, and closes none to who listens", () => {
  let moved = 0;
  for (let i = 0; i < POLICIES; i++) {
    const rules = (): ReturnType<typeof ruleSet<SocketRule>> =>
      ruleSet(() => ({
        patterns: [{ kind: "unix", pattern: path(SEGMENTS, 4) }],
        ref,
      }));
    const net = { connect: rules(), listen: rules() };
    const matcher = new NetMatcher(net, () => undefined, () => undefined);
    const tree = below(2) > 0;
    for (const [from, to] of places()) {
      if (matcher.widens({ from, to, tree })) continue;
      moved++;
      for (const name of beneath(tree)) {
        const at = JSON.stringify({ from, to, name, net });
        const effect = (access: NetAccess, place: string) => {
          const endpoint: Endpoint = {
            ...{ family: "unix", path: place + name, kind: "socket" },
          };
          return matcher.find(access, endpoint)?.effect;
        };
        const may = (access: NetAccess, place: string): boolean =>
          effect(access, place) === "allow";
        assert(may("connect", from) || !may("connect", to), at);
        assert(may("listen", to) || !may("listen", from), at);
        const isClosed = effect("connect", to) !== undefined &&
          !may("connect", to);
        assert(!tree || !isClosed || !may("connect", from), at);
      }
    }
  }
  assert(moved > POLICIES);
});

interface SocketRule {
  readonly patterns: readonly [
    { readonly kind: "unix"; readonly pattern: string },
  ];
  readonly ref: typeof ref;
}
