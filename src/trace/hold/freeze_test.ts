import { assertEquals } from "@std/assert";
import { CLONE_FILES, CLONE_VM } from "../../abi/sched.ts";
import { X86_64 } from "../../abi/x86_64.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { Family } from "../family.ts";
import type { Tracee } from "../tracee/tracee.ts";
import { Freezer } from "./freeze.ts";

/** A stop that is none for an exec: SIGTRAP, at a call. */
const STOP = 0x857f;

/** A family in which each tracee but the last waits for the vfork of the next. */
function chain(length: number): [Family, Tracee] {
  const family = new Family(X86_64, OWN_VIEW);
  let last = family.addProgram(1);
  last.stopped = true;
  for (let tid = 2; tid <= length; tid++) {
    last = family.addChild(last, tid, CLONE_VM | CLONE_FILES, true);
    last.stopped = true;
  }
  return [family, last];
}

Deno.test("Freezer holds the last of fifty thousand that each wait for a vfork", () => {
  const [family, last] = chain(50_000);
  const freezer = new Freezer(family, {
    ready(): void {},
    handle(): void {},
    go(): void {},
    restsOnDescriptor: () => false,
  });
  freezer.hold(last, STOP);
  assertEquals(last.held, [STOP]);
});
