import { assertEquals } from "@std/assert";
import { rootOf } from "../floor/grants.ts";
import { type Glob, parseGlob } from "../path/glob.ts";
import { PathMatcher } from "../path/match.ts";
import { directoriesAbove, isWithin } from "../path/within.ts";
import { random } from "../random_test.ts";
import { search } from "./search.ts";

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

/** All paths of up to four names out of three. */
const EVERY: readonly string[] = (() => {
  const all: string[] = [];
  for (let from = [""]; all.length < 100; all.push(...from)) {
    from = from.flatMap((path) => ["a", "b", "ab"].map((n) => `${path}/${n}`));
  }
  return all;
})();

/**
 * What a pattern means of them, by looking at each: the outermost, where all
 * beneath is meant.
 */
function meant(glob: Glob, inside: string): string[] {
  const matcher = new PathMatcher();
  matcher.add(glob, 0, 0);
  const paths = EVERY.filter((path) => {
    matcher.walk(path, path.length, 1);
    return isWithin(path, inside) && matcher.best(0) === 0;
  });
  return glob.beneath ? outermostOf(paths) : paths;
}

function outermostOf(paths: readonly string[]): string[] {
  return paths.filter((path) =>
    !paths.some((other) => other !== path && isWithin(path, other))
  );
}

Deno.test("search() finds what looking at every path would find", () => {
  const segments = ["a", "b", "ab", "*", "a*", "**"];
  const pick = random(20261127);
  for (let round = 0; round < 3000; round++) {
    const patterns = Array.from(
      { length: 1 + pick(3) },
      () =>
        Array.from(
          { length: 1 + pick(5) },
          () => `/${segments[pick(segments.length)]}`,
        ).join(""),
    );
    const place = pick(2) === 0 ? "/" : EVERY[pick(12)] as string;
    const globs = [...new Set(patterns)].flatMap((one) => parseGlob(one))
      .filter((glob) => !rootOf(glob).plain);
    const paths = new Map<Glob, string[]>(globs.map((glob) => [glob, []]));
    search(
      globs.map((glob) => ({ glob, root: rootOf(glob).path })),
      [place],
      (from, enters) => {
        const entered = new Set([from]);
        for (const path of EVERY) {
          const slash = path.lastIndexOf("/");
          const directory = path.slice(0, slash) || "/";
          if (
            entered.has(directory) && enters(directory, path.slice(slash + 1))
          ) entered.add(path);
        }
      },
      (path, { glob }) => {
        paths.get(glob)?.push(path);
        return true;
      },
    );
    for (const [glob, found] of paths) {
      const told = found.filter((path) => path !== "/");
      assertEquals(
        (glob.beneath ? outermostOf(told) : told).sort(),
        meant(glob, place).sort(),
        `${patterns.join(" ")} in ${place}`,
      );
    }
  }
});

Deno.test("search() looks at each name once, however many patterns there are", () => {
  const { walk: look } = PathMatcher.prototype;
  let looks = 0;
  PathMatcher.prototype.walk = function (...words): void {
    looks++;
    look.apply(this, words);
  };
  try {
    const many = Array.from({ length: 100 }, (_, i) => `/**/.name${i}`);
    // Of this one every name may be the first.
    assertEquals(found([...many, "/b/**/*"], ["/"]), []);
  } finally {
    PathMatcher.prototype.walk = look;
  }
  const names = FILES.flatMap((path) => [path, ...directoriesAbove(path)]);
  assertEquals(looks, new Set(names).size);
});
