import { assertEquals, assertThrows } from "@std/assert";
import { fromBytes, toCString } from "../../abi/bytes.ts";
import { E2BIG, EACCES, EBADF, ENOENT, ENOEXEC } from "../../abi/errno.ts";
import { PTRACE_O_EXITKILL, PTRACE_O_TRACEEXEC } from "../../abi/ptrace.ts";
import { SIGPIPE } from "../../abi/signal.ts";
import { WEXITSTATUS, WIFEXITED, WIFSTOPPED } from "../../abi/wait.ts";
import { LaunchError } from "../../errors.ts";
import { close, pipe2, type PipeEnds, read, readLink } from "../files.ts";
import { libc } from "../libc.ts";
import { openEnds } from "../pipe.ts";
import { resume, seize } from "../task/ptrace.ts";
import { waitFor } from "../task/wait.ts";
import { launch, type Launched, type LaunchPlan } from "./spawn.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

const status = new Int32Array(1);

function plan(
  argv: readonly string[],
  more: Partial<LaunchPlan> = {},
): LaunchPlan {
  return {
    file: toCString(argv[0] as string),
    argv,
    env: [],
    stdio: [0, 1, 2],
    keepFds: [],
    resetSignals: [SIGPIPE],
    ...more,
  };
}

function exitCodeOf(launched: Launched): number {
  assertEquals(waitFor(launched.pid, status), launched.pid);
  launched.dispose();
  assertEquals(WIFEXITED(status[0] as number), true);
  return WEXITSTATUS(status[0] as number);
}

/** Runs a program whose fd 1 is a pipe. */
function output(
  argv: readonly string[],
  more: Partial<LaunchPlan> = {},
): string {
  const [from, to] = openEnds();
  const launched = launch(plan(argv, { stdio: [0, to, 2], ...more }));
  close(to);
  launched.release();
  let text = "";
  const bytes = new Uint8Array(65536);
  for (let n = read(from, bytes); n > 0; n = read(from, bytes)) {
    text += fromBytes(bytes, 0, n);
  }
  close(from);
  assertEquals(exitCodeOf(launched), 0);
  return text;
}

Deno.test("launch() starts a program, and its status can be waited for", () => {
  const launched = launch(plan(["/bin/sh", "-c", "exit 37"]));
  launched.release();
  assertEquals(exitCodeOf(launched), 37);
  assertEquals(launched.failure(), undefined);
});

Deno.test("launch() lets a tracer in before the first step", () => {
  const launched = launch(plan(["/bin/true"]));
  assertEquals(
    seize(launched.pid, PTRACE_O_EXITKILL | PTRACE_O_TRACEEXEC),
    0,
  );
  launched.release();
  assertEquals(waitFor(launched.pid, status), launched.pid);
  assertEquals(WIFSTOPPED(status[0] as number), true);
  assertEquals(resume(launched.pid, 0), 0);
  assertEquals(exitCodeOf(launched), 0);
});

const FAILURES = [
  { step: "execve", errno: ENOENT, more: { file: toCString("/no/such") } },
  { step: "execve", errno: EACCES, more: { file: toCString("/etc/passwd") } },
  { step: "execve", errno: E2BIG, more: { env: ["x".repeat(2 ** 18)] } },
  { step: "chdir", errno: ENOENT, more: { cwd: "/no/such" } },
  { step: "fcntl", errno: EBADF, more: { keepFds: [999] } },
  {
    step: "prlimit64",
    errno: 22, // EINVAL
    more: { nofile: { soft: 2, hard: 1 } },
  },
  { step: "seccomp", errno: 22, more: { filter: new Uint8Array(8) } },
];
for (const c of FAILURES) {
  Deno.test(`launch() names the step that failed: ${c.step} ${c.errno}`, () => {
    const launched = launch(plan(["/bin/true"], c.more));
    launched.release();
    assertEquals(exitCodeOf(launched), 127);
    assertEquals(launched.failure(), { step: c.step, errno: c.errno });
  });
}

Deno.test("launch() tells a script without #! by ENOEXEC", () => {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, "echo hello\n");
    Deno.chmodSync(file, 0o755);
    const launched = launch(plan([file]));
    launched.release();
    assertEquals(exitCodeOf(launched), 127);
    assertEquals(launched.failure(), { step: "execve", errno: ENOEXEC });
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("launch() refuses an fd that is not open", () => {
  assertThrows(
    () => launch(plan(["/bin/true"], { stdio: [1, 999, 2] })),
    LaunchError,
    'Cannot start "/bin/true": fcntl failed with EBADF',
  );
});

Deno.test("launch() passes arguments and environment byte for byte", () => {
  let all = "";
  for (let byte = 1; byte < 256; byte++) all += String.fromCharCode(byte);
  assertEquals(output(["/bin/printf", "%s|", all, "", "ÿþ"]), `${all}||ÿþ|`);
  assertEquals(
    output(["/usr/bin/env"], { env: [`A=${all}`, "no-equals", "B="] }),
    `A=${all}\nno-equals\nB=\n`,
  );
});

Deno.test("launch() keeps argv[0] apart from the file", () => {
  assertEquals(
    output(["other", "-c", "echo $0"], { file: toCString("/bin/sh") }),
    "other\n",
  );
});

Deno.test("launch() changes to the working directory", () => {
  assertEquals(output(["/bin/pwd"], { cwd: "/usr" }), "/usr\n");
});

Deno.test("launch() gives fds in each other's place", () => {
  const [from, to] = openEnds();
  const script = `readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 >&${to}`;
  const launched = launch(
    plan(["/bin/bash", "-c", script], { stdio: [2, to, 1], keepFds: [to] }),
  );
  close(to);
  launched.release();
  const bytes = new Uint8Array(1000);
  assertEquals(
    fromBytes(bytes, 0, read(from, bytes)),
    `${readLink("/proc/self/fd/2")}\n${readLink(`/proc/self/fd/${from}`)}\n${
      readLink("/proc/self/fd/1")
    }\n`,
  );
  assertEquals(exitCodeOf(launched), 0);
  close(from);
});

Deno.test("launch() closes every fd but the kept ones", () => {
  // Not to be closed at exec: an fd that somebody left open.
  const fds = pipe2(0) as PipeEnds;
  const closing = openEnds();
  const [, to] = fds;
  const [, kept] = closing;
  const list = ["/bin/sh", "-c", "cd /proc/self/fd && echo *"];
  // The shell has a descriptor of its own while it lists.
  const count = (text: string): number[] =>
    text.trim().split(" ").map(Number).filter((fd) => fd > 2);
  assertEquals(count(output(list)).filter((fd) => fd === to), []);
  assertEquals(
    count(output(list, { keepFds: [kept] }))
      .filter((fd) => fd === to || fd === kept),
    [kept],
  );
  for (const fd of [...fds, ...closing]) close(fd);
});

Deno.test("launch() sets the limit of open files", () => {
  assertEquals(
    output(["/bin/sh", "-c", "ulimit -Sn; ulimit -Hn"], {
      nofile: { soft: 100, hard: 200 },
    }),
    "100\n200\n",
  );
});

Deno.test("launch() leaves signals as a program expects them", () => {
  const text = output([
    "/bin/grep",
    "-E",
    "Sig(Blk|Ign|Cgt)",
    "/proc/self/status",
  ]);
  const value = (name: string): string =>
    (new RegExp(`${name}:\\s+(\\w+)`).exec(text) as RegExpExecArray)[
      1
    ] as string;
  assertEquals(value("SigBlk"), "0".repeat(16));
  assertEquals(value("SigIgn"), "0".repeat(16));
});

Deno.test("launch() leaves nothing behind, 200 times", () => {
  const count = (): number => [...Deno.readDirSync("/proc/self/fd")].length;
  const before = count();
  for (let i = 0; i < 200; i++) {
    const launched = launch(plan(["/bin/true"], { stdio: [2, 1, 0] }));
    launched.release();
    assertEquals(exitCodeOf(launched), 0);
  }
  assertEquals(count(), before);
});

Deno.test("launch() makes the program a group of its own where a step says so", () => {
  const script = "cut -d' ' -f1,5 /proc/$$/stat";
  const extra = [{ call: "setpgid", args: [0, 0] }] as const;
  const own = output(["/bin/sh", "-c", script], { extra });
  const [pid, group] = own.trim().split(" ");
  assertEquals(group, pid);
  const [other, shared] = output(["/bin/sh", "-c", script]).trim().split(" ");
  assertEquals(shared === other, false);
});

Deno.test("launch() starts nothing where a call works that has to fail", () => {
  const code = (extra: LaunchPlan["extra"]): readonly unknown[] => {
    const launched = launch(plan(["/bin/true"], { extra }));
    launched.release();
    assertEquals(waitFor(launched.pid, status), launched.pid);
    const failure = launched.failure();
    launched.dispose();
    return [WEXITSTATUS(status[0] as number), failure];
  };
  assertEquals(code([{ call: "chdir", args: [0], inVain: true }]), [
    0,
    undefined,
  ]);
  assertEquals(code([{ call: "getpid", args: [], inVain: true }]), [
    127,
    { step: "getpid", errno: 0 },
  ]);
});
