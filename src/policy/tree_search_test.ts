import { assertEquals } from "@std/assert";
import { type Glob, parseGlob } from "./glob.ts";
import { rootOf } from "./grants.ts";
import { search } from "./tree_search.ts";

const FILES: readonly string[] = [
  ...["/a/.ssh/id", "/a/b/.ssh/deep/id", "/a/b/x.key", "/a/b/plain"],
  ...["/home/me/.npmrc", "/home/me/p/.npmrc", "/srv/home/me/.npmrc"],
];

/** What is beneath a directory, by the list above. */
function walk(
  from: string,
  enters: (directory: string, name: string) => boolean,
): void {
  const prefix = from === "/" ? "/" : `${from}/`;
  const names = new Set(
    FILES.filter((path) => path.startsWith(prefix))
      .map((path) => path.slice(prefix.length).split("/")[0] as string),
  );
  for (const name of names) {
    if (enters(from, name)) walk(`${prefix}${name}`, enters);
  }
}

function found(
  patterns: readonly string[],
  places: readonly string[],
): string[] {
  const globs: Glob[] = patterns.flatMap((pattern) => parseGlob(pattern));
  const paths: string[] = [];
  search(
    globs.map((glob) => ({ glob, root: rootOf(glob).path })),
    places,
    walk,
    (path) => {
      paths.push(path);
      return false;
    },
  );
  return paths.sort();
}

const CASES: readonly (readonly [
  name: string,
  patterns: readonly string[],
  places: readonly string[],
  paths: readonly string[],
])[] = [
  [
    "at any depth",
    ["/**/.ssh/**"],
    ["/"],
    ["/a/.ssh", "/a/b/.ssh"],
  ],
  [
    "by a wildcard in the first name",
    ["/**/*.key"],
    ["/a"],
    ["/a/b/x.key"],
  ],
  [
    "where a place lies inside of what a pattern means",
    ["/**/.ssh/**"],
    ["/a/b/.ssh/deep"],
    ["/a/b/.ssh/deep"],
  ],
  [
    "where a place lies beneath the root of a pattern",
    ["/a/*/x.*"],
    ["/a/b"],
    ["/a/b/x.key"],
  ],
  [
    "the place itself",
    ["/a/*"],
    ["/a/b"],
    ["/a/b"],
  ],
  [
    "by names further on",
    ["/**/home/*/.npmrc"],
    ["/"],
    ["/home/me/.npmrc", "/srv/home/me/.npmrc"],
  ],
  [
    "everything, where a pattern means everything",
    ["/home/**"],
    ["/home"],
    ["/home"],
  ],
  ["nothing outside of the places", ["/**/.ssh/**"], ["/home"], []],
];

for (const [name, patterns, places, paths] of CASES) {
  Deno.test(`search() finds ${name}`, () => {
    assertEquals(found(patterns, places), paths);
  });
}
