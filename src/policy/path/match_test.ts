import { assertEquals } from "@std/assert";
import { type Glob, parseGlob } from "./glob.ts";
import { PathMatcher } from "./match.ts";
import { matchSegment } from "./segment.ts";

/** Numbers that look random and are the same in every run. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const NAMES = ["a", "b", "ab", "*", "a*", "?", "[ab]", "**", "*b"];

/** Whether a glob covers names, by trying everything. */
function naive(glob: Glob, names: readonly string[], at = 0): boolean {
  const segment = glob.segments[at];
  if (segment === undefined) return names.length === 0 || glob.beneath;
  const [name, ...rest] = names;
  switch (segment.kind) {
    case "any-depth":
      return naive(glob, names, at + 1) ||
        (name !== undefined && naive(glob, rest, at));
    case "name":
      return name === segment.name && naive(glob, rest, at + 1);
    case "pattern":
      return name !== undefined &&
        matchSegment(segment.pattern, name, 0, name.length) &&
        naive(glob, rest, at + 1);
  }
}

Deno.test("PathMatcher finds what trying every rule finds", () => {
  const pick = numbers(1);
  const word = (from: readonly string[]): string =>
    from[pick(from.length)] ?? "";
  for (let round = 0; round < 300; round++) {
    const matcher = new PathMatcher();
    const rules: { glob: Glob; slot: number; rule: number }[] = [];
    const count = 1 + pick(8);
    for (let rule = 0; rule < count; rule++) {
      const segments = Array.from(
        { length: pick(5) },
        () => word(NAMES),
      );
      const [glob] = parseGlob(`/${segments.join("/")}`);
      const slot = pick(9);
      rules.push({ glob: glob as Glob, slot, rule });
      matcher.add(glob as Glob, slot, rule);
    }
    for (let i = 0; i < 40; i++) {
      const names = Array.from(
        { length: pick(6) },
        () => word(["a", "b", "ab", "ba", "c"]),
      );
      const path = `/${names.join("/")}`;
      const slots = pick(512);
      matcher.walk(path, names.length === 0 ? 0 : path.length, slots);
      for (let slot = 0; slot < 9; slot++) {
        const best = rules.filter((one) =>
          one.slot === slot && (slots & (1 << slot)) !== 0 &&
          naive(one.glob, names)
        ).at(-1)?.rule ?? -1;
        assertEquals(matcher.best(slot), best, `${path}, slot ${slot}`);
      }
    }
  }
});

for (
  const [pattern, path, begun] of [
    ["/tmp/krb5cc_*", "/tmp", true],
    ["/tmp/krb5cc_*", "/tmp/krb5cc_0", false],
    ["/tmp/krb5cc_*", "/tmp/other", false],
    ["/**/.config/gh/**", "/home/me", false],
    ["/**/.config/gh/**", "/home/me/.config", true],
    ["/**/.config/gh/**", "/home/me/.config/gh", false],
    ["/srv/**/a/**/b", "/srv/x", false],
    ["/srv/**/a/**/b", "/srv/x/a/y", true],
  ] as const
) {
  Deno.test(`PathMatcher has ${begun ? "" : "not "}begun ${pattern} at ${path}`, () => {
    const matcher = new PathMatcher();
    for (const glob of parseGlob(pattern)) matcher.add(glob, 0, 0);
    matcher.walk(path, path.length, 1);
    assertEquals(matcher.isBegun(), begun);
  });
}

/** How many names are looked up on the way. */
function lookups(run: () => void): number {
  const { get } = Map.prototype;
  let count = 0;
  Map.prototype.get = function (key: unknown): unknown {
    count++;
    return get.call(this, key);
  };
  try {
    run();
  } finally {
    Map.prototype.get = get;
  }
  return count;
}

Deno.test("PathMatcher finds the same whatever it was asked before", () => {
  const pick = numbers(2);
  const word = (from: readonly string[]): string =>
    from[pick(from.length)] ?? "";
  const names = (most: number, from: readonly string[]): string =>
    `/${Array.from({ length: pick(most) }, () => word(from)).join("/")}`;
  const tells = (
    matcher: PathMatcher,
    path: string,
    slots: number,
  ): unknown => {
    matcher.walk(path, path === "/" ? 0 : path.length, slots);
    return [
      Array.from({ length: 9 }, (_, slot) => matcher.best(slot)),
      matcher.below(true),
      matcher.below(false),
      matcher.named(),
      matcher.isBegun(),
    ];
  };
  for (let round = 0; round < 100; round++) {
    const used = new PathMatcher();
    const rules: [Glob, number, number][] = [];
    for (let i = 0; i < 60; i++) {
      if (i % 10 === 0) {
        const [glob] = parseGlob(names(5, NAMES));
        rules.push([glob as Glob, pick(9), i]);
        used.add(...rules.at(-1) as [Glob, number, number]);
      }
      const fresh = new PathMatcher();
      for (const rule of rules) fresh.add(...rule);
      const path = names(5, ["a", "b", "ab", "c"]);
      const slots = [511, 7, 56][pick(3)] as number;
      assertEquals(
        tells(used, path, slots),
        tells(fresh, path, slots),
        `${path}, ${slots}, ${JSON.stringify(rules)}`,
      );
    }
  }
});

Deno.test("PathMatcher tells a directory from one whose name begins the same", () => {
  const matcher = new PathMatcher();
  const [glob] = parseGlob(`/${"a".repeat(10)}`);
  matcher.add(glob as Glob, 0, 1);
  const covered: number[] = [];
  for (let length = 1; length < 200; length++) {
    const path = `/${"a".repeat(length)}/file`;
    matcher.walk(path, path.length, 1);
    if (matcher.best(0) === 1) covered.push(length);
  }
  assertEquals(covered, [10]);
});

Deno.test("PathMatcher asks for ten thousand rules what it asks for ten", () => {
  const path = "/srv/7/data/7/some/file";
  const asked = (rules: number): number => {
    const matcher = new PathMatcher();
    for (let i = 0; i < rules; i++) {
      for (const glob of parseGlob(`/srv/${i % 100}/data/${i}`)) {
        matcher.add(glob, i % 9, i);
      }
    }
    return lookups(() => matcher.walk(path, path.length, 511));
  };
  assertEquals([asked(10), asked(10_000)], [4, 4]);
});
