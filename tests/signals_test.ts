/** Nobody outside is signalled, stopped or hung up on, and no crash reaches anybody. */

import { assertEquals } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import { hostArch } from "../src/sys/host.ts";
import type { Engine } from "../src/trace/options.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
} from "./harness.ts";
import { hasMachine, hasMounts, needs } from "./needs.ts";
import { Terminal } from "./terminal.ts";

/** Hands over a descriptor of a process, and its directory, and says if it lives then. */
const HANDS_OVER = `import os, subprocess, sys
with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
  fds = [os.pidfd_open(other.pid), os.open(f"/proc/{other.pid}", os.O_RDONLY)]
  at = sys.argv.index("--")
  keep = [f"--keep-fd={fd}" for fd in fds]
  subprocess.call(sys.argv[1:at] + keep + sys.argv[at:] + [str(fd) for fd in fds], pass_fds=fds)
  print("lives" if other.poll() is None else "gone")`;

/** Runs code in a jail whose arguments are both descriptors of a process outside. */
function besideOther(inside: string, engine: Engine): Promise<Ended> {
  const argv = jailArgv(
    ["-p", "python", "--no-landlock"],
    ["/usr/bin/python3", "-c", inside],
    engine,
  );
  return run(["/usr/bin/python3", "-c", HANDS_OVER, ...argv]);
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) signals nobody outside by a descriptor that it is handed`,
    ),
    async fn(): Promise<void> {
      const inside = `import os, signal, sys, threading
def send(fd):
  try: signal.pidfd_send_signal(fd, signal.SIGKILL); return "sent"
  except OSError as error: return error.strerror
def own():
  child = os.fork()
  if child == 0: signal.pause()
  fd = os.pidfd_open(child)
  sent = send(fd)
  os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
  again = send(fd)
  os.waitpid(child, 0)
  return sent, again, send(fd)
def all(): print(*map(send, map(int, sys.argv[1:])), *own(), send(0), send(99), sep=", ")
all()
thread = threading.Thread(target=all)
thread.start()
thread.join()`;
      const { stdout, stderr } = await besideOther(inside, engine);
      const [none, bad] = ["No such process", "Bad file descriptor"];
      const line = [none, none, "sent", "sent", none, bad, bad].join(", ");
      assertEquals(stdout, `${line}\n${line}\nlives\n`, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) signals nobody outside by a descriptor by which there are many locks`,
    ),
    async fn(): Promise<void> {
      const inside = `import fcntl, os, signal, sys
def send(fd):
  for i in range(200): fcntl.lockf(fd, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 2 * i)
  try: signal.pidfd_send_signal(fd, signal.SIGKILL); return "sent"
  except OSError as error: return error.strerror
print(send(int(sys.argv[1])))`;
      const { stdout, stderr } = await besideOther(inside, engine);
      assertEquals(stdout, "No such process\nlives\n", stderr);
    },
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) signals nobody outside by a directory of /proc that is mounted elsewhere`,
    ),
    async fn(): Promise<void> {
      const inside = `import os, signal, sys
def send(fd):
  try: signal.pidfd_send_signal(fd, signal.SIGKILL); return "sent"
  except OSError as error: return error.strerror
child = os.fork()
if child == 0: signal.pause()
own = os.open(f"/proc/{child}", os.O_RDONLY)
said = send(int(sys.argv[1])), send(own)
os.waitpid(child, 0)
print(*said, send(own), send(os.open("/usr", os.O_RDONLY)), sep=", ")`;
      const outside = `import os, subprocess, sys
with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
  subprocess.check_call(["mount", "--bind", f"/proc/{other.pid}", "/mnt"])
  fd = os.open("/mnt", os.O_RDONLY)
  at = sys.argv.index("--")
  subprocess.call(sys.argv[1:at] + [f"--keep-fd={fd}"] + sys.argv[at:] + [str(fd)], pass_fds=[fd])
  print("lives" if other.poll() is None else "gone")`;
      const argv = jailArgv(
        ["-A", "--no-landlock"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const python = ["/usr/bin/python3", "-c", outside];
      const { stdout, stderr } = await run([
        ...["unshare", "-m", ...python, ...argv],
      ]);
      const none = "No such process";
      const line = [none, "sent", none, "Bad file descriptor"].join(", ");
      assertEquals(stdout, `${line}\nlives\n`, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) signals nobody outside whose first thread has left`,
    ),
    async fn(): Promise<void> {
      const leaves = `import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).syscall(${SYSCALLS.exit[hostArch().name]}, 0)`;
      const inside = `import signal, sys
for fd in sys.argv[1:]:
  try: print(signal.pidfd_send_signal(int(fd), signal.SIGKILL))
  except OSError as error: print(error.strerror)`;
      const outside = `import os, subprocess, sys
with subprocess.Popen(["/usr/bin/python3", "-c", ${
        JSON.stringify(leaves)
      }], stdin=subprocess.PIPE) as other:
  while ") Z " not in open(f"/proc/{other.pid}/stat").read(): pass
  fds = [os.pidfd_open(other.pid), os.open(f"/proc/{other.pid}", os.O_RDONLY)]
  at = sys.argv.index("--")
  keep = [f"--keep-fd={fd}" for fd in fds]
  subprocess.call(sys.argv[1:at] + keep + sys.argv[at:] + [str(fd) for fd in fds], pass_fds=fds)
  other.communicate()
  print("ended by", other.returncode)`;
      const argv = jailArgv(
        ["-p", "python", "--no-landlock"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const start = ["/usr/bin/python3", "-c", outside, ...argv];
      const { stdout, stderr } = await run(start);
      const none = "No such process\n";
      assertEquals(stdout, `${none}${none}ended by 0\n`, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) signals nobody outside by a descriptor that takes the place of another`,
    ),
    async fn(): Promise<void> {
      const inside = `import ctypes, os, signal, sys, threading
libc, fd, tries, others = ctypes.CDLL(None), int(sys.argv[1]), 1500, []
nothing = os.open("/dev/null", os.O_RDONLY)
def replace():
  while not others:
    for one in nothing, fd: libc.dup2(one, 50)
thread = threading.Thread(target=replace)
thread.start()
number = ${SYSCALLS.pidfd_send_signal[hostArch().name]}
sent = [libc.syscall(number, 50, signal.SIGUSR1, None, 0) for _ in range(tries)]
others.append(None)
thread.join()
print(sent.count(0))`;
      const outside = `import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
fd = os.pidfd_open(os.getpid())
at = sys.argv.index("--")
subprocess.call(sys.argv[1:at] + [f"--keep-fd={fd}"] + sys.argv[at:] + [str(fd)], pass_fds=[fd])
print(signal.SIGUSR1 in signal.sigpending())`;
      const argv = jailArgv(
        ["-p", "python", "--no-landlock"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const start = ["/usr/bin/python3", "-c", outside, ...argv];
      const { stdout, stderr } = await run(start);
      assertEquals(stdout, "0\nFalse\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a group outside put in front of the terminal, or joined`,
    ),
    async fn(): Promise<void> {
      // As a shell that has another job beside the jail.
      const outside = `import os, signal, sys
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def job(argv):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os.execvp(argv[0], argv)
    return pid
other = job(["sleep", "60"])
while os.getpgid(other) != other: pass
pid = job(sys.argv[1:] + [str(other)])
while os.getpgid(pid) != pid: pass
os.tcsetpgrp(0, pid)
os.waitpid(pid, 0)
os.kill(other, signal.SIGKILL)`;
      const inside = `import errno, os, signal, sys, threading
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def attempt(call):
    try: call(); print("done")
    except OSError as e: print(errno.errorcode[e.errno])
other, own = int(sys.argv[1]), os.getpgrp()
def attempts():
    attempt(lambda: os.tcsetpgrp(0, other))
    attempt(lambda: os.tcsetpgrp(0, 4194303))
    attempt(lambda: os.tcsetpgrp(0, own))
    child = os.fork()
    if child == 0:
        attempt(lambda: os.setpgid(0, other))
        sys.stdout.flush()
        os._exit(0)
    os.setpgid(child, child)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    attempt(lambda: os.tcsetpgrp(0, child)) # a job that has ended
    os.tcsetpgrp(0, own)
    os.waitpid(child, 0)
attempts()
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
attempts()
sys.stdout.flush()
os._exit(0)`;
      const { stdout } = await run([
        fixture("in_terminal"),
        "/usr/bin/python3",
        "-c",
        outside,
        ...jailArgv(
          ["-A"],
          ["/usr/bin/python3", "-W", "ignore", "-c", inside],
          engine,
        ),
      ]);
      const answers = ["ESRCH", "ESRCH", "done", "EPERM", "done"];
      assertEquals(stdout.match(/ESRCH|EPERM|done/g), [...answers, ...answers]);
    },
  });

  Deno.test(`jail (${engine}) lets nobody choose which signal somebody outside gets of a terminal`, async () => {
    // As an editor that hears of keys by SIGIO, beside a job at the same terminal.
    const outside = `import fcntl, os, pty, signal, subprocess, sys
both = {signal.SIGIO, signal.SIGUSR1}
signal.pthread_sigmask(signal.SIG_BLOCK, both)
ours, theirs = pty.openpty()
fcntl.fcntl(theirs, fcntl.F_SETOWN, os.getpid())
fcntl.fcntl(theirs, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC)
subprocess.run(sys.argv[1:], stdin=theirs, check=True)
os.write(ours, b"key\\n")
print(signal.sigwait(both).name)`;
    const inside = `import fcntl, signal
try: fcntl.fcntl(0, fcntl.F_SETSIG, signal.SIGUSR1)
except PermissionError: pass`;
    const python = ["/usr/bin/python3", "-c"];
    const argv = jailArgv(["-A"], [...python, inside], engine);
    const { stdout } = await run([...python, outside, ...argv]);
    assertEquals(stdout, "SIGIO\n");
  });

  Deno.test(`jail (${engine}) sends no SIGIO to who is in front of the terminal that it opens by /dev/tty`, async () => {
    // What has no owner yet gets the group in front, and somebody outside is in it.
    const outside = `import signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
subprocess.run(sys.argv[1:], check=True)
print("heard", signal.sigtimedwait({signal.SIGIO}, 0))`;
    const inside = `import fcntl, os
terminal = os.open("/dev/tty", os.O_RDWR)
try: fcntl.fcntl(terminal, fcntl.F_SETFL, os.O_RDWR | os.O_ASYNC)
except PermissionError: pass
print("ready", flush=True)
os.read(terminal, 4)`;
    const python = ["/usr/bin/python3", "-c"];
    // Landlock would keep it from there, too.
    const flags = ["-A", "--no-landlock"];
    const argv = jailArgv(flags, [...python, inside], engine);
    await using terminal = new Terminal([...python, outside, ...argv]);
    await terminal.see(/ready/);
    await terminal.type("key\n");
    const [, heard] = await terminal.see(/heard (.*)\r\n/);
    assertEquals(heard, "None");
  });

  Deno.test(`jail (${engine}) sends no SIGIO to somebody outside who owns a pipe or a socket`, async () => {
    // Of what it was started with, and of what it gets later.
    const outside = `import array, fcntl, os, signal, socket, subprocess, sys
def owned(fd):
  fcntl.fcntl(fd, fcntl.F_SETOWN, os.getpid())
  return fd
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
r, w = os.pipe()
ours, theirs = socket.socketpair()
other, sent = os.pipe()
mine, given = socket.socketpair()
ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [owned(other), owned(given.fileno())]))])
at = sys.argv.index("--")
inside = sys.argv[1:at] + [f"--keep-fd={owned(theirs.fileno())}"] + sys.argv[at:]
with subprocess.Popen(inside + [str(theirs.fileno())], stdin=owned(r), stdout=subprocess.PIPE, pass_fds=[theirs.fileno()]) as jail:
  print(jail.stdout.readline().decode().strip())
  os.write(w, b"x")
  os.write(sent, b"x")
  mine.send(b"x")
  ours.send(b"x")
  print(signal.sigtimedwait({signal.SIGIO}, 0))`;
    const inside = `import fcntl, os, socket, sys
with socket.socket(fileno=int(sys.argv[1])) as given:
  _, fds, _, _ = socket.recv_fds(given, 1, 2)
  denied = 0
  for fd in [0, given.fileno(), *fds]:
    try: fcntl.fcntl(fd, fcntl.F_SETFL, os.O_ASYNC)
    except PermissionError: denied += 1
  print(len(fds), denied, flush=True)
  given.recv(1)`;
    const python = ["/usr/bin/python3", "-c"];
    const argv = jailArgv(["-A"], [...python, inside], engine);
    const { stdout, stderr } = await run([...python, outside, ...argv]);
    assertEquals(stdout, "2 4\nNone\n", stderr);
  });

  Deno.test(`jail (${engine}) has nobody hang up on the group that it was started in`, async () => {
    const orphan = fixture("orphan_group");
    for (
      const way of [["leave", "3"], ["join", "3"], ["adopt", "3"], [
        "race",
        "100",
      ]]
    ) {
      const argv = jailArgv(["-A"], [orphan, ...way], engine);
      const ended = await run([orphan, "stay", ...argv]);
      assertEquals([way, ended.stdout, ended.code], [way, "0\n", 0]);
    }
    // Where nobody stays behind, a group can be left, and joined again.
    const script = `import os
own = os.getpgid(0)
os.setpgid(0, 0)
os.setpgid(0, own)
child = os.fork()
if child == 0:
    os.setpgid(0, 0)
    os._exit(os.getpgid(0) != os.getpid())
print(os.waitpid(child, 0)[1])`;
    const python = ["/usr/bin/python3", "-c", script];
    const { stdout } = await jail(["-A"], python, { engine });
    assertEquals(stdout, "0\n");
    // Nor does it matter who does where nobody else is in the group.
    const argv = jailArgv(["-A"], ["sh", "-c", 'sleep 9 & exec "$@"', "sh"]);
    const alone = ["setsid", "-w", ...argv, ...python];
    assertEquals((await run(alone)).stdout, "0\n");
  });

  Deno.test({
    ...hasMounts(
      `jail (${engine}) takes no group for its own alone where /proc hides processes`,
    ),
    async fn(): Promise<void> {
      const hide = 'mount -t proc -o hidepid=2 proc /proc; exec setsid -w "$@"';
      const leave = `import errno, os
try: os.setpgid(0, 0)
except OSError as e: print(errno.errorcode[e.errno])`;
      const python = ["/usr/bin/python3", "-c", leave];
      const argv = ["sh", "-c", 'sleep 9 & exec "$@"', "sh", ...python];
      const { stdout } = await run([
        ...["unshare", "-m", "sh", "-c", hide, "sh"],
        ...jailArgv(["-A"], argv, engine),
      ]);
      assertEquals(stdout, "EPERM\n");
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) signals nobody whom a program may not signal itself`,
    ),
    async fn(): Promise<void> {
      const code = `import os, signal, time
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
for user in 65534, 0:
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.setresuid(user, user, user)
        for whom in -1, 0:
            for number in signal.SIGUSR1, signal.SIGCONT:
                try: os.kill(whom, number); print(user, whom, "sent", flush=True)
                except OSError as error: print(user, whom, type(error).__name__, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    time.sleep(0.1)
    print(len(came) > 0)`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      const sent = (user: number): string =>
        `${user} -1 sent\n${user} 0 sent\n${user} 0 sent\n`;
      assertEquals(
        [stdout, stderr],
        [
          `65534 -1 PermissionError\n${sent(65534)}False\n` +
          `0 -1 sent\n${sent(0)}True\n`,
          "",
        ],
      );
    },
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) signals nobody for a program whose name looks like a status with more rights`,
    ),
    async fn(): Promise<void> {
      const code = `import ctypes, os, signal
PR_SET_NAME = 15
came = []
signal.signal(signal.SIGUSR1, lambda *_: came.append(1))
for name in b"\\rUid:\\t0\\t0\\t0", b"\\rCapEff:20":
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.setresuid(65534, 65534, 65534)
        ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
        try: os.kill(-1, signal.SIGUSR1); print("sent", flush=True)
        except PermissionError: print("refused", flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(len(came))`;
      const { stdout, stderr } = await jail(
        ["-A"],
        ["/usr/bin/python3", "-c", code],
        { engine },
      );
      assertEquals([stdout, stderr], ["refused\n0\nrefused\n0\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a core that is piped to a program outside`,
    ),
    async fn(): Promise<void> {
      // What the kernel takes to mean no core at all; 0 is for files alone.
      const code = `import resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
print(resource.getrlimit(resource.RLIMIT_CORE))`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
      });
      assertEquals(stdout, "(1, 1)\n");
    },
  });

  Deno.test(`jail (${engine}) says what the limit for cores is to whoever sets it`, async () => {
    // Of itself, of a child, and of a thread beside it.
    const code = `import os, resource, threading
core = resource.RLIMIT_CORE
def set(pid): print(resource.prlimit(pid, core, (0, 0)), resource.prlimit(pid, core))
child = os.fork()
if child == 0:
    os.read(0, 1)
    os._exit(0)
for pid in 0, os.getpid(), child: set(pid)
thread = threading.Thread(target=set, args=(0,))
thread.start()
thread.join()`;
    const argv = ["/usr/bin/python3", "-c", code];
    const { stdout, stderr } = await jail(["-A"], argv, { engine });
    assertEquals(stdout, "(1, 1) (1, 1)\n".repeat(4), stderr);
  });
}
