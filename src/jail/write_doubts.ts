/** Rules that let more or less be written on this machine than who reads them would think. */

import { fromBytes, printable } from "../abi/bytes.ts";
import { SystemCallError } from "../errors.ts";
import type { RuleRef } from "../policy/decision.ts";
import { rootOf } from "../policy/floor/grants.ts";
import { parseGlob } from "../policy/path/glob.ts";
import { realGlobs } from "../policy/path/rules.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import type { Policy } from "../policy/policy.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";
import {
  ANY_NAME,
  farIn,
  type FileDecider,
  isBuiltIn,
  MOST_LOOKS,
  named,
} from "./doubted.ts";

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
}

/**
 * Finds what lets the working directory be written where that is the home directory,
 * or holds it: programs outside run much of what is hidden there. Or it holds what
 * the next jail is started from, or what git keeps or runs, where .git is closed.
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
  { home, code }: Precious,
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
    ...repositoriesIn(cwd, view).filter(isForgotten).map((path) =>
      `lets ${
        printable(path)
      } be written, a repository whose settings name programs that git runs: ` +
      "start in a worktree of it"
    ),
    ...hooksIn(cwd, view).filter(isForgotten).map((path) =>
      `lets ${
        printable(path)
      } be written, where the hooks are that git runs: close it by --deny-write`
    ),
  ];
  const found = refs.flatMap((ref) =>
    said.map((text) => `${named(ref)} ${text}`)
  );
  return [...new Set(found)];
}

/**
 * Finds what git keeps for a repository by another name than .git: beside its worktrees
 * (`git clone --bare URL .bare`), or where somebody starts.
 */
function repositoriesIn(cwd: string, view: View): string[] {
  const far = farIn(view);
  let names: readonly string[];
  try {
    names = view.names(cwd);
  } catch (error) {
    // Where nobody says what there is, there is nothing to doubt.
    if (!(error instanceof SystemCallError)) throw error;
    return [];
  }
  const beneath = names.slice(0, MOST_LOOKS).filter((name) => name !== ".git")
    .map((name) => pathIn(cwd, name));
  return [cwd, ...beneath].filter((path) =>
    !far.has(path) && isDirectory(pathIn(path, "objects"), view) &&
    isDirectory(pathIn(path, "refs"), view) &&
    view.realpath(pathIn(path, "HEAD")) !== undefined
  );
}

/** How much is read of the settings of a repository, in bytes. */
const MOST_SETTINGS = 1 << 20;

/**
 * Where the repository around a directory has its hooks, if its settings say so:
 * git-config(1). Git looks for one in each directory above.
 */
function hooksIn(cwd: string, view: View): string[] {
  let top = cwd;
  let bytes = view.readFile(pathIn(top, ".git/config"), MOST_SETTINGS);
  while (typeof bytes === "number" && top !== "/") {
    top = parentOf(top);
    bytes = view.readFile(pathIn(top, ".git/config"), MOST_SETTINGS);
  }
  if (typeof bytes === "number") return [];
  let isCore = false;
  let path = "";
  for (const line of fromBytes(bytes).split("\n")) {
    const [, section, left = line] = SECTION_REGEXP.exec(line) ?? [];
    if (section !== undefined) isCore = section.trim().toLowerCase() === "core";
    const equals = left.indexOf("=");
    const name = left.slice(0, equals).trim().toLowerCase();
    if (!isCore || name !== "hookspath") continue;
    // The last one counts, of however many there are.
    const [value = ""] = left.slice(equals + 1).split(/[#;]/);
    path = value.replaceAll('"', "").trim();
  }
  const named = path.startsWith("/") ? path : pathIn(top, path);
  return path === "" ? [] : [view.realpath(named) ?? named];
}

/** A section of settings begins, and perhaps the first of them follows. */
const SECTION_REGEXP = /^\s*\[([^\]]*)\](.*)/;

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
