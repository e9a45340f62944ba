/**
 * A program that uses more than its limits is ended or refused, soon, and with all
 * that it started.
 */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { detach, interrupt, seize } from "../src/sys/task/ptrace.ts";
import { waitFor } from "../src/sys/task/wait.ts";
import type { Engine } from "../src/trace/options.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  processesWith,
  run,
  start,
} from "./harness.ts";
import { jailCommand, scratch } from "./jail.ts";
import { hasMachine, needs } from "./needs.ts";
import { Terminal } from "./terminal.ts";

/**
 * How long a test may take to start a jail, see its end and hear of it, in
 * milliseconds: the tests have neighbours.
 */
const TOLERANCE = 15_000;

/** How long a jail may last beyond its time limit, in milliseconds. */
const PROMISE = 1000;

/**
 * What of that waits for a processor, one after the other: who looks at the clock,
 * who gets the signal, who is told of the end, and once more after the grace.
 */
const WAITS = 6;

/** A jail whose thread that watches the program is stopped. */
class HeldJail {
  readonly #pid: number;
  /** The process of the program. */
  readonly program: number;
  /** What the jail exits with. */
  readonly code: Promise<number>;

  private constructor(pid: number, program: number, code: Promise<number>) {
    this.#pid = pid;
    this.program = program;
    this.code = code;
  }

  /** Starts it; the program writes its process id in a line. */
  static async start(words: readonly string[]): Promise<HeldJail> {
    // Of a shell's child nobody but its tracer here waits for a stop.
    const shell = new Deno.Command("sh", {
      args: ["-c", '"$@" & echo $!; wait $!', "sh", ...jailCommand(), ...words],
      ...{ stdin: "null", stdout: "piped", stderr: "null" },
    }).spawn();
    const reader = shell.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    let text = "";
    while (text.split("\n").length < 3) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`The jail has ended: ${text}`);
      text += value;
    }
    const [pid = 0, program = 0] = text.split("\n").map(Number);
    const code = shell.status.then(async (status) => {
      await reader.cancel();
      return status.code;
    });
    assertEquals([seize(pid, 0), interrupt(pid)], [0, 0]);
    assertEquals(waitFor(pid, new Int32Array(1)), pid);
    return new HeldJail(pid, program, code);
  }

  /** Whether it still is. */
  get isHeld(): boolean {
    return taskState(this.#pid) === "t";
  }

  /** It goes on. */
  letGo(): void {
    detach(this.#pid, 0);
  }
}

/** Whether a process is gone, or waits to be waited for. */
function isOver(pid: number): boolean {
  return ["", "Z"].includes(taskState(pid));
}

/** The letter of proc(5), `/proc/pid/stat`; "" where there is no such process. */
function taskState(pid: number): string {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return /\) (\w)/.exec(stat)?.[1] ?? "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** Lets others run. */
function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 50));
}

/** A word that nothing else has on its command line. */
function mark(): string {
  return `marked-${crypto.randomUUID()}`;
}

/** Runs a program that a limit has to end, and sees that nothing is left of it. */
async function ends(
  limits: string,
  argv: (word: string) => readonly string[],
  options: Parameters<typeof jail>[2],
): Promise<Ended> {
  const word = mark();
  const begin = performance.now();
  const policy = `{extends: allow-all, limits: ${limits}}`;
  const ended = await jail(policy, argv(word), options);
  assert(performance.now() - begin < TOLERANCE, `${limits}: too late`);
  assertEquals(processesWith(word), []);
  return ended;
}

/**
 * The same of a program that its time limit has to end, no later than is promised
 * by jail's own clock, and as much later as this machine, which has neighbours,
 * lets a timer of ours wait for a processor meanwhile, at most, for each wait.
 */
async function endsInTime(
  most: number,
  limits: string,
  argv: (word: string) => readonly string[],
  engine: Engine,
): Promise<Ended> {
  const every = 20;
  let [last, lag] = [performance.now(), 0];
  const timer = setInterval(() => {
    const now = performance.now();
    lag = Math.max(lag, now - last - every);
    last = now;
  }, every);
  const word = mark();
  const flags = ["--stats", "--json", `--timeout=${most}ms`];
  await using directory = await scratch();
  const text = `{extends: allow-all, limits: ${limits}}`;
  const policy = await directory.file("policy.yaml", text);
  const ended = await jail(["-p", policy, ...flags], argv(word), { engine });
  clearInterval(timer);
  const line = /^\{.*"wallMs".*\}$/m.exec(ended.stderr)?.[0] ?? "{}";
  const { wallMs } = JSON.parse(line);
  assert(wallMs >= most, ended.stderr);
  const latest = most + PROMISE + WAITS * lag;
  assert(wallMs <= latest, `${wallMs} ms, of ${most}; ${latest} at most`);
  assertEquals(processesWith(word), []);
  return ended;
}

interface Late {
  readonly what: string;
  readonly script: string;
}

/** Programs that print for ever, or very much at once. */
const PRINTERS: readonly Late[] = [
  { what: "a command", script: "exec yes" },
  {
    what: "another descriptor",
    script: "exec 7>&1; while :; do echo some words >&7; done",
  },
  {
    what: "one large write",
    script: "head -c 5M /dev/zero | dd bs=5M iflag=fullblock status=none",
  },
  {
    what: "a child",
    script: "(while :; do echo some words; done) & wait; sleep 1000",
  },
];

/** Programs that would go on for ever. They have a word as $0. */
const LATE: readonly Late[] = [
  { what: "sleeps", script: "exec sleep 1000" },
  {
    what: "ignores SIGTERM, and makes no call",
    script: "trap '' TERM; while :; do :; done",
  },
  {
    what: "makes calls that stop, all the time",
    script: "while :; do [ -e /etc/nothing ]; done",
  },
  {
    what: "has children that ignore SIGTERM, have left, and have stopped",
    script: `trap '' TERM; for i in 1 2 3; do
      setsid sh -c 'while :; do :; done' "$0" & (sh -c 'kill -STOP $$' "$0" &)
    done; wait; sleep 1000`,
  },
  {
    what: "has stopped itself",
    script: "kill -STOP $$; sleep 1000",
  },
  {
    what: "has stopped its group",
    script: "kill -STOP 0; sleep 1000",
  },
  {
    what: "makes children for ever",
    script: "trap '' TERM; while :; do /bin/true & done",
  },
];

interface Much {
  readonly what: string;
  readonly limits: string;
  readonly args: readonly string[];
  /** What is said of it. */
  readonly says: string;
}

/** What `use_much` does, and what ends it. */
const MUCH: readonly Much[] = [
  {
    what: "one process that takes memory",
    limits: "{memory: 60MiB}",
    args: ["memory", "1"],
    says: "memory limit of 60 MiB",
  },
  {
    what: "fifty processes that take memory together",
    limits: "{memory: 200MiB}",
    args: ["memory", "50"],
    says: "memory limit of 200 MiB",
  },
  {
    what: "one that takes memory, in as many groups as there may be",
    limits: "{memory: 60MiB}",
    args: ["groups"],
    says: "memory limit of 60 MiB",
  },
  {
    what: "memory that a process has when its first thread has left",
    limits: "{memory: 60MiB}",
    args: ["thread"],
    says: "memory limit of 60 MiB",
  },
  {
    what: "memory that may be shared",
    limits: "{memory: 60MiB}",
    args: ["mapped"],
    says: "memory limit of 60 MiB",
  },
  {
    what: "one that takes memory among many that share much",
    limits: "{memory: 200MiB}",
    args: ["among", "30", "100"],
    says: "memory limit of 200 MiB",
  },
  {
    what: "tables of pages that are read only",
    limits: "{memory: 60MiB}",
    args: ["tables"],
    says: "memory limit of 60 MiB",
  },
  {
    what: "a process that uses its processor time",
    limits: "{cpu: 300ms}",
    args: ["spin"],
    says: "cpu limit of 300 ms",
  },
  {
    what: "a file that grows for ever",
    limits: "{written: 20MiB}",
    args: ["fill", "FILE"],
    says: "written limit of 20 MiB",
  },
  {
    what: "files that get more and more",
    limits: "{written: 3MB}",
    args: ["files", "DIRECTORY"],
    says: "written limit of 3 MB",
  },
  {
    what: "processor time of children that are killed before they are seen",
    limits: "{cpu: 300ms}",
    args: ["burn"],
    says: "cpu limit of 300 ms",
  },
];

/** Runs cases at once: most of their time they wait. */
async function atOnce<Case extends { readonly what: string }>(
  test: Deno.TestContext,
  cases: readonly Case[],
  run: (one: Case) => Promise<void>,
): Promise<void> {
  // Each would take what another one has open for a leak of its own.
  const unwatched = {
    ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
  };
  const done = await Promise.all(
    cases.map((one) =>
      test.step({ ...unwatched, name: one.what, fn: () => run(one) })
    ),
  );
  assertEquals(done.includes(false), false);
}

/** How much a process may lock in memory here, in kilobytes. */
const LOCKED = await run(["sh", "-c", "ulimit -l"]).then(({ stdout }) =>
  stdout === "unlimited\n" ? Infinity : Number(stdout)
);

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) ends what uses too much`, (test) =>
    atOnce(test, MUCH, async ({ limits, args, says }) => {
      await using directory = await scratch();
      const program = fixture("use_much");
      const given = args.map((arg) =>
        arg.replace("FILE", `${directory.path}/x`)
          .replace("DIRECTORY", directory.path)
      );
      const argv = (word: string): string[] => [program, ...given, word];
      const { code, stderr } = await ends(limits, argv, { engine });
      assertEquals(code, 123, stderr);
      assertStringIncludes(stderr, says);
      assertStringIncludes(stderr, `by "${program}" (process `);
    }));

  Deno.test(`jail (${engine}) maps no more memory to be shared than there may be, also when nobody has it in its tables`, async () => {
    const policy = "{extends: allow-all, limits: {memory: 60MiB}}";
    const argv = [fixture("use_much"), "hidden", "3", "25"];
    const { code, stdout, stderr } = await jail(policy, argv, { engine });
    const none = "Cannot allocate memory";
    assertEquals([code, stdout], [0, `1\n1\n${none}\n${none}\n`], stderr);
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) maps no more memory to be shared than there may be, also by descriptors that jail may not look at`,
    ),
    fn: async () => {
      const script = `import ctypes, mmap, os
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_ssize_t
fd = os.open("/dev/zero", os.O_RDWR)
libc.setfsuid(1234)
for _ in range(4):
  access = mmap.PROT_READ | mmap.PROT_WRITE
  print(libc.mmap(None, 25 << 20, access, mmap.MAP_SHARED, fd, 0) > 0)`;
      const { code, stdout, stderr } = await run([
        ...["setpriv", "--bounding-set=-sys_ptrace"],
        ...jailArgv(
          ["-A", "--memory=60MiB"],
          ["/usr/bin/python3", "-c", script],
          engine,
        ),
      ]);
      assertEquals([code, stdout], [0, "True\nTrue\nFalse\nFalse\n"], stderr);
    },
  });

  const locks = needs(
    ["python3"],
    `jail (${engine}) counts what its program locks of files in memory`,
  );
  Deno.test({
    ...locks.ignore ? locks : hasMachine(
      LOCKED >= 4096,
      "memory that a process may lock",
      locks.name,
    ),
    fn: async () => {
      await using directory = await scratch();
      const file = await directory.file("file", "");
      await Deno.truncate(file, 100 << 20);
      // Each has so much, since a process may lock only so much.
      const script = `import ctypes, mmap, os, time
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
fd = os.open("${file}", os.O_RDONLY)
for part in range(25):
  if os.fork() == 0:
    offset = ctypes.c_long(part << 22)
    at = libc.mmap(None, 1 << 22, mmap.PROT_READ, mmap.MAP_SHARED, fd, offset)
    print(libc.mlock(ctypes.c_void_p(at), 1 << 22), flush=True)
    time.sleep(20)
    os._exit(0)
time.sleep(20)`;
      const { code, stderr } = await jail(
        ["-A", "--memory=60MiB"],
        ["/usr/bin/python3", "-c", script],
        { engine },
      );
      assertEquals(code, 123, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) keeps no rules of its program's own in the kernel where memory is limited`,
    ),
    fn: async () => {
      const { x86_64 } = SYSCALLS.landlock_create_ruleset;
      const script = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall(${x86_64}, (ctypes.c_uint64 * 2)(1), 8, 0)
print(os.strerror(ctypes.get_errno()))`;
      const argv = ["/usr/bin/python3", "-c", script];
      const { stdout } = await jail(["-A", "--memory=1GiB"], argv, { engine });
      assertEquals(stdout, "Operation not supported\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) counts the filters of its program's own, which the kernel keeps for each thread`,
    ),
    fn: async () => {
      const script = `import ctypes, errno, struct, threading
allow = struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000) * 4080
kept = ctypes.create_string_buffer(allow)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4080, ctypes.addressof(kept)))
libc = ctypes.CDLL(None, use_errno=True)
made, end = [], threading.Event()
def work():
  made.append("" if libc.prctl(22, 2, program) == 0 else errno.errorcode[ctypes.get_errno()])
  end.wait()
threading.stack_size(1 << 17)
threads = [threading.Thread(target=work, daemon=True) for _ in range(130)]
for one in threads: one.start()
for one in range(3000):
  if len(made) < len(threads): end.wait(0.01)
end.set()
print(made.count("") in range(40, 110), set(made) - {""})`;
      const argv = ["/usr/bin/python3", "-c", script];
      const { stdout, stderr } = await jail(["-A", "--memory=40MB"], argv, {
        engine,
      });
      assertEquals(stdout, "True {'ENOMEM'}\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lends no memory to a pipe, a socket or the kernel, where it would be no process's`,
    ),
    fn: async () => {
      const script = `import ctypes, errno, os, socket
libc = ctypes.CDLL(None, use_errno=True)
SO_ZEROCOPY, PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS = 60, 78, 1
byte = ctypes.create_string_buffer(1)
piece = (ctypes.c_void_p * 2)(ctypes.addressof(byte), 1)
def say(result): print(result, errno.errorcode[ctypes.get_errno()])
say(libc.vmsplice(os.pipe()[1], piece, 1, 0))
say(libc.prctl(PR_FUTEX_HASH, PR_FUTEX_HASH_SET_SLOTS, 4096, 0, 0))
try: socket.socket().setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
except OSError as error: print(error.strerror)`;
      const said = "-1 EINVAL\n-1 EINVAL\nOperation not supported\n";
      for (
        const net of ["true", "{connect: [localhost], listen: ['127.0.0.1']}"]
      ) {
        const policy =
          `{extends: allow-all, net: ${net}, limits: {memory: 1GiB}}`;
        const argv = ["/usr/bin/python3", "-c", script];
        const { stdout, stderr } = await jail(policy, argv, { engine });
        assertEquals(stdout, said, stderr);
      }
    },
  });

  Deno.test(`jail (${engine}) sees how much memory is used where it may open few files itself`, async () => {
    const word = mark();
    const argv = jailArgv(
      ["-A", "--memory=150MiB", "--timeout=30s"],
      [fixture("use_much"), "many", "200", word],
      engine,
    );
    // Fewer than there are processes.
    const script = 'ulimit -n 150; exec "$@"';
    const { code, stderr } = await run(["sh", "-c", script, "sh", ...argv]);
    assertEquals([code, processesWith(word)], [123, []], stderr);
    assertStringIncludes(stderr, "memory limit");
  });

  Deno.test(`jail (${engine}) counts memory once that processes share`, async () => {
    const policy = "{extends: allow-all, limits: {memory: 150MiB}}";
    const argv = [fixture("use_much"), "shared", "8", "100"];
    const { code, stderr } = await jail(policy, argv, { engine });
    assertEquals([code, stderr], [0, ""]);
  });

  Deno.test(`jail (${engine}) makes a fork fail that is one too many, also of a thread`, async () => {
    const policy = "{extends: allow-all, limits: {processes: 20}}";
    const argv = [fixture("use_much"), "threads"];
    const { code, stdout } = await jail(policy, argv, { engine });
    assertEquals([code, stdout], [0, "20 EAGAIN\nEAGAIN\nEAGAIN\n"]);
  });

  Deno.test(`jail (${engine}) counts processes that nobody has waited for`, async () => {
    const policy = "{extends: allow-all, limits: {processes: 20}}";
    const argv = [fixture("use_much"), "zombies"];
    const { code, stdout } = await jail(policy, argv, { engine });
    assertEquals([code, stdout], [0, "20 EAGAIN\nmade\n"]);
  });

  Deno.test(`jail (${engine}) lets no fork fail while there is room, beside others`, async () => {
    // The first thread, six makers, and a child of each.
    const policy = "{extends: allow-all, limits: {processes: 13}}";
    const argv = [fixture("use_much"), "beside", "6"];
    const { code, stdout } = await jail(policy, argv, { engine });
    assertEquals([code, stdout], [0, "0\n"]);
  });

  Deno.test(`jail (${engine}) lets a fork bomb end by itself`, async () => {
    const word = mark();
    const policy = "{extends: allow-all, limits: {processes: 20}}";
    const argv = [fixture("use_much"), "bomb", "300", word];
    const ended = await jail(policy, argv, { engine });
    assertEquals([ended.code, ended.stderr], [0, ""]);
    assertEquals(processesWith(word), []);
  });

  Deno.test(`jail (${engine}) ends a fork bomb of a shell at the time limit`, async () => {
    const argv = (word: string): string[] => [
      ...["bash", "-c", "f() { f | f & }; f; wait; sleep 1000", word],
    ];
    const limits = "{processes: 20}";
    const { code, stderr } = await endsInTime(1000, limits, argv, engine);
    assertEquals(code, 124);
    assertStringIncludes(stderr, "Resource temporarily unavailable");
  });

  Deno.test(`jail (${engine}) makes and waits for more processes than there may be at once`, async () => {
    const policy = "{extends: allow-all, limits: {processes: 4}}";
    const script =
      "for i in $(seq 30); do /bin/true | /bin/true || exit 9; done";
    const argv = ["bash", "-c", script];
    const { code, stderr } = await jail(policy, argv, { engine });
    assertEquals([code, stderr], [0, ""]);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves room for more where it gets those that nobody waits for`,
    ),
    fn: async () => {
      // As the first process of a container does.
      const start = `import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
os.execvp(sys.argv[1], sys.argv[1:])`;
      const program = `import os
for i in range(20):
    maker = os.fork()
    if maker == 0:
        child = os.fork()
        if child == 0: os._exit(0)
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        os._exit(0)
    _, status = os.waitpid(maker, 0)
    assert status == 0`;
      const argv = ["/usr/bin/python3", "-c", program];
      await using directory = await scratch();
      const policy = "{extends: allow-all, limits: {processes: 8}}";
      const file = await directory.file("policy.yaml", policy);
      const words = jailArgv(["-p", file], argv, engine);
      const ended = await run(["/usr/bin/python3", "-c", start, ...words]);
      assertEquals([ended.code, ended.stderr], [0, ""]);
    },
  });

  Deno.test(`jail (${engine}) ends an endless printer that uses`, (test) =>
    atOnce(test, PRINTERS, async ({ script }) => {
      const argv = (word: string): string[] => ["bash", "-c", script, word];
      const { code, stdout, stderr } = await ends(
        "{output: 100kB}",
        argv,
        { engine },
      );
      assertEquals([code, stdout.length], [123, 100_000], stderr);
      assertStringIncludes(stderr, "output limit of 100 kB");
    }));

  Deno.test({
    ...needs(
      ["setpriv"],
      `jail (${engine}) counts once what a process has written that has ended, without privilege`,
    ),
    fn: async () => {
      const less = Deno.uid() === 0
        ? ["setpriv", "--bounding-set=-sys_ptrace"]
        : [];
      const counted = async (script: string): Promise<number> => {
        await using directory = await scratch();
        const policy = await directory.file(
          "policy.yaml",
          "{extends: allow-all, limits: {written: 1MB}}",
        );
        const jailed = jailArgv(["-p", policy], ["sh", "-c", script], engine);
        const { code } = await run([...less, ...jailed], {
          cwd: directory.path,
        });
        return code;
      };
      const each = "for i in 1 2 3 4; do";
      const one = "head -c 240k /dev/zero > $i";
      assertEquals(
        [
          await counted(`${each} ${one}; done; sleep 0.1`),
          // Nobody in the jail waits for these.
          await counted(
            `${each} (${one}; ${one} &) & sleep 0.1; done; sleep 9`,
          ),
        ],
        [0, 123],
      );
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) ends where somebody is gone of whom it could not tell what was written`,
    ),
    fn: async () => {
      await using directory = await scratch();
      const policy = await directory.file(
        "policy.yaml",
        "{extends: allow-all, limits: {written: 1MB}}",
      );
      const script = `import ctypes, os, time
null = os.open("/dev/null", os.O_WRONLY)
child = os.fork()
if child == 0:
  ctypes.CDLL(None).setfsuid(1234)
  os.write(null, bytes(4 << 20))
  os._exit(0)
os.waitpid(child, 0)
time.sleep(9)`;
      const argv = ["/usr/bin/python3", "-c", script];
      const { code, stderr } = await run([
        ...["setpriv", "--bounding-set=-sys_ptrace"],
        ...jailArgv(["-p", policy], argv, engine),
      ]);
      assertEquals(code, 125, stderr);
      assertStringIncludes(stderr, "Cannot count what the program writes");
    },
  });

  Deno.test(`jail (${engine}) counts as output what goes there, and no files`, async () => {
    await using directory = await scratch();
    const policy = "{extends: allow-all, limits: {output: 4kB}}";
    const script = `head -c 100k /dev/zero > x; cat x > y; cat x | wc -c
      cat x > /dev/null; echo error >&2`;
    const options = { engine, cwd: directory.path };
    const ended = await jail(policy, ["bash", "-c", script], options);
    assertEquals(ended, {
      ...{ code: 0, signal: null, stdout: "102400\n", stderr: "error\n" },
    });
  });

  for (const [how, ...more] of [["alone"], ["beside another process", "+"]]) {
    Deno.test(`jail (${engine}) counts as output what is in a vector, ${how}`, async () => {
      const argv = [fixture("use_much"), "vector", "2", ...more];
      for (
        const [most, code, length] of [["1MB", 123, 1e6], ["2MiB", 0, 2 ** 21]]
      ) {
        const policy = `{extends: allow-all, limits: {output: ${most}}}`;
        const ended = await jail(policy, argv, { engine });
        assertEquals([ended.code, ended.stdout.length], [code, length]);
      }
    });
  }

  Deno.test(`jail (${engine}) counts as output what goes to its terminal by another name`, async () => {
    await using directory = await scratch();
    const text = "{extends: allow-all, limits: {output: 4kB}}";
    const policy = await directory.file("policy.yaml", text);
    const argv = ["sh", "-c", "exec yes > /dev/tty"];
    await using terminal = new Terminal(
      jailArgv(["-p", policy], argv, engine),
    );
    await terminal.see(/output limit of 4 kB/);
  });

  Deno.test(`jail (${engine}) ends a program at its time limit that`, (test) =>
    atOnce(test, LATE, async ({ script }) => {
      const argv = (word: string): string[] => ["bash", "-c", script, word];
      const { code, stderr } = await endsInTime(700, "{}", argv, engine);
      assertEquals(code, 124, stderr);
      assertStringIncludes(stderr, "jail: ended at its time limit of 700 ms (");
    }));

  Deno.test(`jail (${engine}) ends a program at its time limit while something holds jail itself up`, async () => {
    // As the kernel does in a look at memory whose mappings are being changed.
    const held = await HeldJail.start([
      ...[`--engine=${engine}`, "--timeout=1s", "-A", "--"],
      ...["sh", "-c", "echo $$; while :; do :; done"],
    ]);
    try {
      const end = performance.now() + TOLERANCE;
      while (!isOver(held.program) && performance.now() < end) await moment();
      assert(isOver(held.program), "the program runs on");
      assert(held.isHeld, "jail ended it itself");
    } finally {
      held.letGo();
    }
    assertEquals(await held.code, 124);
  });

  Deno.test(`jail (${engine}) lets a program clean up at its time limit`, async () => {
    const script =
      "trap 'echo clean; exit 5' TERM; while :; do sleep 0.01; done";
    const argv = (word: string): string[] => ["bash", "-c", script, word];
    const { code, stdout } = await ends("{time: 1500ms}", argv, { engine });
    assertEquals([code, stdout], [124, "clean\n"]);
  });

  Deno.test(`jail (${engine}) lets a program clean up at its time limit, also where jail was stopped until after it`, async () => {
    const script =
      "trap 'sleep 0.1; echo clean; exit 5' TERM; echo; while :; do sleep 0.01; done";
    const flags = ["-A", "--timeout=1s"];
    for (const stopped of [1100, 1350, 1600]) {
      const child = start(jailArgv(flags, ["bash", "-c", script], engine));
      await child.stdin.close();
      const reader = child.stdout.getReader();
      await reader.read();
      child.kill("SIGSTOP");
      await new Promise((over) => setTimeout(over, stopped));
      child.kill("SIGCONT");
      const { value } = await reader.read();
      await reader.cancel();
      await child.stderr.cancel();
      const { code } = await child.status;
      assertEquals([code, value], [124, new TextEncoder().encode("clean\n")]);
    }
  });

  Deno.test(`jail (${engine}) lets a program be that ends before its limits`, async () => {
    const policy = "{extends: allow-all, limits: {time: 1h}}";
    const script = "sleep 0.2 & wait; echo done; exit 3";
    const ended = await jail(policy, ["bash", "-c", script], { engine });
    assertEquals([ended.code, ended.stdout, ended.stderr], [3, "done\n", ""]);
  });

  Deno.test(`jail (${engine}) limits open files and the size of a file, and nobody raises that`, async () => {
    await using directory = await scratch();
    const policy =
      `{extends: allow-all, limits: {open-files: 20, file-size: 100KiB}}`;
    const script = `ulimit -n; ulimit -f
      ulimit -n 4096 || echo no; ulimit -Hf 4096 || echo no; ulimit -n 10
      (ulimit -n; head -c 200000 /dev/zero > big)
      echo $?; stat -c %s big`;
    const ended = await jail(policy, ["bash", "-c", script], {
      engine,
      cwd: directory.path,
    });
    assertEquals(
      ended.stdout.split("\n"),
      ["20", "100", "no", "no", "10", String(128 + 25), "102400", ""],
    );
    assertStringIncludes(ended.stderr, "File size limit exceeded");
  });

  Deno.test(`jail (${engine}) limits the address space, and refuses a file where its own pages find no room`, async () => {
    const policy = "{extends: allow-all, limits: {address-space: 300MiB}}";
    const none = "Cannot allocate memory";
    // The loader names a file by a constant: where jail does not open that in its
    // place, its pages are there already.
    const full = engine === "seccomp" ? none : "there";
    const argv = [fixture("use_much"), "space"];
    const ended = await jail(policy, argv, { engine });
    assertEquals([ended.code, ended.stdout], [0, `${none}\n${full}\nthere\n`]);
    const script = "ulimit -v; ulimit -Hv 400000 || echo no";
    const shell = await jail(policy, ["bash", "-c", script], { engine });
    assertEquals(shell.stdout, `${300 * 1024}\nno\n`);
  });
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) ends at its time limit while two hundred threads look up long paths`, async () => {
    await using directory = await scratch();
    const { path: cwd } = directory;
    const program = fixture("long_paths");
    assertEquals((await run([program, "0"], { cwd })).code, 0);
    const flags = ["-A", "--timeout=2s"];
    const start = performance.now();
    const { code, stdout } = await jail(flags, [program, "200"], {
      engine,
      cwd,
    });
    const took = (performance.now() - start) / 1000;
    assertEquals([code, stdout], [124, "begun\n"]);
    assert(took < 8, `it took ${took} s`);
  });
}

Deno.test("jail --wait-all is ended at the time limit when the program itself has ended", async () => {
  const flags = ["-A", "--wait-all", "--timeout=700ms"];
  const word = mark();
  const argv = ["bash", "-c", "(sleep 1000; :) & exit 0", word];
  const { code, stderr } = await jail(flags, argv);
  assertEquals(code, 124);
  assertStringIncludes(stderr, "time limit of 700 ms");
  assertEquals(processesWith(word), []);
});

const realTime = "a time limit holds where jail has a real-time priority";
Deno.test({
  ...Deno.uid() === 0 && !Deno.env.has("JAIL_BINARY")
    ? needs(["chrt", "python3"], realTime)
    : { name: `${realTime} (needs privilege)`, ignore: true },
  async fn(): Promise<void> {
    // Stops enough to be kept on the tracer's processor, and then never sleeps,
    // for longer than the limit.
    const script = `import os, time
for i in range(500): os.stat("/")
end = time.time() + 5
while time.time() < end: pass`;
    const { code, stderr } = await run([
      ...["chrt", "--fifo", "1"],
      ...jailArgv(["-A", "--timeout=1s"], ["/usr/bin/python3", "-c", script]),
    ]);
    assertEquals(code, 124, stderr);
  },
});

Deno.test("of --timeout and the policy's limit the smaller one holds", async () => {
  const cases = [["--timeout=1h", "300ms"], ["--timeout=300ms", "1h"]] as const;
  await using directory = await scratch();
  for (const [flag, time] of cases) {
    const text = `{extends: allow-all, limits: {time: ${time}}}`;
    const file = await directory.file("policy.yaml", text);
    const { code, stderr } = await jail(["-p", file, flag], ["sleep", "1000"]);
    assertEquals(code, 124);
    const source = flag.endsWith("1h") ? `${file}:1:37` : "--timeout";
    assertStringIncludes(stderr, `time limit of 300 ms (${source})`);
  }
});

Deno.test("jail --audit tells which limit ended a program, and whose process it was", async () => {
  await using directory = await scratch();
  const program = fixture("use_much");
  const cases = [
    ["{memory: 60MiB}", [program, "memory", "1"], program, 60 * 2 ** 20],
    ["{time: 300ms}", ["sleep", "1000"], "/usr/bin/sleep", 300],
    ["{output: 100kB}", ["yes"], "/usr/bin/yes", 100_000],
  ] as const;
  for (const [limits, argv, by, most] of cases) {
    const log = `${directory.path}/${most}`;
    const text = `{extends: allow-all, limits: ${limits}}`;
    const policy = await directory.file(`${most}.yaml`, text);
    const ended = await jail(["-p", policy, `--audit=${log}`], argv);
    assertStringIncludes(ended.stderr, `(${policy}:1:`);
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n");
    const end = JSON.parse(lines.at(-1) ?? "");
    assertEquals(
      [end.end, limits.startsWith(`{${end.limit}:`), end.most, end.program],
      ["limit", true, most, by],
    );
    assert(end.used >= most && end.pid > 0, lines.at(-1));
    assertEquals([end.rule.source, end.rule.line], [policy, 1]);
  }
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) --stats says what was used, and --json says it to programs`, async () => {
    const script =
      '/bin/sh -c "cat /etc/shadow & wait"; head -c 30M /dev/zero | tail -c 25M | wc -c; exit 3';
    const flags = ["--stats", "--json"];
    const ended = await jail(flags, ["sh", "-c", script], { engine });
    assertEquals([ended.code, ended.stdout], [3, "26214400\n"]);
    const used = JSON.parse(ended.stderr.trim().split("\n").at(-1) ?? "");
    assertEquals(used.processes, 6);
    assert(used.tasks >= 4 && used.tasks <= 6, ended.stderr);
    assert(used.denials >= 1 && used.stops > used.denials, ended.stderr);
    assert(used.wallMs > 0 && used.cpuMs > 0, ended.stderr);
    assert(used.memoryBytes > 25e6 && used.memoryBytes < 200e6, ended.stderr);
    const { stderr } = await jail(["--stats"], ["/bin/true"], { engine });
    assertMatch(stderr, /^jail: took .+, 1 process \(1 task at once\), .+\n$/);
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) --stats tells of no memory of jail's own for a program with threads`,
    ),
    async fn(): Promise<void> {
      const script =
        "import threading; t = threading.Thread(target=len, args=('',)); t.start(); t.join()";
      const { stderr } = await jail(
        ["--stats", "--json"],
        ["/usr/bin/python3", "-I", "-c", script],
        { engine },
      );
      const { tasks, memoryBytes } = JSON.parse(stderr);
      assertEquals(tasks, 2);
      assert(memoryBytes > 1e6 && memoryBytes < 32e6, stderr);
    },
  });
}
