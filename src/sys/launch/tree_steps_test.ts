import { assertEquals } from "@std/assert";
import { fromBytes } from "../../abi/bytes.ts";
import { treeSteps } from "./tree_steps.ts";

Deno.test("treeSteps() needs no directory of the machine but /proc, which jail needs", () => {
  const paths = treeSteps([]).flatMap(({ args }) => args)
    .filter((arg) => arg instanceof Uint8Array)
    .map((bytes) => fromBytes(bytes, 0, bytes.indexOf(0)))
    .filter((text) => text.startsWith("/"));
  // The others are made on the way, and what closes links is nowhere.
  assertEquals([...new Set(paths)], ["/", "/proc", "/.jail-closed", "/new"]);
});
