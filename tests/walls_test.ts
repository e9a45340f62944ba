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
def listen(name):
    kept.append(socket.socket(socket.AF_UNIX))
    kept[-1].bind(name)
    kept[-1].listen()
make(lambda: listen("\\0" + sys.argv[1]))
make(lambda: listen("socket"))
make(lambda: open("/dev/shm/" + sys.argv[1], "w"))
make(lambda: open("/tmp/" + sys.argv[1], "w"))
libc.shmget(int(sys.argv[2]), 4096, 0o1666)
libc.semget(int(sys.argv[2]), 1, 0o1666)
libc.msgget(int(sys.argv[2]), 0o1666)
libc.mq_open(("/" + sys.argv[1]).encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
kept.append(open("file", "w"))
kept[-1].write("secret"); kept[-1].flush()
fcntl.flock(kept[-1], fcntl.LOCK_EX)
before = (os.nice(0), os.sched_getaffinity(0), os.getpgid(0))
os.write(1, b"%d" % os.getpid())
sys.stdin.read()
same = before == (os.nice(0), os.sched_getaffinity(0), os.getpgid(0))
os.write(1, f"{came} {same}".encode())
`;

/**
 * What the other jail tries, by name: Python that ends with an `OSError` or a
 * result of -1 where it is stopped. `pid` is the first jail's, `there` its
 * directory.
 */
const TRIES: Readonly<Record<string, string>> = {
  "a file of it": 'open(there + "/file")',
  "a name in its directory": 'open(there + "/file2", "w")',
  "its directory": "os.listdir(there)",
  "a lock that it holds":
    'fcntl.flock(open(there + "/file"), fcntl.LOCK_EX | fcntl.LOCK_NB)',
  "its socket": 'socket.socket(socket.AF_UNIX).connect(there + "/socket")',
  "its abstract socket": 'socket.socket(socket.AF_UNIX).connect("\\0" + name)',
  "a datagram to its socket":
    'socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", there + "/socket")',
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
  "other nodes for its pages": "call(libc.syscall(256, pid, 0, None, None))",
  "a comparison with it": "call(libc.syscall(312, os.getpid(), pid, 2, 0, 0))",
  "tracing it": "call(libc.ptrace(0x4206, pid, 0, 0))",
  "its memory":
    "call(libc.process_vm_readv(pid, ctypes.byref(word), 1, ctypes.byref(word), 1, 0))",
  "its environment": 'open(f"/proc/{pid}/environ")',
  "its status": 'open(f"/proc/{pid}/status")',
  "its descriptors": 'os.listdir(f"/proc/{pid}/fd")',
  "its directory by its process": 'os.listdir(f"/proc/{pid}/cwd/")',
  "a clock that it counts on": "time.clock_settime(time.CLOCK_REALTIME, 0)",
  "the machine's name": 'socket.sethostname("x")',
  "the kernel's settings": 'open("/proc/sys/kernel/domainname", "w")',
};

const TRIER = `import ctypes, fcntl, os, resource, signal, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
name, key, pid, there = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
word = ctypes.create_string_buffer(64)
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
done = []
for what, attempt in tries.items():
    try:
        attempt()
        done.append(what)
    except OSError: pass
print(len(tries), done)
`;

function policyOf(directory: Scratch, net: boolean): string {
  return `extends: base
read: ["${directory.path}"]
write: ["${directory.path}"]
net: ${net}
`;
}

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
        const words = [
          `jail-${crypto.randomUUID()}`,
          String(0x4a000000 + Math.floor(Math.random() * 0xffffff)),
        ];
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
        const pid = (await lines.read()).value ?? "";
        assert(/^[0-9]+$/.test(pid), pid);
        const tried = await jail(
          policyOf(other, net),
          ["/usr/bin/python3", "-c", TRIER, ...words, pid, one.path],
          { cwd: other.path, engine },
        );
        assertEquals(tried.stderr, "");
        assertEquals(
          tried.stdout,
          `${Object.keys(TRIES).length} []\n`,
        );
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
