import { assertEquals } from "@std/assert";
import { directoriesAbove, isWithin, overlap } from "../path/within.ts";
import { Paths } from "./paths.ts";

const NAMES = ["a", "ab", "b"];
const ALL = [
  "/",
  ...NAMES.flatMap((one) => [
    `/${one}`,
    ...NAMES.flatMap((two) => [`/${one}/${two}`, `/${one}/${two}/a`]),
  ]),
];

Deno.test("Paths tells the same of many paths as a look at each of them", () => {
  for (const one of ALL) {
    for (const two of ALL) {
      const some = [one, two];
      const paths = new Paths(some);
      for (const path of ALL) {
        assertEquals(
          {
            has: paths.has(path),
            hold: paths.hold(path),
            around: paths.isAround(path),
            meet: paths.meet(path),
            above: paths.above(path),
          },
          {
            has: some.includes(path),
            hold: some.some((other) => isWithin(path, other)),
            around: some.some((other) => isWithin(other, path)),
            meet: some.some((other) => overlap(path, other)),
            above: directoriesAbove(path).reverse()
              .find((other) => some.includes(other)),
          },
          `${path} among ${some}`,
        );
      }
    }
  }
});
