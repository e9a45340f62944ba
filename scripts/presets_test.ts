/** Tests of scripts/presets.ts. */

import { assertEquals } from "@std/assert";
import { PRESETS } from "../src/policy/presets.ts";
import { readPresets } from "./presets.ts";

Deno.test("what was read ahead is what the policies say: deno task presets", () => {
  assertEquals(PRESETS, readPresets());
});
