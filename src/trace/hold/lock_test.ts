import { assertEquals } from "@std/assert";
import type { Tracee } from "../tracee/tracee.ts";
import { PathLock } from "./lock.ts";

function tracee(tid: number): Tracee {
  return { tid, lock: undefined, unseen: -1 } as Tracee;
}

/** A lock, three tracees, and whose calls were interrupted. */
function setUp(): {
  lock: PathLock;
  interrupted: number[];
  elsewhere: number[];
  a: Tracee;
  b: Tracee;
  c: Tracee;
} {
  const interrupted: number[] = [];
  const elsewhere: number[] = [];
  const lock = new PathLock(
    ({ tid }) => interrupted.push(tid),
    ({ tid }) => elsewhere.includes(tid),
  );
  return {
    lock,
    interrupted,
    elsewhere,
    a: tracee(1),
    b: tracee(2),
    c: tracee(3),
  };
}

Deno.test("PathLock lets calls that use paths run together", () => {
  const { lock, a, b } = setUp();
  const taken = [lock.take(a, "shared"), lock.take(b, "shared")];
  assertEquals(taken, [true, true]);
});

Deno.test("PathLock keeps a call that moves links away while a path is in use", () => {
  const { lock, a, b } = setUp();
  lock.take(a, "shared");
  assertEquals(lock.take(b, "exclusive"), false);
  lock.give(a);
  assertEquals(lock.take(b, "exclusive"), true);
});

Deno.test("PathLock keeps everything away while a link is moved", () => {
  const { lock, a, b, c } = setUp();
  lock.take(a, "exclusive");
  const taken = [lock.take(b, "shared"), lock.take(c, "exclusive")];
  assertEquals(taken, [false, false]);
  lock.give(a);
  assertEquals(lock.take(b, "shared"), true);
});

Deno.test("PathLock interrupts calls that may wait for who wants it, once each", () => {
  const { lock, interrupted, a, b, c } = setUp();
  lock.take(a, "shared");
  lock.mayWait(a);
  lock.take(b, "shared");
  assertEquals(interrupted, []);
  lock.take(c, "exclusive");
  assertEquals(interrupted, [1]);
  lock.take(c, "exclusive");
  assertEquals(interrupted, [1]);
  // It is wanted still.
  lock.mayWait(b);
  assertEquals(interrupted, [1, 2]);
});

Deno.test("PathLock interrupts nobody for who has it, or wants it no more", () => {
  const { lock, interrupted, a, b } = setUp();
  lock.take(a, "shared");
  lock.take(b, "exclusive");
  lock.give(a);
  lock.take(b, "exclusive");
  lock.give(b);
  lock.take(a, "shared");
  lock.mayWait(a);
  assertEquals(interrupted, []);
  lock.give(a);
  lock.take(a, "shared");
  lock.take(b, "exclusive");
  lock.forget(b);
  lock.mayWait(a);
  assertEquals(interrupted, []);
});

Deno.test("PathLock keeps opens away while a directory is moved, and the other way round", () => {
  const { lock, interrupted, a, b, c } = setUp();
  lock.take(a, "open");
  lock.mayWait(a);
  assertEquals(lock.take(b, "exclusive"), true);
  assertEquals([lock.take(b, "tree"), interrupted], [false, [1]]);
  lock.give(a);
  assertEquals(lock.take(b, "tree"), true);
  assertEquals([lock.take(a, "open"), lock.take(c, "shared")], [false, false]);
  lock.give(b);
  assertEquals([lock.take(a, "open"), lock.take(c, "shared")], [true, true]);
});

Deno.test("PathLock lets opens run while a link is moved, uninterrupted", () => {
  const { lock, interrupted, a, b } = setUp();
  lock.take(a, "open");
  lock.mayWait(a);
  assertEquals(lock.take(b, "exclusive"), true);
  lock.give(a);
  assertEquals([lock.take(a, "open"), interrupted], [true, []]);
});

Deno.test("PathLock looks where those are whose calls nobody saw end, once each", () => {
  const { lock, interrupted, elsewhere, a, b, c } = setUp();
  lock.take(a, "shared");
  lock.leaveUnseen(a, 257);
  lock.take(b, "shared");
  lock.leaveUnseen(b, 257);
  elsewhere.push(1);
  assertEquals([lock.take(c, "exclusive"), interrupted], [false, [2]]);
  assertEquals([a.lock, a.unseen, b.lock], [undefined, -1, "shared"]);
  assertEquals([lock.take(c, "exclusive"), interrupted], [false, [2]]);
  lock.give(b);
  assertEquals([lock.take(c, "exclusive"), b.unseen], [true, -1]);
});

Deno.test("PathLock is free at once where all have left their calls", () => {
  const { lock, interrupted, elsewhere, a, b } = setUp();
  lock.take(a, "shared");
  lock.leaveUnseen(a, 257);
  elsewhere.push(1);
  assertEquals([lock.take(b, "exclusive"), interrupted], [true, []]);
});
