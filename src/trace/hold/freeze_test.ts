import { assert, assertEquals } from "@std/assert";
import { CLONE_FILES, CLONE_THREAD, CLONE_VM } from "../../abi/sched.ts";
import { X86_64 } from "../../abi/x86_64.ts";
import { OWN_VIEW } from "../../sys/view.ts";
import { Family } from "../family.ts";
import { EVERYBODY } from "../look/looked.ts";
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

/** What a freezer tells nobody. */
const UNHEARD = {
  ready(): void {},
  handle(): void {},
  go(): void {},
  restsOnDescriptor: () => false,
};

Deno.test("Freezer holds whoever comes in while everybody is held, and else who shares descriptors", () => {
  for (const [id, isHeld] of [[EVERYBODY, true], [1, false]] as const) {
    const family = new Family(X86_64, OWN_VIEW);
    const [first, sharer, other] = [
      family.addProgram(1),
      family.addChild(family.addProgram(2), 3, CLONE_FILES, false),
      family.addProgram(4),
    ];
    for (const tracee of family.tracees.values()) tracee.stopped = true;
    const freezer = new Freezer(family, UNHEARD);
    freezer.join(other);
    assertEquals(other.frozen, false);
    freezer.start(first, id);
    const late = family.addChild(sharer, 5, 0, false);
    freezer.join(late);
    const thread = family.addChild(first, 6, CLONE_FILES, false);
    freezer.join(thread);
    assertEquals([late.frozen, thread.frozen], [isHeld, true]);
    freezer.thaw(first);
    assertEquals([late.frozen, thread.frozen], [false, false]);
  }
});

Deno.test("Freezer holds the last of fifty thousand that each wait for a vfork", () => {
  const [family, last] = chain(50_000);
  const freezer = new Freezer(family, UNHEARD);
  freezer.hold(last, STOP);
  assertEquals(last.held, [STOP]);
});

Deno.test("Freezer asks nobody for its call while one who shares descriptors has gone on", () => {
  const family = new Family(X86_64, OWN_VIEW);
  const first = family.addProgram(1);
  const others = [2, 3].map((tid) =>
    family.addChild(first, tid, CLONE_FILES | CLONE_THREAD | CLONE_VM, false)
  );
  for (const tracee of family.tracees.values()) tracee.stopped = true;
  const heard: string[] = [];
  const freezer = new Freezer(family, {
    ...UNHEARD,
    handle: ({ tid }): void => void heard.push(`handle ${tid}`),
    restsOnDescriptor: ({ tid }): boolean => heard.push(`ask ${tid}`) > 0,
  });
  freezer.start(first, 1);
  for (const tracee of others) freezer.hold(tracee, STOP);
  // Its call was refused: it has gone on.
  freezer.release(first);
  assertEquals(heard, ["handle 2", "handle 3"]);
});

Deno.test("Freezer looks at all that are traced a few times, however many are held", () => {
  const family = new Family(X86_64, OWN_VIEW);
  const first = family.addProgram(1);
  const others = Array.from(
    { length: 200 },
    (_, i) => family.addProgram(i + 2),
  );
  for (const tracee of family.tracees.values()) tracee.stopped = true;
  const freezer = new Freezer(family, UNHEARD);
  freezer.start(first, EVERYBODY);
  for (const tracee of others) freezer.hold(tracee, STOP);
  const { tracees } = family;
  const all = tracees.values.bind(tracees);
  let looks = 0;
  Object.assign(tracees, {
    values: () => {
      looks++;
      return all();
    },
  });
  freezer.release(first);
  assert(looks > 0 && looks < 5, `${looks}`);
});
