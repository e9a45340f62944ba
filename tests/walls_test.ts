/** Two jails whose policies have nothing in common cannot reach each other. */

import { assert, assertEquals } from "@std/assert";
import {
  ENGINES,
  eventually,
  fixture,
  jail,
  jailArgv,
  processesWith,
  start,
} from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

/** What one jail makes for the other to find; then it waits, and tells. */
const HOLDER = `import ctypes, fcntl, os, signal, socket, sys
libc = ctypes.CDLL(None)
came = []
for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGIO, signal.SIGCONT):
    signal.signal(number, lambda number, frame: came.append(number))
def make(what):
    try: what()
    except OSError: pass
kept = []
def bind(kind, name):
    kept.append(socket.socket(socket.AF_UNIX, kind))
    kept[-1].bind(name)
def listen(name):
    bind(socket.SOCK_STREAM, name)
    kept[-1].listen()
make(lambda: listen("\\0" + sys.argv[1]))
make(lambda: listen("socket"))
make(lambda: bind(socket.SOCK_DGRAM, "datagrams"))
make(lambda: open("/dev/shm/" + sys.argv[1], "w"))
make(lambda: open("/tmp/" + sys.argv[1], "w"))
shared = libc.shmget(int(sys.argv[2]), 4096, 0o1666)
semaphores = libc.semget(int(sys.argv[2]), 1, 0o1666)
messages = libc.msgget(int(sys.argv[2]), 0o1666)
libc.mq_open(("/" + sys.argv[1]).encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
kept.append(open("file", "w"))
kept[-1].write("secret"); kept[-1].flush()
fcntl.flock(kept[-1], fcntl.LOCK_EX)
# A group that another process could be in, and whoever asks for it may trace.
make(lambda: os.setpgid(0, 0))
libc.prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)
secret = ctypes.create_string_buffer(b"secret")
before = (os.nice(0), os.sched_getaffinity(0), os.getpgid(0))
os.write(1, b"%d %d" % (os.getpid(), ctypes.addressof(secret)))
sys.stdin.read()
same = before == (os.nice(0), os.sched_getaffinity(0), os.getpgid(0))
os.write(1, f"{came} {same}".encode())
libc.shmctl(shared, 0, None)
libc.semctl(semaphores, 0, 0)
libc.msgctl(messages, 0, None)
libc.mq_unlink(("/" + sys.argv[1]).encode())
for directory in ("/dev/shm/", "/tmp/"):
    make(lambda: os.unlink(directory + sys.argv[1]))
`;

/**
 * What the other jail tries, by name: Python that ends with an `OSError` or a
 * result of -1 where it is stopped. `pid` is the first jail's, `there` its
 * directory, `secret` where it has a text in its memory.
 */
const TRIES: Readonly<Record<string, string>> = {
  "a file of it": 'open(there + "/file")',
  "a name in its directory": 'open(there + "/file2", "w")',
  "its directory": "os.listdir(there)",
  "a lock that it holds": 'hears_of_lock(open(there + "/file"))',
  "its socket": 'socket.socket(socket.AF_UNIX).connect(there + "/socket")',
  "its abstract socket": 'socket.socket(socket.AF_UNIX).connect("\\0" + name)',
  "a datagram to its socket":
    'socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", there + "/datagrams")',
  "shared memory of POSIX": 'open("/dev/shm/" + name)',
  "a file in /tmp": 'open("/tmp/" + name)',
  "shared memory of System V": "call(libc.shmget(key, 4096, 0))",
  "semaphores of System V": "call(libc.semget(key, 1, 0))",
  "messages of System V": "call(libc.msgget(key, 0))",
  "messages of POSIX":
    'call(libc.mq_open(("/" + name).encode(), os.O_RDWR, 0, None))',
  "the kernel's keys": 'call(libc.syscall(248, b"user", b"x", b"y", 1, -4))',
  "a signal": "os.kill(pid, signal.SIGUSR1)",
  "no signal": "os.kill(pid, 0)",
  "a signal to its thread": "call(libc.syscall(200, pid, 10))",
  "a signal by both of its ids": "call(libc.syscall(234, pid, pid, 10))",
  "a signal with data": "call(libc.sigqueue(pid, 10, 0))",
  "a signal to its group": "os.killpg(pid, signal.SIGUSR1)",
  "a descriptor of it": "os.pidfd_open(pid)",
  "SIGIO": 'fcntl.fcntl(open("/dev/null"), fcntl.F_SETOWN, pid)',
  "its group": "os.getpgid(pid)",
  "its session": "os.getsid(pid)",
  "a place in its group": "os.setpgid(0, pid)",
  "its capabilities": "capget(pid)",
  "its limits": "resource.prlimit(pid, resource.RLIMIT_NOFILE)",
  "other limits for it":
    "resource.prlimit(pid, resource.RLIMIT_NOFILE, (9, 9))",
  "its priority": "os.getpriority(os.PRIO_PROCESS, pid)",
  "another priority for it": "os.setpriority(os.PRIO_PROCESS, pid, 7)",
  "another priority for its group": "os.setpriority(os.PRIO_PGRP, pid, 7)",
  "another priority for its user":
    "os.setpriority(os.PRIO_USER, os.getuid(), 7)",
  "its processors": "os.sched_getaffinity(pid)",
  "other processors for it": "os.sched_setaffinity(pid, {0})",
  "its scheduler": "os.sched_getscheduler(pid)",
  "another scheduler for it":
    "os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))",
  "its priority of I/O": "call(libc.syscall(252, 1, pid))",
  "another priority of I/O for it": "call(libc.syscall(251, 1, pid, 0x4007))",
  "its list of locks":
    "call(libc.syscall(274, pid, ctypes.byref(word), ctypes.byref(word)))",
  "its pages": "call(libc.syscall(279, pid, 0, None, None, None, 0))",
  "other nodes for its pages":
    "call(libc.syscall(256, pid, 64, ctypes.byref(node), ctypes.byref(node)))",
  "a comparison with it": "call(libc.syscall(312, os.getpid(), pid, 2, 0, 0))",
  "tracing it": "call(libc.ptrace(0x4206, pid, 0, 0))",
  "its memory":
    "call(libc.process_vm_readv(pid, vector(ctypes.addressof(word)), 1, vector(secret), 1, 0))",
  "its environment": 'open(f"/proc/{pid}/environ")',
  "its status": 'open(f"/proc/{pid}/status")',
  "its descriptors": 'os.listdir(f"/proc/{pid}/fd")',
  "its directory by its process": 'os.listdir(f"/proc/{pid}/cwd/")',
  "a clock that it counts on": "time.clock_settime(time.CLOCK_REALTIME, 0)",
  "the machine's name": 'socket.sethostname("x")',
  "the kernel's settings": 'open("/proc/sys/kernel/domainname", "w")',
};

/** Tries that would change the machine, were they made without a jail. */
const OF_MACHINE: readonly string[] = [
  "a clock that it counts on",
  "the machine's name",
  "the kernel's settings",
];

/** Tries them all, but for what is named; tells which succeed, and why not. */
const TRIER =
  `import ctypes, errno, fcntl, json, os, resource, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
name, key, pid, secret = sys.argv[1], *map(int, sys.argv[2:5])
there, left_out = sys.argv[5], sys.argv[6:]
word = ctypes.create_string_buffer(64)
node = ctypes.c_ulong(1)
def vector(address):
    return (ctypes.c_size_t * 2)(address, 6)
def hears_of_lock(file):
    try: fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: pass
def call(result):
    if result == -1: raise OSError(ctypes.get_errno(), "")
def capget(pid):
    header = (ctypes.c_int32 * 2)(0x20080522, pid)
    call(libc.syscall(125, ctypes.byref(header), ctypes.byref(word)))
capget(0)
capget(os.getpid())
tries = {
${
    Object.entries(TRIES).map(([what, code]) =>
      `    ${JSON.stringify(what)}: lambda: ${code},`
    ).join("\n")
  }
}
found = {}
for what in left_out: del tries[what]
for what, attempt in tries.items():
    try:
        attempt()
        found[what] = "done"
    except OSError as error: found[what] = errno.errorcode[error.errno]
print(json.dumps(found))
`;

/** What came of each try. */
function found(stdout: string): readonly (readonly [string, string])[] {
  return Object.entries(JSON.parse(stdout));
}

/** Words that name what the two share, if they share anything. */
function names(): string[] {
  return [
    `jail-${crypto.randomUUID()}`,
    String(0x4a000000 + Math.floor(Math.random() * 0xffffff)),
  ];
}

function policyOf(directory: Scratch, net: boolean): string {
  return `extends: base
read: ["${directory.path}"]
write: ["${directory.path}"]
net: ${net}
`;
}

Deno.test({
  ...needs(["python3"], "two programs without a jail have each channel"),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const words = names();
    // A user who has nothing else that runs.
    const isRoot = Deno.uid() === 0;
    const id = 0x7000_0000 + Math.floor(Math.random() * 0xff_ffff);
    if (isRoot) await Deno.chown(directory.path, id, id);
    const python = (...args: readonly string[]): Deno.Command =>
      new Deno.Command("/usr/bin/python3", {
        args: ["-c", ...args],
        cwd: directory.path,
        stdin: "piped",
        stdout: "piped",
        ...(isRoot ? { uid: id, gid: id } : {}),
      });
    const holder = python(HOLDER, ...words).spawn();
    const lines = holder.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    const there = (await lines.read()).value ?? "";
    const leftOut = isRoot
      ? OF_MACHINE
      : [...OF_MACHINE, "another priority for its user"];
    const trier = python(
      TRIER,
      ...[...words, ...there.split(" "), directory.path, ...leftOut],
    ).spawn();
    await trier.stdin.close();
    const all = found(new TextDecoder().decode((await trier.output()).stdout));
    await holder.stdin.close();
    const heard = (await lines.read()).value ?? "";
    await lines.cancel();
    await holder.status;
    assertEquals(all.length, Object.keys(TRIES).length - leftOut.length);
    // Some kernels are built without some calls.
    const failed = all.filter(([, came]) =>
      came !== "done" && came !== "ENOSYS"
    );
    assertEquals(failed, []);
    assert(/^\[[0-9].* False$/.test(heard), heard);
  },
});

for (const engine of ENGINES) {
  for (const net of [false, true]) {
    const name = `two jails (${engine}) with disjoint policies have no channel${
      net ? ", even with the network" : ""
    }`;
    Deno.test({
      ...needs(["python3"], name),
      async fn(): Promise<void> {
        await using one = await scratch();
        await using other = await scratch();
        const words = names();
        const policy = await one.file("policy.yaml", policyOf(one, net));
        const holder = start(
          jailArgv(
            ["-p", policy],
            ["/usr/bin/python3", "-c", HOLDER, ...words],
            engine,
          ),
          { cwd: one.path },
        );
        const lines = holder.stdout.pipeThrough(new TextDecoderStream())
          .getReader();
        const there = (await lines.read()).value ?? "";
        assert(/^[0-9]+ [0-9]+$/.test(there), there);
        const tried = await jail(
          policyOf(other, net),
          [
            ...["/usr/bin/python3", "-c", TRIER],
            ...[...words, ...there.split(" "), one.path],
          ],
          { cwd: other.path, engine },
        );
        assertEquals(tried.stderr, "");
        const all = found(tried.stdout);
        assertEquals(all.map(([what]) => what), Object.keys(TRIES));
        assertEquals(all.filter(([, came]) => came === "done"), []);
        await holder.stdin.close();
        assertEquals((await lines.read()).value, "[] True");
        await lines.cancel();
        await holder.stderr.cancel();
        assertEquals((await holder.status).code, 0);
      },
    });
  }

  Deno.test(`jail (${engine}) is ended by SIGTERM and SIGKILL, however many calls are made`, async () => {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await using directory = await scratch();
      const word = `marked-${crypto.randomUUID()}`;
      const argv = [fixture("stop_forever"), "12", word];
      const child = start(jailArgv(["-A"], argv, engine), {
        cwd: directory.path,
      });
      const reader = child.stdout.getReader();
      await reader.read();
      const begin = performance.now();
      child.kill(signal);
      assertEquals((await child.status).signal, signal);
      assert(performance.now() - begin < 5000);
      assert(await eventually(() => processesWith(word).length === 0));
      await reader.cancel();
      await child.stderr.cancel();
      await child.stdin.abort().catch(() => {});
    }
  });
}
