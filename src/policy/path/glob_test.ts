import { assertEquals, assertThrows } from "@std/assert";
import { fromText } from "../../abi/bytes.ts";
import { escapeGlob, GlobError, parseGlob } from "./glob.ts";
import { PathMatcher } from "./match.ts";

/** Whether a pattern covers a path. */
function covers(pattern: string, path: string): boolean {
  const matcher = new PathMatcher();
  for (const glob of parseGlob(fromText(pattern))) matcher.add(glob, 0, 0);
  const real = fromText(path);
  matcher.walk(real, real === "/" ? 0 : real.length, 1);
  return matcher.best(0) === 0;
}

const COVERED = [
  ["/usr", "/usr"],
  ["/usr", "/usr/lib/x"],
  ["/usr/", "/usr/lib"],
  ["//usr/./lib/../share", "/usr/share/x"],
  ["/", "/"],
  ["/", "/anything/at/all"],
  ["/.", "/"],
  ["/usr/.", "/usr"],
  ["/usr/\\./lib/\\.", "/usr/lib"],
  ["/a/*", "/a/b"],
  ["/a/*", "/a/.hidden"],
  ["/a/*.ps", "/a/x.ps"],
  ["/a/**", "/a"],
  ["/a/**", "/a/b/c"],
  ["/a/**/c", "/a/c"],
  ["/a/**/c", "/a/b/b/b/c"],
  ["/**/.env", "/.env"],
  ["/**/.env", "/x/y/.env"],
  ["/a/**/b/**/c", "/a/b/x/b/c"],
  ["/a?c", "/abc"],
  ["/a?c", "/aéc"],
  ["/a[é-ü]c", "/aöc"],
  ["/[a-c]x", "/bx"],
  ["/[!a-c]x", "/dx"],
  ["/[]-]", "/]"],
  ["/[]-]", "/-"],
  ["/[a\\]b]", "/]"],
  ["/{a,b}/x", "/b/x"],
  ["/{a,b/c}/x", "/b/c/x"],
  ["/{a,{b,c}d}", "/cd"],
  ["/a\\*b", "/a*b/c"],
  ["/\\{a,b}".replace("b}", "b\\}"), "/{a,b}"],
  ["/*a*b*c*", "/xxaxxbxxcxx"],
] as const;

for (const [pattern, path] of COVERED) {
  Deno.test(`parseGlob() makes ${pattern} cover ${path}`, () => {
    assertEquals(covers(pattern, path), true);
  });
}

const NOT_COVERED = [
  ["/usr", "/usr2"],
  ["/usr", "/"],
  ["/usr", "/USR"],
  ["/.", "/usr"],
  ["/usr/.", "/usr/lib"],
  ["/a/*", "/a"],
  ["/a/*", "/a/b/c"],
  ["/a/*.ps", "/a/x.ps/y"],
  ["/a/**/c", "/a/b/c/d"],
  ["/a?c", "/ac"],
  ["/a??c", "/aéc"],
  ["/[!a-c]x", "/ax"],
  ["/{a,b}", "/a/below"],
  ["/a\\*b", "/axb"],
  ["/*a*b*c*", "/cba"],
] as const;

for (const [pattern, path] of NOT_COVERED) {
  Deno.test(`parseGlob() keeps ${pattern} from covering ${path}`, () => {
    assertEquals(covers(pattern, path), false);
  });
}

const REFUSED = [
  "usr",
  "",
  "/a/..//../b",
  "/a/*/../b",
  "/a**b",
  "/***",
  "/a[b",
  "/a[b/c]d",
  "/[z-a]",
  "/[[:alpha:]]",
  "/{a",
  "/a}",
  "/{a}",
  "/{}",
  "/{a,}",
  "/a\\",
  "/a\\/b",
  "/a\0b",
  "/" + "a".repeat(5000),
  "/" + "{a,b}".repeat(9),
  "/" + "{".repeat(12) + "a,b" + "}".repeat(12),
];

for (const pattern of REFUSED) {
  const shown = JSON.stringify(pattern.slice(0, 30));
  Deno.test(`parseGlob() refuses ${shown}`, () => {
    assertThrows(() => parseGlob(pattern), GlobError);
  });
}

Deno.test("escapeGlob() makes a name that looks like a pattern mean itself", () => {
  for (const path of ["/a*", "/[x]", "/{a,b}", "/a\\b", "/a?", "/é*"]) {
    const [glob] = parseGlob(escapeGlob(fromText(path)));
    assertEquals(glob?.segments, [
      { kind: "name", name: fromText(path.slice(1)) },
    ]);
    assertEquals(glob?.beneath, true);
  }
});

Deno.test("escapeGlob() keeps a name one choice, whatever it has in it", () => {
  const one = escapeGlob("/a,b{c}");
  const globs = parseGlob(`/{${one},/d}/x`);
  assertEquals(globs.map(({ segments }) => segments[0]), [
    { kind: "name", name: "a,b{c}" },
    { kind: "name", name: "d" },
  ]);
});

Deno.test("parseGlob() takes no longer for brackets and bars that are no choice", () => {
  const start = performance.now();
  parseGlob(`/${"(|".repeat(2000)}`);
  parseGlob(`/(${"|".repeat(4000)}`);
  const took = performance.now() - start;
  assertEquals(took < 500, true, `took ${took} ms`);
});

Deno.test("a hostile name cannot make a pattern take more than linear time", () => {
  const matcher = new PathMatcher();
  const pattern = "/**/" + "*a".repeat(100) + "*b";
  for (const glob of parseGlob(pattern)) matcher.add(glob, 0, 0);
  const start = performance.now();
  for (const path of ["/" + "a".repeat(4095), "/aaaa".repeat(819)]) {
    matcher.walk(path, path.length, 1);
    assertEquals(matcher.best(0), -1);
  }
  const took = performance.now() - start;
  assertEquals(took < 500, true, `took ${took} ms`);
});
