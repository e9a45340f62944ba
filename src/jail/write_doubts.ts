/** Rules that let more or less be written on this machine than who reads them would think. */

import { printable } from "../abi/bytes.ts";
import type { RuleRef } from "../policy/decision.ts";
import { rootOf } from "../policy/floor/grants.ts";
import { parseGlob } from "../policy/path/glob.ts";
import { realGlobs } from "../policy/path/rules.ts";
import { isWithin, pathIn } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";
import { ANY_NAME, type FileDecider, isBuiltIn, named } from "./doubted.ts";
import { ranByGit, repositoriesIn } from "./git_doubts.ts";

/** How many files of one kind are told of. */
const MOST_TOLD = 8;

/** What such rules are looked at with. */
export interface WriteDoubtOptions {
  /** Where their paths begin. */
  readonly view: View;
  /** What the policy says of a file. */
  readonly decide: FileDecider;
}

/** What should not lie in a directory that may be written. */
export interface Precious {
  /** The home directory, a real path. */
  readonly home: string | undefined;
  /** What jail is started from, real paths. */
  readonly code: readonly string[];
  /** What the policy was read from, and the names that lead there. */
  readonly policies: readonly string[];
}

/**
 * Finds what lets the working directory be written where that is the home directory,
 * or holds it: programs outside run much of what is hidden there. Or it holds what
 * the next jail is started from, or goes by, or what git keeps or runs, where .git is
 * closed.
 *
 * @param policy the merged policy
 * @param cwd the working directory, a real path
 * @param precious what may lie in there
 * @param options where paths begin, and what the policy says of them
 * @returns a text for each
 */
export function workingDoubts(
  { write }: Policy,
  cwd: string,
  { home, code, policies }: Precious,
  { view, decide }: WriteDoubtOptions,
): string[] {
  const refs = write.allow.filter(({ pattern }) =>
    parseGlob(pattern).map(rootOf).some(({ path, plain }) =>
      plain && path === cwd
    )
  ).map(({ ref }) => ref);
  // Who works at the top, and lets all be written, knows that.
  if (refs.length === 0 || cwd === "/") return [];
  const isOpen = (path: string): boolean => {
    if (!isWithin(path, cwd)) return false;
    const file = isDirectory(path, view) ? pathIn(path, ANY_NAME) : path;
    return decide("write", file).kind === "allow";
  };
  // Who lets a .git be written knows that.
  const isForgotten = (path: string): boolean =>
    isOpen(path) && !isOpen(pathIn(cwd, ".git"));
  const { hooks, files } = ranByGit(cwd, home, view);
  const repositories = repositoriesIn(cwd, view).filter(isForgotten);
  const others = files.filter((path) =>
    !repositories.includes(path) && isForgotten(path)
  );
  const said = [
    ...home !== undefined && isWithin(home, cwd)
      ? [
        "lets what is hidden in the home directory be written, which shells " +
        "and other programs outside run: start in a directory beneath it",
      ]
      : [],
    ...code.filter(isOpen).map((path) =>
      `lets ${
        printable(path)
      } be written, from which the next jail is started: put that elsewhere`
    ),
    ...policies.filter(isOpen).map((path) =>
      `lets ${
        printable(path)
      } be written, which says what the next run may do: put it elsewhere, or ` +
      "close it by --deny-write"
    ),
    ...repositories.map((path) =>
      `lets ${
        printable(path)
      } be written, a repository whose settings name programs that git runs: ` +
      "start in a worktree of it"
    ),
    ...hooks.filter(isForgotten).map((path) =>
      `lets ${
        printable(path)
      } be written, where the hooks are that git runs: close it by --deny-write`
    ),
    ...others.slice(0, MOST_TOLD).map((path) =>
      `lets ${
        printable(path)
      } be written, which git runs or goes by: close it by --deny-write`
    ),
  ];
  const found = refs.flatMap((ref) =>
    said.map((text) => `${named(ref)} ${text}`)
  );
  return [...new Set(found)];
}

/**
 * Finds what is named to be written and a built-in policy closes, whoever allows it:
 * its `deny` beats every `allow`.
 *
 * @param policy the merged policy
 * @param options where paths begin, and what the policy says of them
 * @returns a text for each
 */
export function closedDoubts(
  { write }: Policy,
  { view, decide }: WriteDoubtOptions,
): string[] {
  // Most policies close nothing of what they let be written.
  if (write.deny.length === 0) return [];
  const realpath = (path: string): string | undefined => view.meant(path);
  const closer = (path: string): RuleRef | undefined => {
    const { kind, rule } = decide("write", path);
    return kind !== "allow" && isBuiltIn(rule) ? rule : undefined;
  };
  const found = write.allow.flatMap(({ pattern, ref }) =>
    realGlobs(pattern, realpath).map(rootOf).flatMap(({ path, plain }) => {
      if (!plain) return [];
      const beneath = closer(pathIn(path, ANY_NAME));
      const rule = isDirectory(path, view) ? beneath : beneath && closer(path);
      return rule === undefined ? [] : [
        `${named(ref)} lets nothing be written: ${named(rule)} closes ${
          printable(path)
        }`,
      ];
    })
  );
  return [...new Set(found)];
}
