/** What jail is asked about, and what the filter lets pass without. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type SyscallName, SYSCALLS } from "../src/abi/syscalls.ts";
import { fixture, jail } from "./harness.ts";
import { needs } from "./needs.ts";

interface Used {
  readonly stops: number;
  readonly calls: Readonly<Partial<Record<SyscallName, number>>>;
}

/** What a jail was asked about while a program ran. */
async function used(
  flags: readonly string[],
  argv: readonly string[],
): Promise<{ readonly used: Used; readonly stdout: string }> {
  const how = ["--stats", "--json", ...flags];
  const { code, stdout, stderr } = await jail(how, argv);
  assertEquals(code, 0, stderr);
  return { used: JSON.parse(stderr.trim().split("\n").at(-1) ?? ""), stdout };
}

/** What shells, pipes and arithmetic do all day. */
const WORK =
  "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); done; (exit 0) & wait; " +
  "seq 20000 | while read -r line; do :; done; kill -0 $$";

Deno.test("asks only about files and ids where a program works in memory, and with pipes", async () => {
  const { used: { calls } } = await used([], ["sh", "-c", WORK]);
  const names = Object.keys(calls) as SyscallName[];
  const groups = new Set(names.map((name) => SYSCALLS[name].group));
  assert(groups.isSubsetOf(new Set(["file", "process", "signal"])), `${names}`);
  // As often as names are given: thousands of reads and writes are not asked of.
  const asked = Object.values(calls).reduce((sum, count) => sum + count, 0);
  assert(asked < 200, JSON.stringify(calls));
});

Deno.test("counts how often each call stopped", async () => {
  const once = await used([], ["cat", "/etc/passwd"]);
  const twice = await used([], ["cat", "/etc/passwd", "/etc/passwd"]);
  const { openat = 0, execve } = once.used.calls;
  assertEquals([execve, twice.used.calls.openat], [1, openat + 1]);
  assert(once.used.stops > openat);
});

Deno.test("asks nobody where a descriptor alone says which file is meant", async () => {
  const AT_EMPTY_PATH = "0x1000";
  const nr = `${SYSCALLS.newfstatat.x86_64}`;
  const words = [nr, "0", "0", "zeros", AT_EMPTY_PATH];
  const { used: { calls }, stdout } = await used(
    ["-A"],
    [fixture("make_call"), ...words],
  );
  // Before Linux 6.11 a path is needed.
  assertMatch(stdout, /^(?:0|EFAULT)\n$/);
  const named = await used([], ["stat", "/usr"]);
  assertEquals(calls.newfstatat, undefined);
  assert(Object.keys(named.used.calls).some((name) => /stat/.test(name)));
});

Deno.test({
  ...needs(["python3"], "asks once about each file that threads open"),
  fn: async () => {
    const times = async (count: number): Promise<Used> => {
      const script = `
import threading
def read():
    for _ in range(${count}):
        open("/etc/passwd").close()
threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()`;
      return (await used([], ["/usr/bin/python3", "-c", script])).used;
    };
    const [few, many] = [await times(10), await times(60)];
    const opens = (many.calls.openat ?? 0) - (few.calls.openat ?? 0);
    assertEquals(opens, 4 * 50);
    // A thread may begin, or end, while another one stops.
    const stops = many.stops - few.stops;
    assert(stops >= 4 * 50 && stops < 4 * 60, `${stops}`);
  },
});

Deno.test("asks once about each file that a shell's programs use beside it", async () => {
  const times = async (count: number): Promise<Used> => {
    const script = Array(count).fill("/bin/true").join("; ");
    return (await used([], ["sh", "-c", `${script}; exit 0`])).used;
  };
  const [few, many] = [await times(2), await times(12)];
  const asked = ({ calls }: Used): number =>
    Object.values(calls).reduce((sum, count) => sum + count, 0);
  // Besides: it is made, begins, has its image, ends, and its shell is told.
  assertEquals(many.stops - few.stops, asked(many) - asked(few) + 10 * 5);
  assertEquals(many.calls.execve, (few.calls.execve ?? 0) + 10);
});
