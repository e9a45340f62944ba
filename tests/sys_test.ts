/** `sys` in a policy: what programs see of names, time, processors, ids and chance. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import type { Engine } from "../src/trace/options.ts";
import { type Ended, ENGINES, fixture, jail } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** Under a policy that reads and runs everything, so that any Python will do. */
function seen(
  sys: string,
  argv: readonly string[],
  engine: Engine,
): Promise<Ended> {
  const policy = `extends: readonly\nread: ["/"]\nsys: ${sys}\n`;
  return jail(policy, argv, { engine });
}

async function lines(
  sys: string,
  argv: readonly string[],
  engine: Engine,
): Promise<string[]> {
  const { stdout, stderr } = await seen(sys, argv, engine);
  assertEquals(stderr, "");
  return stdout.trimEnd().split("\n");
}

const NOON = "2000-01-01T12:00:00Z";
const AT = 946728000;

/** How many bytes of `/proc/<pid>/maps` jail looks at. */
const MAPS_SIZE = 1 << 20;

/** Of so many segments each has the file's name in the maps, and of these none. */
const NAMED = 900;
const NAMELESS = 200;

/**
 * A static program with so many segments that its vDSO comes late in its maps.
 *
 * @param program an ELF file that is not moved when it is loaded
 */
function withManySegments(
  program: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const [size, page] = [56, 4096];
  const old = new DataView(program.buffer);
  const [from, count] = [Number(old.getBigUint64(32, true)), 56];
  const own = old.getUint16(count, true);
  const all = own + 1 + NAMED + NAMELESS;
  const table = Math.ceil(program.length / page) * page;
  const bytes = new Uint8Array(table + all * size);
  bytes.set(program);
  const data = new DataView(bytes.buffer);
  data.setBigUint64(32, BigInt(table), true);
  data.setUint16(count, all, true);
  bytes.set(program.subarray(from, from + own * size), table);
  let at = table + own * size;
  let address = 0x1000_0000;
  const add = (offset: number, length: number, memory: number): void => {
    // PT_LOAD, to be read.
    data.setUint32(at, 1, true);
    data.setUint32(at + 4, 4, true);
    [offset, address, address, length, memory, page].forEach((word, i) =>
      data.setBigUint64(at + 8 + 8 * i, BigInt(word), true)
    );
    at += size;
    // A page between two, or they would be one.
    address += Math.ceil(memory / page + 1) * page;
  };
  // Its table, which the C library reads.
  add(table, all * size, all * size);
  for (let i = 0; i < NAMED; i++) add(0, page, page);
  for (let i = 0; i < NAMELESS; i++) add(0, 0, page);
  return bytes;
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3", "hostname"],
      `jail (${engine}) gives names of its own to uname, hostname, Python and /proc`,
    ),
    fn: async () => {
      const script = [
        "uname -nr",
        "hostname",
        "cat /proc/sys/kernel/hostname /proc/sys/kernel/osrelease",
        "cat /proc/version",
        'python3 -c "import os, socket; print(os.uname().nodename, os.uname().release, socket.gethostname())"',
        "uname -s",
      ].join("; ");
      assertEquals(
        await lines(
          '{hostname: box, uname: {release: "9.8", version: "#1"}}',
          ["sh", "-c", script],
          engine,
        ),
        [
          "box 9.8",
          "box",
          "box",
          "9.8",
          "Linux version 9.8 #1",
          "box 9.8 box",
          "Linux",
        ],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3", "node", "make", "gcc"],
      `jail (${engine}) gives one time to date, Python, Node, and a static program, in a make too`,
    ),
    fn: async () => {
      await using directory = await scratch();
      const python =
        "import subprocess, time; print(int(time.time())); print(subprocess.run(['date', '+%s'], capture_output=True, text=True).stdout, end='')";
      await directory.file("inner.py", python);
      await directory.file(
        "Makefile",
        `all:\n\t@sh -c 'python3 ${directory.path}/inner.py'\n`,
      );
      const script = [
        "date -u +%FT%TZ",
        'node -p "new Date().toISOString()"',
        `make -s -C ${directory.path} 2> /dev/null`,
        `${fixture("tell_time", ["-static"])} ${
          engine === "seccomp" ? "vsyscall" : ""
        }`,
        "printf '%(%s)T\\n' -1",
      ].join("; ");
      assertEquals(
        await lines(`{time: ${NOON}}`, ["bash", "-c", script], engine),
        [
          NOON,
          "2000-01-01T12:00:00.000Z",
          `${AT}`,
          `${AT}`,
          `call ${AT}`,
          "mapped no",
          "counter goes on",
          "counter set: EINVAL",
          // A kernel without that page ends the program.
          ...engine === "seccomp" ? [`vsyscall ${AT}`] : [],
          `${AT}`,
        ],
      );
    },
  });

  Deno.test(`jail (${engine}) tells no real day by the clocks of the kernel's timers`, async () => {
    const argv = ["cat", "/proc/timer_list"];
    const { code, stderr } = await seen(`{time: ${NOON}}`, argv, engine);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "cat: /proc/timer_list: Permission denied");
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) fills no disk with the files that stand for others, however many are open`,
    ),
    fn: async () => {
      const code = `import os
files = [os.open("/dev/urandom", os.O_RDONLY) for _ in range(300)]
print(len({os.fstat(f).st_ino for f in files}), len({os.pread(f, 8, 0) for f in files[-9:]}))`;
      const argv = ["/usr/bin/python3", "-c", code];
      assertEquals(await lines("{random: {seed: 1}}", argv, engine), ["64 9"]);
    },
  });

  // The number of munmap(2), by which the vDSO goes.
  for (const errno of ["0", "1"]) {
    Deno.test(`jail (${engine}) ends a program that keeps its vDSO by a filter of its own (errno ${errno})`, async () => {
      const argv = ["11", errno, "0", fixture("tell_time")];
      const script = '"$@"; echo $?';
      const { stdout } = await seen(
        `{time: {fixed: ${NOON}}}`,
        ["sh", "-c", script, "sh", fixture("answer_itself"), ...argv],
        engine,
      );
      assertEquals(stdout, "137\n");
    });
  }

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) ends a program whose maps are too long for jail to see its vDSO`,
    ),
    fn: async () => {
      await using directory = await scratch();
      // Those with a name, and the six that it has by itself, fill all but a little
      // of what is looked at, so that no name would be cut off.
      const length = Math.floor((MAPS_SIZE - 4000) / (NAMED + 6)) - 74;
      let path = directory.path;
      while (path.length < length - 200) path += `/${"d".repeat(100)}`;
      path += `/${"d".repeat(length - path.length - 9)}`;
      await Deno.mkdir(path, { recursive: true });
      path += "/program";
      const program = await Deno.readFile(fixture("tell_time", ["-static"]));
      await Deno.writeFile(path, withManySegments(program), { mode: 0o755 });
      const script = '"$@"; echo $?';
      const ran = (sys: string): Promise<Ended> =>
        seen(sys, ["sh", "-c", script, "sh", path], engine);
      const { stdout } = await ran(`{time: {fixed: ${NOON}}}`);
      assertEquals(stdout, "137\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells no given release by the vDSO`,
    ),
    fn: async () => {
      const code = `import ctypes
libc = ctypes.CDLL(None)
libc.getauxval.restype = ctypes.c_ulong
print(libc.getauxval(33), any("vdso" in line for line in open("/proc/self/maps")))`;
      const argv = ["/usr/bin/python3", "-c", code];
      for (const sys of ["{uname: {release: r}}", "{uname: {version: v}}"]) {
        assertEquals(await lines(sys, argv, engine), ["0 False"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) leaves the vDSO where the time is real`,
    ),
    fn: async () => {
      const [first = "", mapped, , set] = await lines(
        "{time: real, hostname: box}",
        [fixture("tell_time", ["-static"])],
        engine,
      );
      assertMatch(first, /^vdso \d+$/);
      const told = Number(first.split(" ")[1]);
      assert(Math.abs(told - Date.now() / 1000) < 120, first);
      assertEquals([mapped, set], ["mapped yes", "counter set: EINVAL"]);
    },
  });

  for (
    const [time, times] of [
      ["{offset: -3d}", 1],
      ["{offset: +3d}", 1],
      [`{fixed: ${NOON}}`, 1],
      ["{rate: 0.5}", 2],
    ] as const
  ) {
    Deno.test({
      ...needs(
        ["gcc"],
        `jail (${engine}) lets who waits for a time of day wait that long, with time ${time}`,
      ),
      fn: async () => {
        const program = fixture("wait_until");
        assertEquals(
          await lines(`{time: ${time}}`, [program, `${times}`], engine),
          [
            "clock_nanosleep waited",
            "futex waited",
            "pthread_cond_timedwait waited",
            "sem_timedwait waited",
            "timerfd waited",
            "timer waited",
            "timerfd of the monotonic clock waited",
            "clock_nanosleep with a signal waited",
            "interrupted",
          ],
        );
      },
    });
  }

  Deno.test(`jail (${engine}) gives the time with an offset, and from another start on`, async () => {
    const before = Math.floor(Date.now() / 1000);
    const [text] = await lines(
      "{time: {offset: -3d}}",
      ["date", "+%s"],
      engine,
    );
    const told = Number(text) + 3 * 86400;
    assert(told >= before && told <= Date.now() / 1000, text);
    const [from = ""] = await lines(
      `{time: {rate: 2, from: ${NOON}}}`,
      ["date", "+%s"],
      engine,
    );
    assert(Number(from) >= AT && Number(from) < AT + 120, from);
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) serves threads while one waits whose exec has failed, where a policy denies the time`,
    ),
    fn: async () => {
      const program = fixture("exec_in_vain");
      const argv = [program, program];
      assertEquals(await lines("{time: deny}", argv, engine), ["soon"]);
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) closes every clock where a policy denies the time`,
    ),
    fn: async () => {
      const clocks = [0, 1, 2, 3, 4, 5, 6, 7, 11];
      const call = fixture("make_call");
      const script = [
        ...clocks.map((clock) => `${call} 228 ${clock} zeros`),
        `${call} 229 0 zeros`, // clock_getres
        `${call} 96 zeros 0`, // gettimeofday
        `${call} 201 0`, // time
        `${call} 100 zeros`, // times
        `${call} 99 zeros`, // sysinfo
        `${call} 159 zeros`, // adjtimex
        `${call} 230 0 1 zeros 0`, // clock_nanosleep
        `cat /proc/uptime /proc/stat 2> /dev/null || echo closed`,
        `${fixture("tell_time", ["-static"])} | tail -n 3`,
      ].join("; ");
      assertEquals(await lines("{time: deny}", ["sh", "-c", script], engine), [
        ...Array<string>(clocks.length + 7).fill("EPERM"),
        "closed",
        "mapped no",
        "counter goes on",
        "counter set: EINVAL",
      ]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets nobody see how long a wait took where a policy denies the time`,
    ),
    fn: async () => {
      const script = `import ctypes
libc = ctypes.CDLL(None)
def wait(number, *arguments):
    time = (ctypes.c_long * 2)(0, 5000)
    at = arguments.index(0.5)
    given = [*arguments[:at], ctypes.byref(time), *arguments[at + 1:]]
    print(libc.syscall(number, *given), *time)
wait(271, None, 0, 0.5, None, 8)
wait(270, 0, None, None, None, 0.5, None)
wait(23, 0, None, None, None, 0.5)`;
      assertEquals(
        await lines("{time: deny}", ["/usr/bin/python3", "-c", script], engine),
        ["0 0 5000", "0 0 5000", "0 0 5000"],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells no time besides what a call does where a policy denies it`,
    ),
    fn: async () => {
      const script = `import ctypes, os, signal, time
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    for i in range(2000000): pass
    os._exit(3)
pid, status, used = os.wait4(child, 0)
print(pid == child, status, used.ru_utime + used.ru_stime, used.ru_maxrss)
print(os.waitstatus_to_exitcode(os.wait4(os.posix_spawn("/bin/true", ["true"], {}), 0)[1]))
signal.alarm(100); print(signal.alarm(1))
signal.signal(signal.SIGALRM, lambda *_: print("alarmed"))
signal.pause()
for call in ((283, 1, 0), (222, 1, 0, ctypes.byref(ctypes.c_int()))):
    print(libc.syscall(*call), ctypes.get_errno())
def opens(path):
    try: os.close(os.open(path, os.O_RDONLY)); return path
    except OSError: return None
self = [f"{where}/{name}" for where in ("/proc/self", "/proc/thread-self")
    for name in ("sched", "schedstat", "stat", "arch_status", "fdinfo/0", "net/tcp")]
machine = ["/proc/interrupts", "/proc/loadavg", "/proc/softirqs", "/proc/uptime",
    "/sys/devices/system/cpu/online", "/sys/fs/cgroup", "/proc/self/maps"]
print(*filter(None, map(opens, self + machine)))`;
      assertEquals(
        await lines("{time: deny}", ["/usr/bin/python3", "-c", script], engine),
        [
          ...["True 768 0.0 0", "0", "0", "alarmed", "-1 38", "-1 38"],
          "/proc/self/maps",
        ],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a wait end in time that signals interrupt where a policy denies the time`,
    ),
    fn: async () => {
      const script = `import ctypes, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
def wait(number, *arguments):
    time = (ctypes.c_long * 2)(1, 0)
    at = arguments.index(0.5)
    given = [*arguments[:at], ctypes.byref(time), *arguments[at + 1:]]
    parent, child = os.getpid(), os.fork()
    if child == 0:
        for i in range(30):
            libc.usleep(100000)
            try: os.kill(parent, signal.SIGWINCH)
            except OSError: break
            if os.getppid() != parent: break
        os._exit(0)
    result = libc.syscall(number, *given), ctypes.get_errno()
    print(*result, os.waitpid(child, os.WNOHANG)[0])
    os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
wait(271, None, 0, 0.5, None, 8)
wait(270, 0, None, None, None, 0.5, None)
wait(23, 0, None, None, None, 0.5)
def handle(*_): pass
signal.signal(signal.SIGWINCH, handle)
wait(271, None, 0, 0.5, None, 8)`;
      assertEquals(
        await lines("{time: deny}", ["/usr/bin/python3", "-c", script], engine),
        ["0 0 0", "0 0 0", "0 0 0", "-1 4 0"],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends no wait early that no handler interrupts where a policy denies the time`,
    ),
    fn: async () => {
      // A stop interrupts, and the signal that ends it is never delivered.
      const script = `import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
def wait(number, *arguments):
    time = ctypes.byref((ctypes.c_long * 2)(1, 0))
    given = [time if one == 0.5 else one for one in arguments]
    return libc.syscall(number, *given), ctypes.get_errno()
child = os.fork()
if child == 0:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
    print(wait(271, None, 0, 0.5, None, 8), wait(23, 0, None, None, None, 0.5), flush=True)
    os._exit(0)
libc.usleep(300000)
os.kill(child, signal.SIGSTOP)
os.waitpid(child, os.WUNTRACED)
os.kill(child, signal.SIGCONT)
turns = 0
while os.waitpid(child, os.WNOHANG)[0] == 0:
    libc.usleep(100000)
    turns += 1
print(turns > 10)`;
      assertEquals(
        await lines("{time: deny}", ["/usr/bin/python3", "-c", script], engine),
        ["(0, 0) (0, 0)", "True"],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) with "time: deny" goes on after a wait of centuries that the program's own filter ends`,
    ),
    async fn(): Promise<void> {
      // ppoll(2), which seccomp(2) refuses to all threads, and rt_sigtimedwait(2).
      const script = `import ctypes, signal, struct, threading
libc = ctypes.CDLL(None, use_errno=True)
def time(seconds): return ctypes.byref((ctypes.c_long * 2)(seconds, 0))
def wait():
    signals = ctypes.c_uint64(1 << signal.SIGUSR2 - 1)
    for call in (271, None, 0, time(1 << 40), None, 8), (128, ctypes.byref(signals), None, time(1), 8):
        print(libc.syscall(*call), ctypes.get_errno(), flush=True)
thread = threading.Thread(target=wait)
thread.start()
libc.usleep(300000)
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 0, 1, 271), (0x06, 0, 0, 0x50005), (0x06, 0, 0, 0x7fff0000))))
program = struct.pack("HxxxxxxQ", 4, ctypes.addressof(code))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.syscall(317, 1, 1, program) == 0
while thread.is_alive():
    signal.pthread_kill(thread.ident, signal.SIGWINCH)
    libc.usleep(100000)`;
      assertEquals(
        await lines("{time: deny}", ["/usr/bin/python3", "-c", script], engine),
        ["-1 5", "-1 11"],
      );
    },
  });

  for (const cpus of [1, 7]) {
    Deno.test({
      ...needs(
        ["python3", "node"],
        `jail (${engine}) shows ${cpus} processors to nproc, Python, Node and /proc`,
      ),
      fn: async () => {
        const script = [
          "nproc",
          "nproc --all",
          "getconf _NPROCESSORS_ONLN",
          'python3 -c "import os; print(os.cpu_count(), len(os.sched_getaffinity(0)))"',
          'node -p "os.cpus().length"',
          "grep -c ^processor /proc/cpuinfo",
          "grep -c ^cpu[0-9] /proc/stat",
          "cat /sys/devices/system/cpu/online",
        ].join("; ");
        const n = `${cpus}`;
        assertEquals(
          await lines(`{cpus: ${cpus}}`, ["sh", "-c", script], engine),
          [n, n, n, `${n} ${n}`, n, n, n, cpus === 1 ? "0" : `0-${cpus - 1}`],
        );
      },
    });
  }

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) replaces no file by what the program has put there`,
    ),
    fn: async () => {
      await using directory = await scratch();
      // The program writes everywhere, also where such files are, and opens
      // beside another thread, whose arguments are pinned.
      const policy = `extends: allow-all\nsys: {cpus: 3}\n`;
      const script = [
        'f=$(readlink /proc/self/fd/3); rm -f "$f" || echo kept',
        'echo x > "$f" || echo closed',
        'ln -s /etc/passwd "${f%/*}/x" || echo no link',
        'mv "${f%/*}" elsewhere || echo stays',
        "cat <&3 | grep -c processor",
        "(: > /proc/cpuinfo) || echo read only",
      ].join("; ");
      const { stdout } = await jail(policy, [
        "bash",
        "-c",
        `exec 3< /proc/cpuinfo 2> /dev/null; ${script}`,
      ], { engine, cwd: directory.path });
      assertEquals(stdout.trimEnd().split("\n"), [
        "kept",
        "closed",
        "no link",
        "stays",
        "3",
        "read only",
      ]);
    },
  });

  Deno.test({
    ...needs(["python3"], `jail (${engine}) gives ids to id and Python`),
    fn: async () => {
      assertEquals(
        await lines("{uid: 12345, gid: 54321}", [
          "sh",
          "-c",
          'id -u; id -ru; id -g; id -G; python3 -c "import os; print(*os.getresuid(), *os.getresgid(), os.getuid(), os.getegid())"',
        ], engine),
        [
          "12345",
          "12345",
          "54321",
          "54321",
          "12345 12345 12345 54321 54321 54321 12345 54321",
        ],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) gives the same random bytes for the same seed`,
    ),
    fn: async () => {
      const script =
        'python3 -c "import os, random; print(os.urandom(8).hex(), random.random(), hash(str(1)))"; head -c 8 /dev/urandom | od -An -tx1; head -c 8 /dev/urandom | od -An -tx1';
      const run = (seed: number): Promise<string[]> =>
        lines(`{random: {seed: ${seed}}}`, ["sh", "-c", script], engine);
      const first = await run(5);
      assertEquals(first, await run(5));
      assertNotEquals(first[0], (await run(6))[0]);
      assertNotEquals(first[1], first[2]);
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) fills no page that holds what it has checked`,
    ),
    fn: async () => {
      assertEquals(
        await lines(
          "{hostname: a, time: 2000-01-01, uid: 0, random: {seed: 1}, cpus: 1}",
          [fixture("fill_pins")],
          engine,
        ),
        [
          "uname EFAULT",
          "clock_gettime EFAULT",
          "gettimeofday EFAULT",
          "getresuid EFAULT",
          "getrandom EFAULT",
          "sched_getaffinity EFAULT",
          "same",
        ],
      );
    },
  });

  Deno.test(`jail (${engine}) makes a run deterministic by one key`, async () => {
    assertEquals(
      await lines("{deterministic: true}", [
        "sh",
        "-c",
        "date -u +%FT%TZ; hostname; nproc",
      ], engine),
      ["2000-01-01T00:00:00Z", "localhost", "1"],
    );
  });

  Deno.test(`jail (${engine}) hides what --deny-sys names, and what --allow-sys does not`, async () => {
    const words = ["sh", "-c", "uname -nr; id -u; nproc"];
    const run = async (...flags: string[]): Promise<string[]> => {
      const all = ["-p", "readonly", "--allow-read", ...flags];
      return (await jail(all, words, { engine })).stdout.trimEnd().split("\n");
    };
    const real = await run();
    assertEquals(await run("--deny-sys"), ["(none) (none)", "65534", "1"]);
    assertEquals(await run("--allow-sys"), real);
    const [, id, cpus] = real;
    const release = real[0]?.split(" ")[1];
    assertEquals(await run("--deny-sys=hostname"), [
      `(none) ${release}`,
      id,
      cpus,
    ]);
    assertEquals(await run("--allow-sys=uid"), ["(none) (none)", id, "1"]);
  });
}

Deno.test("jail hides what a permission set denies of the system, whatever flags allow", async () => {
  await using cwd = await scratch();
  const sys = { allow: true, deny: ["hostname"] };
  const permissions = { set: { read: true, run: true, sys } };
  await cwd.file("deno.json", JSON.stringify({ permissions }));
  for (
    const flags of [[], ["--allow-sys"], ["--allow-sys=hostname"], ["-A"]]
  ) {
    const { stdout, stderr } = await jail(
      ["-P=set", ...flags],
      ["uname", "-n"],
      { cwd: cwd.path },
    );
    assertEquals([stdout, stderr], ["(none)\n", ""], flags.join());
  }
});

Deno.test("jail plan says how well each fact of the system is held", async () => {
  await using directory = await scratch();
  const file = await directory.file(
    "p.yaml",
    "extends: minimal\nstrict: true\nsys: {hostname: a, time: deny, cpus: 1}\n",
  );
  const ended = await jail(["-p", file], ["true"]);
  assertEquals(ended.code, 125);
  assertStringIncludes(ended.stderr, '"cpus: 1" of "sys"');
});
