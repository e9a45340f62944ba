import { assertEquals } from "@std/assert";
import { CLONE_FILES, CLONE_FS, CLONE_THREAD, CLONE_VM } from "../abi/sched.ts";
import { X86_64 } from "../abi/x86_64.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { Family } from "./family.ts";
import { isHeldByExec } from "./tracee/tracee.ts";

const PROGRAM = 100;

function family(): Family {
  const all = new Family(X86_64, OWN_VIEW);
  all.addProgram(PROGRAM);
  return all;
}

Deno.test("Family is alone with one tracee, and not with a thread more", () => {
  const all = family();
  assertEquals(all.alone, true);
  const program = all.tracees.get(PROGRAM)!;
  all.addChild(program, 101, CLONE_VM | CLONE_FILES | CLONE_THREAD, false);
  assertEquals(all.alone, false);
});

Deno.test("Family is alone while the parent of a vfork waits", () => {
  const all = family();
  all.addChild(all.tracees.get(PROGRAM)!, 101, CLONE_VM, true);
  assertEquals(all.alone, true);
});

Deno.test("Family takes the parent of a vfork to run once the child's exec is let go", () => {
  const all = family();
  const child = all.addChild(all.tracees.get(PROGRAM)!, 101, CLONE_VM, true);
  all.release(child);
  assertEquals(all.alone, false);
});

Deno.test("Family trusts no vfork beneath a vfork: the one between may be killed", () => {
  const all = family();
  const child = all.addChild(all.tracees.get(PROGRAM)!, 101, CLONE_VM, true);
  all.addChild(child, 102, CLONE_VM, true);
  assertEquals(all.alone, false);
});

Deno.test("Family knows which vfork a tracee waits for, where the one before is not over for it", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const first = all.addChild(program, 101, CLONE_VM, true);
  const second = all.addChild(program, 102, CLONE_VM, true);
  all.exec(first);
  assertEquals(
    [program.vfork, all.parentOf(first), all.parentOf(second)],
    [second, undefined, program],
  );
  all.remove(first);
  assertEquals([program.vfork, all.alone], [second, true]);
  // Whoever makes another one by fork waits for nobody.
  all.addChild(program, 103, 0, false);
  assertEquals([program.vfork, all.parentOf(second)], [undefined, undefined]);
});

Deno.test("Family is never alone again once the kernel may write memory at any time", () => {
  const all = family();
  all.expose();
  assertEquals(all.alone, false);
});

Deno.test("Family knows who shares nothing with anybody", () => {
  for (const shared of [CLONE_VM, CLONE_FILES, CLONE_FS]) {
    const all = family();
    const program = all.tracees.get(PROGRAM)!;
    const child = all.addChild(program, 101, 0, false);
    assertEquals([all.owns(program), all.owns(child)], [true, true]);
    const other = all.addChild(program, 102, shared, false);
    const own = [program, child, other].map((tracee) => all.owns(tracee));
    assertEquals(own, [false, true, false]);
    all.remove(other);
    assertEquals(all.owns(program), true);
  }
});

Deno.test("Family takes an exec to share its directory still", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const shared = CLONE_VM | CLONE_FILES | CLONE_FS;
  const child = all.addChild(program, 101, shared, false);
  all.exec(child);
  assertEquals([all.owns(child), all.owns(program)], [false, false]);
});

Deno.test("Family trusts the child of a vfork with its memory, until its exec is let go", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const child = all.addChild(program, 101, CLONE_VM, true);
  assertEquals([all.owns(child), all.owns(program)], [true, true]);
  all.release(child);
  assertEquals([all.owns(child), all.owns(program)], [false, false]);
});

Deno.test("Family trusts nobody while a task is there that nobody has told of, nor after", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  all.untold.set(101, 0);
  assertEquals([all.alone, all.owns(program)], [false, false]);
  all.addOrphan(101, undefined, undefined);
  assertEquals(all.owns(program), false);
});

Deno.test("Family gives an exec from a thread the process's id, alone in it", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const shared = CLONE_VM | CLONE_FILES | CLONE_THREAD;
  const thread = all.addChild(program, 101, shared, false);
  assertEquals(all.lead(thread), [program]);
  all.exec(thread);
  assertEquals([thread.tid, [...all.tracees]], [PROGRAM, [[PROGRAM, thread]]]);
  assertEquals(all.alone, true);
});

Deno.test("Family remembers the ids of processes that are gone", () => {
  const all = family();
  const child = all.addChild(all.tracees.get(PROGRAM)!, 4194303, 0, false);
  all.remove(child);
  assertEquals(
    [PROGRAM, 4194303, 4194302, 0, -1].map((pid) => all.wasOwn(pid)),
    [true, true, false, false, false],
  );
});

Deno.test("Family forgets a process with its last thread", () => {
  const all = family();
  all.remove(all.tracees.get(PROGRAM)!);
  assertEquals([all.tracees.size, all.processes.size], [0, 0]);
});

Deno.test("isHeldByExec() makes the threads of a process wait for the exec of one of them", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const thread = all.addChild(program, 101, CLONE_VM | CLONE_THREAD, false);
  const child = all.addChild(program, 102, CLONE_VM, false);
  assertEquals([program, thread, child].map(isHeldByExec), [
    false,
    false,
    false,
  ]);
  program.process.executing = thread;
  assertEquals([program, thread, child].map(isHeldByExec), [
    true,
    false,
    false,
  ]);
});

Deno.test("Family gives an orphan the memory and the descriptors that it shares", () => {
  const all = family();
  const program = all.tracees.get(PROGRAM)!;
  const orphan = all.addOrphan(101, undefined, program);
  assertEquals(orphan.files === program.files, true);
  assertEquals(orphan.space === program.space, false);
});
