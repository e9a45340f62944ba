import { assertEquals } from "@std/assert";
import { PathLock } from "./lock.ts";

Deno.test("PathLock lets calls that use paths run together", () => {
  const lock = new PathLock();
  assertEquals([lock.take("shared"), lock.take("shared")], [true, true]);
});

Deno.test("PathLock keeps a call that moves links away while a path is in use", () => {
  const lock = new PathLock();
  lock.take("shared");
  assertEquals(lock.take("exclusive"), false);
  lock.give("shared");
  assertEquals(lock.take("exclusive"), true);
});

Deno.test("PathLock keeps everything away while a link is moved", () => {
  const lock = new PathLock();
  lock.take("exclusive");
  assertEquals([lock.take("shared"), lock.take("exclusive")], [false, false]);
  lock.give("exclusive");
  assertEquals(lock.take("shared"), true);
});
