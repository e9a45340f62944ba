import { assertEquals } from "@std/assert";
import { tellsCpus } from "./shown_cpus.ts";

for (
  const [path, tells] of [
    ["/proc/12/status", true],
    ["/proc/12/task/13/status", true],
    ["/proc/self/status", true],
    ["/proc/12/stat", false],
    ["/home/status", false],
    [undefined, false],
  ] as const
) {
  Deno.test(`tellsCpus() says ${tells} of ${path}`, () =>
    assertEquals(tellsCpus(path), tells));
}
