import { assertEquals } from "@std/assert";
import { PTRACE_EVENT_STOP } from "../abi/ptrace.ts";
import { CLONE_FILES, CLONE_VM } from "../abi/sched.ts";
import { SIGKILL, SIGTRAP } from "../abi/signal.ts";
import { X86_64 } from "../abi/x86_64.ts";
import { eachName } from "../sys/directory.ts";
import { traced } from "../sys/task/traced_test.ts";
import { kill, reap } from "../sys/task/wait.ts";
import { OWN_VIEW } from "../sys/view.ts";
import { Affinity } from "./affinity.ts";
import { Family } from "./family.ts";
import { Freezer } from "./hold/freeze.ts";
import { Strangers } from "./strangers.ts";

/** A wait status: killed by SIGKILL. */
const KILLED = 9;
/** A wait status: stopped, as what a tracee made is at first. */
const STOPPED = PTRACE_EVENT_STOP << 16 | SIGTRAP << 8 | 0x7f;
/** An id that no task has: it is above PID_MAX_LIMIT. */
const NOBODY = 1 << 30;

function strangers(family: Family): Strangers {
  const freezer = new Freezer(family, {
    ready(): void {},
    handle(): void {},
    go(): void {},
    restsOnDescriptor: () => false,
  });
  const affinity = new Affinity({
    hidden: false,
    together: false,
    isOver: () => false,
  });
  return new Strangers(family, freezer, undefined, affinity, () => {});
}

Deno.test("Strangers doubts an id that died untold, until all have told that ever will", () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  const program = family.addProgram(NOBODY - 1);
  program.stopped = true;
  program.held.push(0);
  all.stop(NOBODY, KILLED);
  assertEquals(all.doubts(NOBODY), true);
  all.adoptOrphans();
  assertEquals(all.doubts(NOBODY), true);
  program.held.length = 0;
  all.told(program);
  assertEquals(all.doubts(NOBODY), false);
});

Deno.test("Strangers believes no maker that tells of one who was waited for, or is outside", () => {
  const all = strangers(new Family(X86_64, OWN_VIEW));
  const pid = traced();
  const before = all.believes(pid);
  kill(pid, SIGKILL);
  reap(pid);
  const after = [pid, Deno.pid].map((one) => all.believes(one));
  assertEquals([before, ...after], [true, false, false]);
});

Deno.test("Strangers doubts an id until its maker has told whose vfork is over, since the child was killed in a stop", () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  const pid = traced();
  try {
    const maker = family.addProgram(pid);
    // Its end is not heard of yet.
    family.addChild(maker, NOBODY - 1, 0, true).stopped = true;
    all.stop(NOBODY, KILLED);
    all.adoptOrphans();
    assertEquals(all.doubts(NOBODY), true);
    all.told(maker);
    assertEquals(all.doubts(NOBODY), false);
  } finally {
    kill(pid, SIGKILL);
    reap(pid);
  }
});

Deno.test("Strangers hears of the last of fifty thousand that each wait for a vfork", () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  let last = family.addProgram(1);
  last.stopped = true;
  for (let tid = 2; tid <= 50_000; tid++) {
    last = family.addChild(last, tid, CLONE_VM | CLONE_FILES, true);
    last.stopped = true;
  }
  last.held.push(0);
  all.doubt(NOBODY);
  all.adoptOrphans();
  all.told(last);
  assertEquals(all.doubts(NOBODY), false);
});

Deno.test("Strangers leaves alone whom its maker has told of, and nobody has met yet", async () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  const program = family.addProgram(NOBODY - 1);
  program.stopped = true;
  program.held.push(0);
  const sleep = new Deno.Command("sleep", { args: ["60"] }).spawn();
  all.stop(sleep.pid, STOPPED);
  all.adoptOrphans();
  family.addChild(program, sleep.pid, CLONE_VM | CLONE_FILES, false);
  program.held.length = 0;
  all.told(program);
  all.takeIn();
  assertEquals(family.untold.get(sleep.pid), STOPPED);
  sleep.kill("SIGTERM");
  assertEquals((await sleep.status).signal, "SIGTERM");
});

Deno.test("Strangers takes in whom nobody has told of for long, whenever it has stopped", async () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  // One that is there, and shares nothing with it.
  family.addProgram(Deno.pid);
  const sleep = new Deno.Command("sleep", { args: ["60"] }).spawn();
  all.stop(sleep.pid, STOPPED);
  assertEquals(all.look(), true);
  assertEquals(family.tracees.has(sleep.pid), false);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  all.look();
  assertEquals(all.takeIn(), false);
  assertEquals(family.tracees.has(sleep.pid), true);
  assertEquals(all.look(), false);
  sleep.kill("SIGTERM");
  await sleep.status;
});

Deno.test("Strangers knows what an orphan runs, for the log", async () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  // One that is there, and shares nothing with it.
  family.addProgram(Deno.pid).stopped = true;
  const sleep = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const runs = Deno.readLinkSync(`/proc/${sleep.pid}/exe`);
  all.stop(sleep.pid, STOPPED);
  all.adoptOrphans();
  assertEquals(all.takeIn(), false);
  assertEquals(family.processes.get(sleep.pid)?.program, runs);
  sleep.kill("SIGTERM");
  await sleep.status;
});

Deno.test("Strangers ends no program for a thread that its exec ends", async () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  const threads = new Deno.Command(Deno.execPath(), {
    args: ["eval", "setTimeout(() => {}, 60_000); console.log();"],
    stdout: "piped",
  }).spawn();
  await threads.stdout.getReader().read();
  const { pid } = threads;
  const program = family.addProgram(pid);
  program.stopped = true;
  program.process.executing = program;
  const tid = [...eachName(`/proc/${pid}/task`)].map(Number)
    .find((tid) => tid !== pid) ?? NOBODY;
  all.stop(tid, STOPPED);
  all.adoptOrphans();
  assertEquals(all.takeIn(), false);
  assertEquals(family.untold.get(tid), STOPPED);
  threads.kill("SIGTERM");
  assertEquals((await threads.status).signal, "SIGTERM");
});

Deno.test("Strangers lets others have their turn, and limits be looked at, while it takes in very many", async () => {
  const family = new Family(X86_64, OWN_VIEW);
  const all = strangers(family);
  for (let tid = NOBODY; tid < NOBODY + 10_000; tid++) {
    family.addProgram(tid).stopped = true;
  }
  const orphans = Array.from(
    { length: 3 },
    () => new Deno.Command("sleep", { args: ["60"] }).spawn(),
  );
  for (const { pid } of orphans) all.stop(pid, STOPPED);
  all.adoptOrphans();
  assertEquals([all.takeIn(), all.takeIn(), all.takeIn()], [true, true, false]);
  // What they share with those ten thousand cannot be told.
  for (const { status } of orphans) {
    assertEquals((await status).signal, "SIGKILL");
  }
});
