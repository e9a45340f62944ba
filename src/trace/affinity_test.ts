import { assertEquals } from "@std/assert";
import { allowedCpus, cpusOf, MASK_BYTES, readAffinity } from "../sys/cpus.ts";
import { Affinity, tellsCpus } from "./affinity.ts";
import type { Tracee } from "./tracee.ts";

const ALL = allowedCpus();
const MANY = ALL.length > 1
  ? { ignore: false, why: "" }
  : { ignore: true, why: " (needs two processors)" };

function cpus(tid: number): number[] {
  const mask = new Uint8Array(MASK_BYTES);
  assertEquals(readAffinity(tid, mask), 0);
  return cpusOf(mask);
}

/** Runs something with two tasks that may run where this one may. */
function withTwo(
  body: (affinity: Affinity, a: Tracee, b: Tracee) => void,
): () => Promise<void> {
  return async () => {
    const children = [1, 2].map(() =>
      new Deno.Command("sleep", { args: ["60"], stdin: "null" }).spawn()
    );
    const [a, b] = children.map(({ pid }) => ({ tid: pid }) as Tracee);
    const affinity = new Affinity(true, () => false);
    try {
      body(affinity, a!, b!);
    } finally {
      affinity.end();
      for (const child of children) {
        child.kill("SIGKILL");
        await child.status;
      }
    }
    assertEquals(cpus(0), ALL);
  };
}

function stopOften(affinity: Affinity, tracee: Tracee): void {
  for (let i = 0; i < 100; i++) affinity.stopped(tracee);
}

function affinityTest(
  name: string,
  body: (affinity: Affinity, a: Tracee, b: Tracee) => void,
): void {
  const { ignore, why } = MANY;
  Deno.test({ name: `${name}${why}`, ignore, fn: withTwo(body) });
}

affinityTest(
  "Affinity keeps the one that stops on the tracer's processor",
  (affinity, a) => {
    stopOften(affinity, a);
    assertEquals([cpus(a.tid).length, cpus(a.tid)], [1, cpus(0)]);
  },
);

affinityTest("Affinity lets it go when another one stops", (affinity, a, b) => {
  stopOften(affinity, a);
  affinity.stopped(b);
  assertEquals([cpus(a.tid), cpus(b.tid), cpus(0)], [ALL, ALL, ALL]);
});

affinityTest(
  "Affinity keeps nobody while two stop in turn",
  (affinity, a, b) => {
    for (let i = 0; i < 500; i++) affinity.stopped(i % 2 === 0 ? a : b);
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, ALL]);
  },
);

affinityTest(
  "Affinity gives what a tracee makes the maker's own processors",
  (affinity, a, b) => {
    stopOften(affinity, a);
    // As the kernel does: what is made inherits the one that its maker has.
    const other = new Affinity(true, () => false);
    stopOften(other, b);
    affinity.made(a, b.tid);
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, ALL]);
  },
);

affinityTest(
  "Affinity keeps nobody any more once that could be seen at any time",
  (affinity, a) => {
    affinity.end();
    stopOften(affinity, a);
    assertEquals(cpus(a.tid), ALL);
  },
);

for (
  const [path, tells] of [
    ["/proc/12/status", true],
    ["/proc/12/task/13/status", true],
    ["/proc/self/status", true],
    ["/proc/12/stat", false],
    ["/home/status", false],
    [undefined, false],
  ] as const
) {
  Deno.test(`tellsCpus() says ${tells} of ${path}`, () =>
    assertEquals(tellsCpus(path), tells));
}
