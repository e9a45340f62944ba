/**
 * A jail follows everything that a program starts, ends with it, and leaves nothing
 * behind.
 */

import { assert, assertEquals } from "@std/assert";
import { stateOf } from "../src/sys/task/task.ts";
import type { Engine } from "../src/trace/options.ts";
import {
  ENGINES,
  eventually,
  fixture,
  jail,
  jailArgv,
  processesWith,
  run,
  start,
} from "./harness.ts";
import { scratch } from "./jail.ts";
import { hasFewIds, needs, withFewIds } from "./needs.ts";
import { FILTER } from "./python.ts";

/** What `stop_itself` knows. */
const WAYS_TO_STOP: readonly string[] = [
  "kill",
  "kernel",
  "queue",
  "timer",
  "child",
  "zombie",
  "terminal",
  "alone",
];

/**
 * Tells what becomes of a wait that is continued, and of one that is stopped
 * before.
 */
const HALTING = `import ctypes, os, select, signal
libc = ctypes.CDLL(None, use_errno=True)
events = select.epoll()
for stops in False, True:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"x")
        ended = libc.epoll_wait(events.fileno(), ctypes.create_string_buffer(16), 1, 1000)
        print("interrupted" if ended < 0 else "went on", flush=True)
        os._exit(0)
    os.read(reader, 1)
    while open(f"/proc/{child}/stat").read().split()[2] != "S": pass
    if stops:
        os.kill(child, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
`;

/** A word that nothing else has on its command line. */
function mark(): string {
  return `marked-${crypto.randomUUID()}`;
}

/** Waits for a program to say "up". */
async function up(
  stdout: ReadableStream<Uint8Array>,
): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const reader = stdout.getReader();
  const decoder = new TextDecoder();
  let said = "";
  while (!said.includes("up\n")) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`it ended before it was up: ${said}`);
    said += decoder.decode(value);
  }
  return reader;
}

/**
 * Starts Python in a jail that reports to a pipe, which nobody reads and which
 * the program has filled by the time that it does something.
 */
async function unread(
  engine: Engine,
  flags: readonly string[],
  first: string,
  then: string,
): Promise<[Deno.ChildProcess, ReadableStreamDefaultReader<Uint8Array>]> {
  await using directory = await scratch();
  const fill = `import os, select, signal
${first}
while select.select([], [2], [], 0)[1]: os.write(2, b"x" * 4096)
os.write(1, b"up\\n")
${then}`;
  const argv = jailArgv(
    ["--report", ...flags],
    ["/usr/bin/python3", "-c", fill],
    engine,
  );
  // A pipe that is open at both ends, by jail alone.
  const script = 'mkfifo f; exec "$@" 2<>f';
  const child = start(["sh", "-c", script, "sh", ...argv], {
    cwd: directory.path,
  });
  return [child, await up(child.stdout)];
}

/** Expects an exit code soon. */
async function endsWith(
  child: Deno.ChildProcess,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  code: number,
): Promise<void> {
  const late = setTimeout(() => child.kill("SIGKILL"), 10_000);
  assertEquals((await child.status).code, code);
  clearTimeout(late);
  await reader.cancel();
  await child.stderr.cancel();
  await child.stdin.abort().catch(() => {});
}

/** Sends a signal, and says whether there is nobody to get it any more. */
function isGone(child: Deno.ChildProcess, signal: Deno.Signal): boolean {
  try {
    child.kill(signal);
    return false;
  } catch (error) {
    if (error instanceof TypeError) return true;
    throw error;
  }
}

async function rest(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): Promise<string> {
  const decoder = new TextDecoder();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return said;
    said += decoder.decode(value);
  }
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) ends with the program, and ends its daemon`, async () => {
    await using directory = await scratch();
    const file = `${directory.path}/${mark()}`;
    const begin = performance.now();
    const argv = [fixture("daemonize"), "60000", file];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["up\n", 0]);
    assert(performance.now() - begin < 10_000);
    assertEquals(processesWith(file), []);
  });

  Deno.test(`jail (${engine}) neither waits for what was there before it, nor ends that`, async () => {
    for (const flags of [["-A"], ["-A", "--timeout=1m", "--wait-all"]]) {
      const word = mark();
      // A shell that makes way for jail leaves it a child, which stops.
      const script =
        `sh -c 'kill -STOP $$; :' ${word} <&- >&- 2>&- & exec "$@"`;
      const argv = jailArgv(flags, ["sh", "-c", "sleep 0.1 & exit 3"], engine);
      const { code } = await run(["sh", "-c", script, "sh", ...argv]);
      const left = processesWith(word);
      left.forEach((pid) => Deno.kill(pid, "SIGKILL"));
      assertEquals([code, left.length], [3, 1]);
    }
  });

  Deno.test(`jail (${engine}) --wait-all waits for a daemon`, async () => {
    await using directory = await scratch();
    const file = `${directory.path}/${mark()}`;
    const argv = [fixture("daemonize"), "300", file];
    const ended = await jail(["-A", "--wait-all"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["up\n", 0]);
    assert((await Deno.stat(file)).isFile);
  });

  Deno.test(`jail (${engine}) --wait-all ends with the program's own code`, async () => {
    const script = "(sleep 0.2; exit 3) & exit 5";
    const argv = ["sh", "-c", script];
    const { code } = await jail(["-A", "--wait-all"], argv, { engine });
    assertEquals(code, 5);
  });

  Deno.test(`jail (${engine}) --wait-all ends of a signal when the program is gone`, async () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const word = mark();
      const script = `(trap "" TERM INT HUP; exec sh -c 'sleep 60; :' $0) &
        echo up; exit 3`;
      const argv = ["sh", "-c", script, word];
      const child = start(jailArgv(["-A", "--wait-all"], argv, engine));
      const reader = await up(child.stdout);
      // The program itself has ended soon, and is passed no signal any more.
      await eventually(() => processesWith(word).length === 2);
      if (!await eventually(() => isGone(child, signal), 10_000)) {
        child.kill("SIGKILL");
      }
      assertEquals((await child.status).signal, signal);
      assertEquals(processesWith(word), []);
      await reader.cancel();
      await child.stderr.cancel();
      await child.stdin.abort().catch(() => {});
    }
  });

  Deno.test(`jail (${engine}) ends orphans, stopped ones and sleeping ones`, async () => {
    const word = mark();
    const script = `for i in 1 2 3 4 5; do
        sh -c 'kill -STOP $$' ${word} & setsid sh -c 'sleep 60; :' ${word} &
        (trap "" TERM HUP INT; exec sh -c 'sleep 60; :' ${word}) &
      done; sleep 0.1`;
    const { code } = await jail(["-A"], ["bash", "-c", script], { engine });
    assertEquals(code, 0);
    assertEquals(processesWith(word), []);
  });

  Deno.test(`jail (${engine}) leaves nothing when it is killed`, async () => {
    const rounds = Number(Deno.env.get("JAIL_KILL_ROUNDS") ?? 15);
    for (let round = 0; round < rounds; round++) {
      const word = mark();
      const child = start(
        jailArgv(["-A"], [fixture("fork_forever"), word], engine),
      );
      const reader = await up(child.stdout);
      await new Promise((resolve) => setTimeout(resolve, 7 * round % 100));
      assert(processesWith(word).length > 0);
      child.kill("SIGKILL");
      await child.status;
      assert(
        await eventually(() => processesWith(word).length === 0),
        `round ${round}`,
      );
      await reader.cancel();
      await child.stderr.cancel();
      await child.stdin.abort().catch(() => {});
    }
  });

  Deno.test(`jail (${engine}) leaves nothing when it is killed as it starts`, async () => {
    for (let round = 0; round < 8; round++) {
      const word = mark();
      const child = start(
        jailArgv(["-A"], [fixture("fork_forever"), word], engine),
      );
      await new Promise((resolve) => setTimeout(resolve, 40 + 10 * round));
      child.kill("SIGKILL");
      await child.output();
      assert(await eventually(() => processesWith(word).length === 0));
    }
  });

  Deno.test(`jail (${engine}) follows an exec from a thread that is not the first`, async () => {
    const argv = [
      fixture("exec_from_thread"),
      "/bin/sh",
      "-c",
      "echo $0; exit 7",
    ];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["/bin/sh\n", 7]);
    const denied = await jail(
      `extends: allow-all\nread: {deny: [/etc/passwd]}\n`,
      [fixture("exec_from_thread"), "/bin/cat", "/etc/passwd"],
      { engine },
    );
    assertEquals(
      denied.stderr,
      "cat: /etc/passwd: Permission denied\n",
    );
  });

  Deno.test(`jail (${engine}) goes on where execs fail and work beside threads that make calls`, async () => {
    const argv = [fixture("exec_beside_calls"), "40", "/bin/echo", "x"];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["x\n".repeat(40), 0]);
  });

  Deno.test(`jail (${engine}) goes on with a rename when a thread's exec has failed late`, async () => {
    await using directory = await scratch();
    await directory.file("a", "");
    const argv = [fixture("fail_late"), "rename", "a", "b"];
    const ended = await jail(["-A", "--timeout=20s"], argv, {
      engine,
      cwd: directory.path,
    });
    assertEquals([ended.stdout, ended.code], ["0\n", 0]);
  });

  Deno.test({
    ...hasFewIds(
      `jail (${engine}) stops a call of a process that got the id of a thread whose exec had failed`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const file = await directory.file("x", "", 0o644);
      const flags = ["-A", `--deny-write=${file}`, "--timeout=40s"];
      const argv = [fixture("fail_late"), "reuse", file];
      const ended = await run(withFewIds(jailArgv(flags, argv, engine)));
      assertEquals([ended.stdout, ended.code], ["refused\n", 0]);
    },
  });

  Deno.test(`jail (${engine}) forgets a child that died before its maker could tell of it`, async () => {
    await using directory = await scratch();
    // Those that are not forgotten take the room of others.
    const ended = await jail(
      "{extends: allow-all, limits: {processes: 9, time: 40s}}",
      [fixture("die_untold"), "8"],
      { engine, cwd: directory.path },
    );
    assertEquals([ended.stdout, ended.code], ["room\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on when the first thread of a process has left`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    const argv = [fixture("leave_first"), "exit", file];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["0\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on when the first thread of a process was killed by its own filter`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    const argv = [fixture("leave_first"), "kill", file];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["0\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on where processes end that ask about others`, async () => {
    await using directory = await scratch();
    const argv = [fixture("ask_while_ending"), "300"];
    const ended = await jail(["-A", "--timeout=50s"], argv, {
      engine,
      cwd: directory.path,
    });
    assertEquals([ended.stdout, ended.code], ["0\n", 0]);
  });

  Deno.test(`jail (${engine}) ends with its program though others ask about each other all the time`, async () => {
    const argv = [fixture("aim_forever"), "30"];
    const ended = await jail(["-A", "--timeout=30s"], argv, { engine });
    assertEquals(ended.code, 7);
  });

  Deno.test(`jail (${engine}) --wait-all ends of a signal though very many ask about another all the time`, async () => {
    const argv = [fixture("aim_all"), "1500"];
    const child = start(jailArgv(["-A", "--wait-all"], argv, engine));
    const reader = await up(child.stdout);
    if (!await eventually(() => isGone(child, "SIGTERM"), 15_000)) {
      child.kill("SIGKILL");
    }
    assertEquals((await child.status).signal, "SIGTERM");
    await reader.cancel();
    await child.stderr.cancel();
    await child.stdin.abort().catch(() => {});
  });

  Deno.test(`jail (${engine}) tells of no thread outside where its group would change`, async () => {
    const threads = [...Deno.readDirSync("/proc/self/task")]
      .map(({ name }) => Number(name)).filter((tid) => tid !== Deno.pid);
    const script = `import errno, os, sys
for tid in sys.argv[1:]:
    for group in 0, os.getpgid(0), os.getpid():
        try: os.setpgid(int(tid), group)
        except OSError as e: print(errno.errorcode[e.errno])`;
    const ids = [Deno.pid, ...threads.slice(0, 2), 4194303].map(String);
    const argv = ["/usr/bin/python3", "-c", script, ...ids];
    const { stdout } = await jail(["-A"], argv, { engine });
    assertEquals(stdout, "ESRCH\n".repeat(3 * ids.length));
  });

  Deno.test(`jail (${engine}) keeps a signal to a group in the jail while the sender changes its group`, async () => {
    // Landlock would keep it, too.
    const flags = ["-A", "--no-landlock"];
    const argv = [fixture("kill_group"), "move", "2000"];
    const ended = await run(
      [fixture("kill_group"), "stay", ...jailArgv(flags, argv, engine)],
    );
    assertEquals([ended.stdout, ended.code], ["0\n", 0]);
  });

  Deno.test({
    ...hasFewIds(
      `jail (${engine}) lets no exec free an id that a call is on its way to`,
    ),
    async fn(): Promise<void> {
      // One try in six won, and on a busy machine each takes seconds.
      const argv = [fixture("free_id"), "8"];
      const outside = [fixture("free_id"), "outside"];
      const ended = await run(
        withFewIds([...outside, ...jailArgv(["-A"], argv, engine)], 450),
      );
      assertEquals([ended.stdout, ended.code], ["0\n", 0]);
    },
  });

  Deno.test(`jail (${engine}) ends a process alone whose registers the kernel does not take back`, async () => {
    const script = `"$0"; echo $?`;
    const argv = ["sh", "-c", script, fixture("odd_segment")];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["137\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on where an exec comes while descriptors are held`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    const argv = [fixture("exec_beside_fchmod"), "100", file, "/bin/true"];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["all\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on where a first thread leaves during an exec that fails late`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const argv = [fixture("leave_beside_exec"), "60"];
    const ended = await jail(["-A", "--timeout=60s"], argv, {
      engine,
      cwd: path,
    });
    assertEquals([ended.stdout, ended.code], ["all\n", 0]);
  });

  Deno.test(`jail (${engine}) lets a child run whose maker was ended by an exec before it told`, async () => {
    const argv = [fixture("fork_beside_exec"), "100"];
    const ended = await jail(["-A", "--timeout=60s"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["all\n", 0], ended.stderr);
  });

  Deno.test(`jail (${engine}) lets a child use paths whose maker was ended before it told`, async () => {
    const argv = [fixture("fork_beside_exec"), "100", "path"];
    const ended = await jail(["-A", "--timeout=60s"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["all\n", 0], ended.stderr);
  });

  Deno.test(`jail (${engine}) lets children run whose maker another thread ended, and takes no exit code for an id`, async () => {
    const argv = [fixture("exit_beside_fork"), "400", "77"];
    const flags = ["-A", "--wait-all", "--timeout=60s"];
    const ended = await jail(flags, argv, { engine });
    // Jail waits for whom it takes to be one of the program's.
    assertEquals([ended.stdout, ended.stderr, ended.code], ["all\n", "", 0]);
  });

  Deno.test(`jail (${engine}) goes on where one vfork follows another while descriptors are held`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const argv = [fixture("vfork_beside_calls"), "2", "/bin/true"];
    const ended = await jail(["-A", "--timeout=20s"], argv, {
      engine,
      cwd: path,
    });
    assertEquals([ended.stdout, ended.code], ["all\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on where the child of a vfork is killed in its first call`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    // One child in ten dies while it maps the pages for what was checked.
    const argv = [fixture("kill_vfork"), "800", file];
    const ended = await jail(["-A"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["refused 0 of 800\n", 0]);
  });

  Deno.test(`jail (${engine}) goes on where the child of a vfork has stopped while descriptors are held`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    const argv = [fixture("halt_vfork"), file];
    const ended = await jail(["-A", "--timeout=20s"], argv, { engine });
    assertEquals([ended.stdout, ended.code], ["all\n", 0]);
  });

  Deno.test(`jail (${engine}) stops all threads once for the calls of many by a descriptor`, async () => {
    await using directory = await scratch();
    const file = await directory.file("x", "");
    const stops = async (count: number): Promise<number> => {
      const argv = [fixture("fchmod_all"), `${count}`, file];
      const flags = ["-A", "--stats", "--json"];
      const ended = await jail(flags, argv, { engine });
      assertEquals(ended.stdout, `${count}\n`, ended.stderr);
      return JSON.parse(ended.stderr.trim().split("\n").at(-1) ?? "").stops;
    };
    const few = await stops(50);
    const many = await stops(400);
    // Sixty-four times as many, were all of them stopped for each call.
    assert(many < 20 * few, `${few} stops of 50, ${many} of 400`);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program have a filter that ends it at an openat2`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `${FILTER}
import os, threading
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
filter(437)
for flags in (os.O_CREAT | os.O_WRONLY, os.O_CREAT | os.O_RDWR, os.O_RDONLY):
  os.close(os.open("file", flags))
for flags in (os.O_RDONLY, os.O_CREAT | os.O_EXCL):
  try: os.open("none" if flags == os.O_RDONLY else "file", flags)
  except OSError as e: os.write(1, str(e.errno).encode() + b"\\n")
if os.fork() == 0:
  os.close(os.open("file", os.O_RDONLY))
  os.execlp("cat", "cat", "file", "/dev/null")
print(os.wait()[1])
os.write(1, b"done\\n")
os._exit(0)`;
      const ended = await jail(["-A"], ["python3", "-u", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals([ended.stdout, ended.code], ["2\n17\n0\ndone\n", 0]);
    },
  });

  for (const what of ["processes", "threads"]) {
    Deno.test(`jail (${engine}) follows 100 ${what}`, async () => {
      const argv = [fixture("start_many"), what, "100", "/etc/passwd"];
      const open = await jail(["-A"], argv, { engine });
      assertEquals([open.stdout, open.code], ["100\n", 0]);
      const closed = await jail(
        `extends: allow-all\nread: {deny: [/etc/passwd]}\n`,
        argv,
        { engine },
      );
      assertEquals([closed.stdout, closed.code], ["0\n", 0]);
    });
  }

  for (const signal of ["TERM", "KILL", "SEGV", "USR1", "HUP"]) {
    Deno.test(`jail (${engine}) dies of SIG${signal} as the program does`, async () => {
      const ended = await jail(["-A"], ["sh", "-c", `kill -${signal} $$`], {
        engine,
      });
      const wanted = await run(["sh", "-c", `kill -${signal} $$`]);
      assertEquals(ended, wanted);
    });
  }

  Deno.test(`jail (${engine}) shows a parent inside how a program died`, async () => {
    const script = `import os, signal
def show(pid):
    pid, status = os.waitpid(pid, os.WUNTRACED | os.WCONTINUED)
    print(os.WIFSTOPPED(status), os.WIFCONTINUED(status), os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) or os.WIFSIGNALED(status) else "", flush=True)
for end in ["kill -TERM $$", "exit 9", "kill -SEGV $$"]:
    show(os.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", end))
pid = os.spawnlp(os.P_NOWAIT, "sh", "sh", "-c", "kill -STOP $$; sleep 0.3; exit 4")
show(pid)
os.kill(pid, signal.SIGCONT)
show(pid)
show(pid)
`;
    const argv = ["/usr/bin/python3", "-c", script];
    const ended = await jail(["-A"], argv, { engine });
    const wanted = await run(argv);
    assertEquals(ended, wanted);
    assertEquals(
      ended.stdout,
      "False False -15\nFalse False 9\nFalse False -11\n" +
        "True False \nFalse True \nFalse False 4\n",
    );
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends a wait that a stop ends, and none that SIGCONT alone does not`,
    ),
    async fn(): Promise<void> {
      const argv = ["/usr/bin/python3", "-c", HALTING];
      const ended = await jail(["-A"], argv, { engine });
      assertEquals(ended.stdout, "went on\ninterrupted\n");
    },
  });

  Deno.test(`jail (${engine}) goes on where somebody outside stops and continues its program alone`, async () => {
    const program = ["sh", "-c", "echo $$; read word; cat /dev/null; exit 4"];
    const argv = jailArgv(["-A"], program, engine);
    const child = start(argv);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    const pid = Number(new TextDecoder().decode(value));
    Deno.kill(pid, "SIGSTOP");
    assert(await eventually(() => "Tt".includes(stateOf(pid))));
    // Time for jail to stop, which it does not.
    await new Promise((resolve) => setTimeout(resolve, 100));
    const state = stateOf(child.pid);
    if (state === "T") child.kill("SIGCONT");
    Deno.kill(pid, "SIGCONT");
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("word\n"));
    await writer.close();
    reader.releaseLock();
    assertEquals((await child.output()).code, 4);
    assert(state !== "T");
  });

  Deno.test(`jail (${engine}) stops as a job of a shell where somebody outside stops its program alone`, async () => {
    const program = ["sh", "-c", "echo $$; read word; exit 4"];
    const argv = jailArgv(["-A"], program, engine);
    // It reads what nobody writes, and says what became of its job.
    const script = `import os, signal, subprocess, sys
go, told = os.pipe()
job = subprocess.Popen(sys.argv[1:], stdin=go, stdout=subprocess.PIPE, process_group=0)
os.kill(int(job.stdout.readline()), signal.SIGSTOP)
print(os.WIFSTOPPED(os.waitpid(job.pid, os.WUNTRACED)[1]))
os.write(told, b"word\\n")
os.killpg(job.pid, signal.SIGCONT)
print(job.wait())`;
    const ended = await run(["python3", "-c", script, ...argv]);
    assertEquals([ended.stdout, ended.stderr], ["True\n4\n", ""]);
  });

  Deno.test(`jail (${engine}) is not stopped by its program, whoever seems to stop that`, async () => {
    // As a job of a shell: one that nobody could continue would not stop.
    const job = ["bash", "-c", 'set -m; "$@" & wait $!', "bash"];
    for (const how of WAYS_TO_STOP) {
      const argv = jailArgv(["-A"], [fixture("stop_itself"), how], engine);
      const { stdout, code } = await run([...job, ...argv]);
      assertEquals([how, stdout, code], [how, "on\n", 4]);
    }
  });

  Deno.test(`jail (${engine}) is not stopped by a signal of its program that has no sender`, async () => {
    const job = ["bash", "-c", 'set -m; "$@" & wait $!', "bash"];
    for (const limits of [[], ["--timeout=30s"]]) {
      const program = [fixture("stop_itself"), "unknown"];
      const argv = jailArgv(["-A", ...limits], program, engine);
      const { stdout, code } = await run([...job, ...argv]);
      assertEquals([limits, stdout, code], [limits, "on\n", 4]);
    }
  });

  Deno.test(`jail (${engine}) passes each signal on once`, async () => {
    const argv = jailArgv(["-A"], [fixture("count_signals")], engine);
    const child = start(argv);
    const reader = await up(child.stdout);
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT", "SIGUSR1"] as const) {
      child.kill(signal);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
    await child.stdin.close();
    assertEquals(await rest(reader), "1: 1\n2: 1\n10: 1\n15: 1\n");
    assertEquals((await child.status).code, 0);
    await child.stderr.cancel();
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) passes on the signal of a timer that it was started with`,
    ),
    fn: async () => {
      const script = `import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 1)
os.execvp(sys.argv[1], sys.argv[1:])`;
      const argv = jailArgv(["-A"], ["sleep", "3"], engine);
      const { signal } = await run(["python3", "-c", script, ...argv]);
      assertEquals(signal, "SIGALRM");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) passes on a signal that it was started with blocked, and its program lets come`,
    ),
    fn: async () => {
      const script = `import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.execvp(sys.argv[1], sys.argv[1:])`;
      const program = `import signal, time
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
print("up", flush=True)
time.sleep(10)`;
      const argv = ["/usr/bin/python3", "-c", program];
      const child = start(
        ["python3", "-c", script, ...jailArgv(["-A"], argv, engine)],
      );
      const reader = await up(child.stdout);
      child.kill("SIGTERM");
      assertEquals((await child.status).signal, "SIGTERM");
      await reader.cancel();
      await child.stderr.cancel();
      await child.stdin.abort().catch(() => {});
    },
  });

  Deno.test(`jail (${engine}) passes a signal on while nobody reads its report`, async () => {
    const end = `def end(signal, frame):
    try: open("/etc/shadow")
    except OSError: os._exit(5)
signal.signal(signal.SIGTERM, end)`;
    const [child, reader] = await unread(engine, [], end, "signal.pause()");
    child.kill("SIGTERM");
    await endsWith(child, reader, 5);
  });

  Deno.test(`jail (${engine}) ends at its time limit while nobody reads its report`, async () => {
    const [child, reader] = await unread(
      engine,
      // On a busy machine Python is up late.
      ["--timeout=3s"],
      "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
      'open("/etc/shadow")',
    );
    await endsWith(child, reader, 124);
  });

  Deno.test(`jail (${engine}) ends of a SIGTERM that the program does not handle`, async () => {
    const word = mark();
    const child = start(
      jailArgv(["-A"], [fixture("fork_forever"), word], engine),
    );
    const reader = await up(child.stdout);
    child.kill("SIGTERM");
    assertEquals((await child.status).signal, "SIGTERM");
    assertEquals(processesWith(word), []);
    await reader.cancel();
    await child.stderr.cancel();
    await child.stdin.abort().catch(() => {});
  });
}

/** Names in a directory. */
function names(path: string): string[] {
  return [...Deno.readDirSync(path)].map(({ name }) => name).toSorted();
}

Deno.test("jail leaves nothing behind, one after the other and at once", async () => {
  await using temporary = await scratch();
  const env = { TMPDIR: temporary.path };
  const word = mark();
  const argv = ["sh", "-c", "sleep 0.05 & echo $0", word];
  const once = async (): Promise<void> => {
    const { stdout, code } = await jail(["-A"], argv, { env });
    assertEquals([stdout, code], [`${word}\n`, 0]);
  };
  await once();
  const open = names("/proc/self/fd").length;
  const shared = names("/dev/shm");
  const row = Number(Deno.env.get("JAIL_ROW") ?? 40);
  for (let i = 0; i < row; i++) await once();
  await Promise.all(Array.from({ length: 20 }, once));
  assertEquals(processesWith(word), []);
  assertEquals(names(temporary.path), []);
  // The runner itself may have closed some of its own meanwhile.
  assert(names("/proc/self/fd").length <= open);
  // Tests beside this one have files there for a moment, which they remove.
  const left = names("/dev/shm").filter((name) => !shared.includes(name));
  const there = (): string[] =>
    names("/dev/shm").filter((name) => left.includes(name));
  await eventually(() => there().length === 0);
  assertEquals(there(), []);
});
