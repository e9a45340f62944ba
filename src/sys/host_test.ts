import { assertThrows } from "@std/assert";
import { UnsupportedError } from "../errors.ts";
import { checkLauncher } from "./host.ts";

Deno.test("a machine without a launcher is refused by its name", () => {
  checkLauncher("x86_64");
  assertThrows(
    () => checkLauncher("aarch64"),
    UnsupportedError,
    "there is no launcher for aarch64",
  );
});
