import { assertEquals } from "@std/assert";
import {
  allowedCpus,
  cpuMask,
  cpusOf,
  MASK_BYTES,
  readAffinity,
  writeAffinity,
} from "../sys/cpus.ts";
import { Affinity } from "./affinity.ts";
import type { Tracee } from "./tracee/tracee.ts";

const ALL = allowedCpus();
const MANY = ALL.length > 1
  ? { ignore: false, why: "" }
  : { ignore: true, why: " (needs two processors)" };

function cpus(tid: number): number[] {
  const mask = new Uint8Array(MASK_BYTES);
  assertEquals(readAffinity(tid, mask), 0);
  return cpusOf(mask);
}

/** What a test does with two tasks that may run where this one may. */
interface Bench {
  readonly affinity: Affinity;
  readonly a: Tracee;
  readonly b: Tracee;
  /**
   * Has them stop in turn, so many times together, a stop every so many
   * milliseconds.
   */
  readonly stop: (
    who: readonly Tracee[],
    times: number,
    every?: number,
  ) => void;
}

function affinityTest(
  name: string,
  body: (bench: Bench) => void,
  together = true,
): void {
  const { ignore, why } = MANY;
  const fn = async (): Promise<void> => {
    const children = [1, 2].map(() =>
      new Deno.Command("sleep", { args: ["60"], stdin: "null" }).spawn()
    );
    const [a, b] = children.map(({ pid }) => ({ tid: pid }) as Tracee);
    let now = 1000;
    const affinity = new Affinity({
      ...{ hidden: true, together, isOver: () => false, now: () => now },
    });
    const stop: Bench["stop"] = (who, times, every = 0.04) => {
      for (let i = 0; i < times; i++) {
        now += every;
        affinity.stopped(who[i % who.length]!);
      }
    };
    try {
      body({ affinity, a: a!, b: b!, stop });
    } finally {
      affinity.end();
      for (const child of children) {
        child.kill("SIGKILL");
        await child.status;
      }
    }
    assertEquals(cpus(0), ALL);
  };
  Deno.test({ name: `${name}${why}`, ignore, fn });
}

affinityTest(
  "Affinity keeps the one that stops on the tracer's processor",
  ({ a, stop }) => {
    stop([a], 100);
    assertEquals([cpus(a.tid).length, cpus(a.tid)], [1, cpus(0)]);
  },
);

affinityTest(
  "Affinity leaves the tracer where somebody has put it meanwhile",
  ({ affinity, a, stop }) => {
    stop([a], 100);
    const other = ALL.filter((cpu) => cpu !== cpus(0)[0]).slice(0, 1);
    writeAffinity(0, cpuMask(other));
    affinity.release();
    assertEquals([cpus(0), cpus(a.tid)], [other, ALL]);
    stop([a], 100);
    assertEquals([cpus(0), cpus(a.tid)], [other, other]);
    affinity.release();
    assertEquals([cpus(0), cpus(a.tid)], [other, ALL]);
    writeAffinity(0, cpuMask(ALL));
  },
);

affinityTest(
  "Affinity keeps those together that have the tracer busy",
  ({ a, b, stop }) => {
    stop([a, b], 200);
    assertEquals(cpus(0).length, 1);
    assertEquals([cpus(a.tid), cpus(b.tid)], [cpus(0), cpus(0)]);
  },
);

affinityTest(
  "Affinity keeps nobody where several stop, and leave the tracer time",
  ({ a, b, stop }) => {
    stop([a, b], 500, 1);
    assertEquals([cpus(a.tid), cpus(b.tid), cpus(0)], [ALL, ALL, ALL]);
  },
);

affinityTest(
  "Affinity lets all go where rounds take longer than without",
  ({ a, b, stop }) => {
    stop([a, b], 200);
    stop([a, b], 128, 0.06);
    assertEquals([cpus(a.tid), cpus(b.tid), cpus(0)], [ALL, ALL, ALL]);
    // And it is not tried again at once.
    stop([a, b], 128);
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, ALL]);
    stop([a, b], 64);
    assertEquals([cpus(a.tid), cpus(b.tid)], [cpus(0), cpus(0)]);
  },
);

affinityTest(
  "Affinity keeps nobody who hardly stops",
  ({ a, b, stop }) => {
    stop([...Array<Tracee>(30).fill(a), b], 500);
    assertEquals([cpus(a.tid), cpus(b.tid)], [cpus(0), ALL]);
  },
);

affinityTest(
  "Affinity lets those go that stop no more",
  ({ a, b, stop }) => {
    stop([a, b], 200);
    stop([b], 200);
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, cpus(0)]);
  },
);

affinityTest(
  "Affinity lets all go where nobody stops for a moment",
  ({ affinity, a, b, stop }) => {
    stop([a, b], 200);
    assertEquals(affinity.crowded, true);
    affinity.paused();
    assertEquals([cpus(a.tid), cpus(b.tid), cpus(0)], [ALL, ALL, ALL]);
  },
);

affinityTest(
  "Affinity keeps nobody while two stop in turn, where no pause can be seen",
  ({ a, b, stop }) => {
    stop([a], 100);
    stop([a, b], 500);
    assertEquals([cpus(a.tid), cpus(b.tid), cpus(0)], [ALL, ALL, ALL]);
  },
  false,
);

affinityTest(
  "Affinity keeps what a tracee makes, and gives it the maker's own processors",
  ({ affinity, a, b, stop }) => {
    stop([a], 100);
    affinity.made(a, b);
    assertEquals(cpus(b.tid), cpus(0));
    affinity.release();
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, ALL]);
  },
);

affinityTest(
  "Affinity gives what a tracee makes the maker's own processors",
  ({ affinity, a, b, stop }) => {
    stop([a], 100);
    // As the kernel does: what is made inherits the one that its maker has.
    writeAffinity(b.tid, cpuMask(cpus(0)));
    affinity.made(a, b);
    assertEquals([cpus(a.tid), cpus(b.tid)], [ALL, ALL]);
  },
  false,
);

affinityTest(
  "Affinity gives what nobody has told of its own processors",
  ({ affinity, a, b, stop }) => {
    stop([a], 100);
    writeAffinity(b.tid, cpuMask(cpus(0)));
    affinity.made(undefined, b);
    assertEquals(cpus(b.tid), ALL);
  },
);

affinityTest(
  "Affinity lets the tracer run anywhere once all are gone",
  ({ affinity, a, b, stop }) => {
    stop([a, b], 200);
    affinity.gone(a);
    assertEquals(cpus(0).length, 1);
    affinity.gone(b);
    assertEquals(cpus(0), ALL);
  },
);

affinityTest(
  "Affinity keeps nobody any more once that could be seen at any time",
  ({ affinity, a, stop }) => {
    affinity.end();
    stop([a], 100);
    assertEquals(cpus(a.tid), ALL);
  },
);
