/** Finding what wildcards mean, of all that is there. */

import type { Glob } from "../path/glob.ts";
import { PathMatcher } from "../path/match.ts";
import type { SegmentPattern } from "../path/segment.ts";
import { SegmentSet } from "../path/segment_set.ts";
import { isWithin, outermost, overlap, pathIn } from "../path/within.ts";

/**
 * Goes through all that is beneath a directory.
 *
 * @param from the directory
 * @param enters told of each name, and of the directory that it is in; whether to
 * look beneath it
 * @param unlisted told of each directory that cannot be listed
 */
export type Walk = (
  from: string,
  enters: (directory: string, name: string) => boolean,
  unlisted: (directory: string) => void,
) => void;

/** A pattern with a wildcard. */
export interface Pattern {
  /** The pattern. */
  readonly glob: Glob;
  /** Where it begins: the names in front of its first wildcard. */
  readonly root: string;
}

/**
 * Finds what patterns mean.
 *
 * A system has a hundred thousand files, of which a handful have a name that a
 * pattern begins with; only those, and where it goes on beneath them, are matched.
 *
 * @param patterns the patterns
 * @param places where to look
 * @param walk goes through a place
 * @param found told of each path, with each pattern that means it; whether to look
 * beneath it
 * @param unlisted told of each directory that cannot be listed, with each pattern
 * that may mean something in it
 */
export function search<P extends Pattern>(
  patterns: readonly P[],
  places: readonly string[],
  walk: Walk,
  found: (path: string, pattern: P) => boolean,
  unlisted: (directory: string, pattern: P) => void = () => {},
): void {
  const any = matcherOf(patterns);
  const each = patterns.map((pattern) => matcherOf([pattern]));
  const starts = outermost(patterns.map(({ root }) => root)).flatMap((root) =>
    places.flatMap((place) =>
      isWithin(place, root) ? [place] : isWithin(root, place) ? [root] : []
    )
  );
  const isFirst = firstNames(patterns);
  // Where the names in a directory are matched, whatever they are.
  const begun = patterns.filter(({ glob, root }) =>
    glob.segments[root === "/" ? 0 : root.split("/").length - 1]?.kind !==
      "any-depth"
  ).map(({ root }) => root);
  const matched = new Set(begun);
  const match = (path: string): boolean => {
    any.walk(path, path.length, 1);
    if (any.isBegun()) matched.add(path);
    if (any.best(0) < 0) return true;
    let enters = true;
    each.forEach((matcher, number) => {
      matcher.walk(path, path.length, 1);
      if (matcher.best(0) < 0) return;
      enters = found(path, patterns[number] as P) && enters;
    });
    return enters;
  };
  for (const start of outermost(starts)) {
    const isBegun = begun.some((root) => isWithin(start, root)) ||
      start.split("/").some(isFirst);
    if (isBegun && !match(start)) continue;
    walk(
      start,
      (directory, name) =>
        matched.has(directory) || isFirst(name)
          ? match(pathIn(directory, name))
          : true,
      (directory) => {
        for (const pattern of patterns) {
          if (reachesInto(pattern, directory)) unlisted(directory, pattern);
        }
      },
    );
  }
}

function matcherOf(patterns: readonly Pattern[]): PathMatcher {
  const matcher = new PathMatcher();
  for (const { glob } of patterns) matcher.add(glob, 0, 0);
  return matcher;
}

/** Whether a pattern may mean something in a directory. */
export function reachesInto(
  { glob, root }: Pattern,
  directory: string,
): boolean {
  const { segments } = glob;
  return overlap(directory, root)
    ? segments.some(({ kind }) => kind === "any-depth") ||
      segments.length >= directory.split("/").length
    : false;
}

/** Whether a name may be the first one that a pattern means at any depth. */
function firstNames(patterns: readonly Pattern[]): (name: string) => boolean {
  const names = new Set<string>();
  const others: SegmentPattern[] = [];
  for (const { glob: { segments } } of patterns) {
    const depth = segments.findIndex(({ kind }) => kind === "any-depth");
    // One that has no such place begins in its root.
    if (depth < 0) continue;
    const next = segments[depth + 1];
    if (next === undefined) return () => true;
    if (next.kind === "name") names.add(next.name);
    else if (next.kind === "pattern") others.push(next.pattern);
    else return () => true;
  }
  const set = new SegmentSet(others);
  return (name) => names.has(name) || set.matches(name);
}
