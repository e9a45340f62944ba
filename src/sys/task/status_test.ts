import { assertEquals } from "@std/assert";
import { field } from "./status.ts";

Deno.test("field() takes nothing of the next line for a field that is empty", () => {
  const status = "Gid:\t5\t5\t5\t5\nGroups:\t \nNStgid:\t77\n";
  assertEquals(field(status, "Groups"), "");
  assertEquals(field(status, "NStgid"), "77");
  assertEquals(field(status, "Gid"), "5\t5\t5\t5");
});
