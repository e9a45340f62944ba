/** A call that waits in the kernel keeps nobody else in the jail waiting. */

import { assertEquals } from "@std/assert";
import { ENGINES, fixture, jail } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { FILTER } from "./python.ts";

/**
 * Python that waits by epoll_wait(2), epoll_pwait2(2) and rt_sigtimedwait(2), while a
 * child sends signals for five seconds as soon as it sleeps: those that are ignored, for
 * a third of a second; and for ten with one among them that is handled, and with a stop
 * among them. It prints what came of each, and that its child has not ended by then.
 */
const WAIT_IN_TIME = `import ctypes, os, select, signal, time
libc = ctypes.CDLL(None, use_errno=True)
poll = select.epoll()
event = ctypes.create_string_buffer(64)
signals = ctypes.c_uint64(1 << signal.SIGUSR1 - 1)
signal.signal(signal.SIGUSR2, lambda *_: None)
def calls(ms):
  time = (ctypes.c_long * 2)(ms // 1000, ms % 1000 * 1000000)
  return [(232, poll.fileno(), event, 1, ms), (441, poll.fileno(), event, 1, time, None, 0),
    (128, ctypes.byref(signals), None, time, 8)]
def sleeps(pid):
  with open(f"/proc/{pid}/stat") as stat: return stat.read().rsplit(")")[1].split()[0] == "S"
def send(pid, among):
  for i in range(50):
    time.sleep(.05)
    try:
      for one in among if i == 2 else [signal.SIGURG]:
        while one in among[:1] and not sleeps(pid): pass
        os.kill(pid, one)
        time.sleep(.05)
    except OSError: break
    if os.getppid() != pid: break
  os._exit(0)
for among, ms in ([signal.SIGWINCH], 333), ([signal.SIGUSR2], 10000), ([signal.SIGSTOP, signal.SIGCONT], 10000):
  for call in calls(ms):
    pid = os.getpid()
    child = os.fork()
    if child == 0: send(pid, among)
    result = libc.syscall(*call), ctypes.get_errno()
    print(*result, os.waitpid(child, os.WNOHANG)[0])
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)`;

/**
 * Python that writes to a pipe, and sends, more than there is room for, and receives all
 * of what comes in two parts, while a child sends it a signal that is ignored, or has
 * everybody stopped by connecting a socket elsewhere. It prints how much each call has
 * done, and whether that is what came.
 */
const WHOLE = `import array, fcntl, os, signal, socket, termios
sent = bytes(range(251)) * 1000
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def disturb(pid, how):
  if how == "signal": os.kill(pid, signal.SIGWINCH)
  else:
    for port in 9, 10: other.connect(("127.0.0.1", port))
def held(fd, what):
  number = array.array("i", [0])
  fcntl.ioctl(fd, what, number)
  return number[0]
def beside(work, how, end):
  pid = os.getpid()
  if os.fork() == 0:
    os.close(end)
    for _ in work(): disturb(pid, how)
    os._exit(0)
def takes(fd, copy):
  def work():
    last, got = -1, b""
    while (now := held(fd, termios.FIONREAD)) == 0 or now != last: last = now
    yield
    while some := os.read(fd, 4096):
      got += some
      if len(got) < 40000: yield
    os.write(copy, b"same" if got == sent else b"other")
  return work
def gives(fd):
  def work():
    for at in range(0, 50, 10):
      os.write(fd, sent[at:at + 10])
      while held(fd, termios.TIOCOUTQ) > 0: pass
      yield
  return work
for how in "signal", "socket":
  told, tell = os.pipe()
  source, drain = os.pipe()
  beside(takes(source, tell), how, drain)
  print(os.write(drain, sent))
  os.close(drain)
  print(os.read(told, 9))
  one, two = socket.socketpair()
  one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
  beside(takes(two.fileno(), tell), how, one.fileno())
  print(one.send(sent))
  one.shutdown(socket.SHUT_WR)
  print(os.read(told, 9))
  beside(gives(two.fileno()), how, one.fileno())
  print(one.recv(50, socket.MSG_WAITALL) == sent[:50])`;

/**
 * Python that writes much to a pipe while a signal that it ignores comes all the time.
 * It prints whether that is what came.
 */
const WRITE_DISTURBED = `import os, signal
sent = bytes(range(251)) * 1000
source, drain = os.pipe()
if os.fork() == 0:
  signal.signal(signal.SIGALRM, signal.SIG_IGN)
  signal.setitimer(signal.ITIMER_REAL, .0001, .0001)
  for _ in range(40):
    done = os.write(drain, sent)
    if done != len(sent): print(done, flush=True)
  os._exit(0)
os.close(drain)
with open(source, "rb") as all: print(all.read() == sent * 40)`;

/**
 * Python that does the same with datagrams for which there is more room, with what it
 * only looks at of a stream, and with a file that may not become as large. It prints how
 * much was received at once, whether that has come, and how it ended.
 */
const PART_DISTURBED = `import os, resource, signal, socket
signal.signal(signal.SIGALRM, signal.SIG_IGN)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
one, two = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
one.bind(("127.0.0.1", 0))
child = os.fork()
if child == 0:
  for _ in range(2000): two.sendto(b"12345", one.getsockname())
  while True: two.sendto(b"end", one.getsockname())
signal.setitimer(signal.ITIMER_REAL, .0001, .0001)
sizes, got = set(), b""
while not got.endswith(b"end"):
  got = one.recv(100, socket.MSG_WAITALL)
  sizes.add(len(got))
print(sorted(sizes))
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
with socket.create_server(("127.0.0.1", 0)) as server:
  one = socket.create_connection(server.getsockname())
  two = server.accept()[0]
two.send(b"abcde")
if os.fork() == 0:
  for _ in range(500): os.stat("/")
  two.send(b"fghij")
  os._exit(0)
print(b"abcdefghij".startswith(one.recv(10, socket.MSG_WAITALL | socket.MSG_PEEK)))
os.wait()
child = os.fork()
if child == 0:
  resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
  signal.setitimer(signal.ITIMER_REAL, .0001, .0001)
  file = os.open("file", os.O_RDWR | os.O_CREAT)
  for _ in range(300):
    os.lseek(file, 0, 0)
    if os.write(file, b"x" * 200000) != 100000: print("other", flush=True)
  os._exit(0)
print(os.waitpid(child, 0)[1])`;

/**
 * Python that reads from a socket with a timeout of a fifth of a second, while a child
 * sends signals that are ignored for two; and once more while a thread has all others
 * stopped. It prints what came of both, and that its child has not ended by then.
 */
const READ_IN_TIME = `import ctypes, os, signal, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
one, other = socket.socketpair()
one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 200000))
bytes = ctypes.create_string_buffer(9)
def reads(): print(libc.read(one.fileno(), bytes, 9), ctypes.get_errno(), flush=True)
pid = os.getpid()
child = os.fork()
while child == 0:
  for _ in range(40):
    time.sleep(.05)
    os.kill(pid, signal.SIGWINCH)
  os._exit(0)
reads()
print(os.waitpid(child, os.WNOHANG)[0])
os.kill(child, signal.SIGKILL)
thread = threading.Thread(target=reads)
thread.start()
file = os.open("file", os.O_CREAT | os.O_RDWR)
while thread.is_alive():
  os.fchmod(file, 0o600)
  time.sleep(.02)`;

/**
 * Python that connects to a socket whose queue is full, with a timeout of a third of a
 * second, while a thread has all others stopped for five at most. It prints what came
 * of that.
 */
const CONNECT_IN_TIME = `import ctypes, os, socket, struct, threading, time
libc = ctypes.CDLL(None, use_errno=True)
server, first, one = [socket.socket(socket.AF_UNIX) for _ in range(3)]
server.bind("socket")
server.listen(0)
first.connect("socket")
one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 333333))
address = struct.pack("H", socket.AF_UNIX) + b"socket\\0"
def connects():
  result = libc.connect(one.fileno(), address, len(address))
  os.write(1, b"%d %d\\n" % (result, ctypes.get_errno()))
thread = threading.Thread(target=connects, daemon=True)
thread.start()
file = os.open("file", os.O_CREAT | os.O_RDWR)
os.unlink("file")
end = time.monotonic() + 5
while thread.is_alive() and time.monotonic() < end:
  os.fchmod(file, 0o600)
  time.sleep(.02)
os._exit(0)`;

/**
 * Waits for the processor time of a child, which is over, while another child
 * works.
 */
const WAITS_FOR_ENDED = `import ctypes, errno, os
ended = os.fork()
if ended == 0: os._exit(0)
os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
begun, begin = os.pipe()
worker = os.fork()
if worker == 0:
  os.read(begun, 1)
  for _ in range(3): os.system("true")
  os._exit(3)
os.write(begin, b".")
code = ctypes.CDLL(None).clock_nanosleep(~ended << 3 | 2, 0, bytes([1] + [0] * 15), None)
print(errno.errorcode[code], os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))`;

/**
 * Python that waits by epoll_wait(2), epoll_pwait2(2) and rt_sigtimedwait(2), and writes
 * more to a pipe than there is room for, a thread each, while it gets SIGCONT though it
 * runs. It prints what each call has returned.
 */
const CONTINUED = `import ctypes, os, select, signal, threading, time
libc = ctypes.CDLL(None, use_errno=True)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
poll = select.epoll()
go, told = os.pipe()
poll.register(go, select.EPOLLIN)
taken, given = os.pipe()
event = ctypes.create_string_buffer(64)
signals = ctypes.c_uint64(1 << signal.SIGUSR1 - 1)
def wait(*call):
  result = libc.syscall(*call)
  os.write(1, b"%d\\n" % (result if result >= 0 else -ctypes.get_errno()))
calls = [(232, poll.fileno(), event, 1, -1), (441, poll.fileno(), event, 1, None, None, 0),
  (128, ctypes.byref(signals), None, None, 8), (1, given, bytes(200000), 200000)]
threads = [threading.Thread(target=wait, args=call) for call in calls]
for thread in threads: thread.start()
def state(thread): return open(f"/proc/self/task/{thread.native_id}/stat").read().split()[2]
while any(state(thread) != "S" for thread in threads): time.sleep(.01)
for _ in range(5):
  os.kill(os.getpid(), signal.SIGCONT)
  time.sleep(.02)
left = 200000
while left > 0: left -= len(os.read(taken, left))
os.write(told, b".")
signal.pthread_kill(threads[2].ident, signal.SIGUSR1)
for thread in threads: thread.join()`;

/**
 * Python with two threads that wait by epoll_wait(2), while its child stops it once, and
 * then sends it SIGCONT though it runs. It prints what each call has returned.
 */
const STOPPED_ONCE = `import ctypes, os, select, signal, threading, time
libc = ctypes.CDLL(None, use_errno=True)
poll = select.epoll()
go, told = os.pipe()
poll.register(go, select.EPOLLIN)
def wait():
  event = ctypes.create_string_buffer(64)
  for _ in "ab":
    result = libc.epoll_wait(poll.fileno(), event, 1, -1)
    os.write(1, b"%d\\n" % (result if result >= 0 else -ctypes.get_errno()))
threads = [threading.Thread(target=wait) for _ in "ab"]
for thread in threads: thread.start()
def wait_for(state, pid):
  for thread in threads:
    path = f"/proc/{pid}/task/{thread.native_id}/stat"
    while open(path).read().split()[2] not in state: time.sleep(.01)
pid = os.getpid()
if os.fork() == 0:
  wait_for("S", pid)
  for number, state in ((signal.SIGSTOP, "Tt"), (signal.SIGCONT, "S")):
    os.kill(pid, number)
    wait_for(state, pid)
  time.sleep(.1)
  for _ in range(3):
    os.kill(pid, signal.SIGCONT)
    time.sleep(.02)
  os.write(told, b".")
  os._exit(0)
for thread in threads: thread.join()
os.wait()`;

/**
 * Python with four threads that wait by rt_sigtimedwait(2), while signals come to the
 * process that it ignores, and with one that connects a socket over and over, while the
 * first writes to pipes that are never waited for. It prints which errors there were,
 * but for an end of the time and an interruption, and what each write has done.
 */
const INTERRUPTED = `import ctypes, os, signal, socket, threading, time
libc = ctypes.CDLL(None, use_errno=True)
signals = ctypes.c_uint64(1 << signal.SIGUSR1 - 1)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
errors, over, much = set(), [], bytes(100000)
def wait():
  while len(over) < 1:
    libc.syscall(128, ctypes.byref(signals), None, (ctypes.c_long * 2)(0, 5000000), 8)
    errors.add(ctypes.get_errno())
def connect():
  other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  while len(over) < 2:
    for port in 9, 10: other.connect(("127.0.0.1", port))
def lasts(seconds):
  end = time.monotonic() + seconds
  while time.monotonic() < end: yield
  over.append(1)
for _ in range(4): threading.Thread(target=wait).start()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGURG})
for _ in lasts(2):
  os.kill(os.getpid(), signal.SIGURG)
  time.sleep(.0003)
print(errors - {4, 11})
threading.Thread(target=connect).start()
written = set()
for _ in lasts(2):
  taken, given = os.pipe2(os.O_NONBLOCK)
  written.add((libc.write(given, much, len(much)), len(os.read(taken, len(much)))))
  os.close(taken)
  os.close(given)
print(written)`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on where a program would wait for the time of a child that has ended`,
    ),
    async fn(): Promise<void> {
      const { stdout, stderr } = await jail(
        ["-A", "--report", "--timeout=9s"],
        ["python3", "-c", WAITS_FOR_ENDED],
        { engine },
      );
      assertEquals([stdout, stderr], ["EINVAL 3\n", ""]);
    },
  });

  for (const kind of ["STREAM", "DGRAM"]) {
    const call = kind === "STREAM" ? "connect" : "sendto";
    for (const timeout of [0, 30]) {
      const how = timeout === 0 ? "" : ", with a timeout";
      Deno.test({
        ...needs(
          ["python3"],
          `jail (${engine}) goes on with a rename while a call waits for who makes it (${call}${how})`,
        ),
        async fn(): Promise<void> {
          await using directory = await scratch();
          const code = `import os, socket, struct
open("a", "w").close()
server = socket.socket(socket.AF_UNIX, socket.SOCK_${kind})
server.bind("socket")
if ${kind === "STREAM" ? "True" : "False"}: server.listen(0)
ready, told = os.pipe()
clients = 4
for _ in range(clients):
  if os.fork() == 0:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_${kind})
    if ${timeout}: client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("qq", ${timeout}, 0))
    os.write(told, b".")
    try:
      if ${kind === "STREAM" ? "True" : "False"}: client.connect("socket")
      else:
        for _ in range(1000): client.sendto(b"x", "socket")
    except OSError as e: os.write(1, str(e).encode() + b"\\n")
    os._exit(0)
while clients: clients -= len(os.read(ready, clients))
for _ in range(20):
  os.rename("a", "b")
  os.rename("b", "a")
if ${kind === "STREAM" ? "True" : "False"}:
  for _ in range(4): server.accept()
else:
  for _ in range(4000): server.recv(1)
for _ in range(4): os.wait()
print("all")`;
          const { stdout } = await jail(["-A"], ["python3", "-c", code], {
            engine,
            cwd: directory.path,
          });
          assertEquals(stdout, "all\n");
        },
      });
    }
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets threads wait while another changes files by their descriptors`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // epoll_wait(2), epoll_pwait2(2) and rt_sigtimedwait(2) by their numbers.
      const code = `import ctypes, os, select, signal, threading, time
libc = ctypes.CDLL(None, use_errno=True)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
poll = select.epoll()
go, told = os.pipe()
poll.register(go, select.EPOLLIN)
event = ctypes.create_string_buffer(64)
signals = ctypes.c_uint64(1 << signal.SIGUSR1 - 1)
def wait(*call):
  result = libc.syscall(*call)
  os.write(1, b"%d\\n" % (result if result >= 0 else -ctypes.get_errno()))
calls = [(232, poll.fileno(), event, 1, -1), (441, poll.fileno(), event, 1, None, None, 0),
  (128, ctypes.byref(signals), None, None, 8), (232, poll.fileno(), event, 1, 60000)]
threads = [threading.Thread(target=wait, args=call) for call in calls]
for thread in threads: thread.start()
def state(thread): return open(f"/proc/self/task/{thread.native_id}/stat").read().split()[2]
while any(state(thread) != "S" for thread in threads): time.sleep(.01)
file = os.open("file", os.O_CREAT | os.O_RDWR)
for _ in range(50): os.fchmod(file, 0o600)
os.write(told, b".")
signal.pthread_kill(threads[2].ident, signal.SIGUSR1)
for thread in threads: thread.join()`;
      const ended = await jail(["-A"], ["python3", "-u", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(
        [ended.stdout.trimEnd().split("\n").sort(), ended.stderr],
        [["1", "1", "1", "10"], ""],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a wait end in time while signals come that the program ignores`,
    ),
    async fn(): Promise<void> {
      const argv = ["python3", "-c", WAIT_IN_TIME];
      const ended = await jail(["-A"], argv, { engine });
      const interrupted = Array(6).fill("-1 4 0");
      assertEquals(
        [ended.stdout.trimEnd().split("\n"), ended.stderr],
        [["0 0 0", "0 0 0", "-1 11 0", ...interrupted], ""],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a read end in time by a socket with a timeout, whatever interrupts it that the program does not see`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const ended = await jail(["-A"], ["python3", "-c", READ_IN_TIME], {
        engine,
        cwd: directory.path,
      });
      assertEquals([ended.stdout, ended.stderr], ["-1 11\n0\n-1 11\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a connect end in time by a socket with a timeout, while another thread changes a file by its descriptor`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const ended = await jail(["-A"], ["python3", "-c", CONNECT_IN_TIME], {
        engine,
        cwd: directory.path,
      });
      assertEquals([ended.stdout, ended.stderr], ["-1 11\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) writes, sends and receives all of it where no handler interrupts the program`,
    ),
    async fn(): Promise<void> {
      const policy = "extends: base\nnet: {connect: [127.0.0.1]}\n";
      const { stdout, stderr } = await jail(
        policy,
        ["/usr/bin/python3", "-c", WHOLE],
        { engine },
      );
      const line = "251000\nb'same'\n";
      assertEquals(stdout, `${line}${line}True\n`.repeat(2), stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) writes all of it once while a signal that is ignored comes all the time`,
    ),
    async fn(): Promise<void> {
      const argv = ["python3", "-c", WRITE_DISTURBED];
      const ended = await jail(["-A"], argv, { engine });
      assertEquals([ended.stdout, ended.stderr], ["True\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) adds nothing to a datagram, to what is only looked at, and to a file that may not become larger`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const ended = await jail(["-A"], ["python3", "-c", PART_DISTURBED], {
        engine,
        cwd: directory.path,
      });
      assertEquals([ended.stdout, ended.stderr], ["[3, 5]\nTrue\n0\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets threads wait and write on where SIGCONT comes to a process that runs`,
    ),
    async fn(): Promise<void> {
      const argv = ["python3", "-c", CONTINUED];
      const ended = await jail(["-A"], argv, { engine });
      assertEquals(
        [ended.stdout.trimEnd().split("\n").sort(), ended.stderr],
        [["1", "1", "10", "200000"], ""],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets threads wait on where SIGCONT comes to a process that was stopped once`,
    ),
    async fn(): Promise<void> {
      const argv = ["python3", "-W", "ignore", "-c", STOPPED_ONCE];
      const ended = await jail(["-A"], argv, { engine });
      assertEquals(
        [ended.stdout.trimEnd().split("\n").sort(), ended.stderr],
        [["-4", "-4", "1", "1"], ""],
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) shows no program that the kernel was to make a call again`,
    ),
    async fn(): Promise<void> {
      const policy = "extends: base\nnet: {connect: [127.0.0.1]}\n";
      const argv = ["/usr/bin/python3", "-c", INTERRUPTED];
      const ended = await jail(policy, argv, { engine });
      assertEquals(
        [ended.stdout, ended.stderr],
        ["set()\n{(65536, 65536)}\n", ""],
      );
    },
  });

  Deno.test(`jail (${engine}) looks at what a handler does that is set as a wait begins again`, async () => {
    await using directory = await scratch();
    const file = await directory.file("file", "closed");
    const flags = ["-A", `--deny-read=${file}`, `--deny-write=${file}`];
    const argv = [fixture("handle_late"), "2", file];
    const ended = await jail(flags, argv, { engine });
    assertEquals([ended.stdout, ended.stderr], ["handled, 0 opened\n", ""]);
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on with calls by a descriptor, and behind them, while an open by one waits`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import os, threading, time
os.mkfifo("pipe")
os.link("pipe", "name")
pipe = os.open("pipe", os.O_PATH)
os.unlink("pipe")
file = os.open("file", os.O_CREAT | os.O_RDWR)
def beside_a_thread(work):
  if os.fork() != 0: return time.sleep(.3)
  threading.Thread(target=time.sleep, args=[60], daemon=True).start()
  work()
  os._exit(0)
def opens(): os.write(os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY), b"opened")
def changes():
  os.fchmod(file, 0o600)
  os.write(told, b"changed")
for _ in range(2): beside_a_thread(opens)
done, told = os.pipe()
for _ in range(2): beside_a_thread(changes)
os.chmod("file", 0o644)
for _ in range(2): print(os.read(done, 7).decode())
reader = os.open("name", os.O_RDONLY)
for _ in range(2): print(os.read(reader, 6).decode())
beside_a_thread(lambda: print(threading.Thread(target=opens).start() or
  os.read(os.open("name", os.O_RDONLY), 6).decode(), flush=True))
for _ in range(5): os.wait()`;
      const ended = await jail(
        ["-A", "--timeout=20s"],
        ["python3", "-c", code],
        {
          engine,
          cwd: directory.path,
        },
      );
      // The last one is opened by a thread, which another one waits for.
      const all = ["changed", "changed", "opened", "opened", "opened", ""];
      assertEquals([ended.stdout.split("\n"), ended.stderr], [all, ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on while an open by a descriptor waits, which a filter of the program's own has sent to a tracer`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // SECCOMP_RET_TRACE of openat(2).
      const code = `${FILTER}
import os, threading
os.mkfifo("pipe")
pipe = os.open("pipe", os.O_PATH)
os.unlink("pipe")
filter(257, 0x7ff00000)
def reads(): print(os.read(os.open(f"/proc/self/fd/{pipe}", os.O_RDONLY), 9).decode())
thread = threading.Thread(target=reads)
thread.start()
thread.join(.3)
os.write(os.open(f"/proc/self/fd/{pipe}", os.O_WRONLY), b"read")
thread.join()`;
      const ended = await jail(
        ["-A", "--timeout=20s"],
        ["python3", "-c", code],
        { engine, cwd: directory.path },
      );
      assertEquals([ended.stdout, ended.stderr], ["read\n", ""]);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on while three hundred opens of pipes wait in one process`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // Of a short path, and of a long one.
      const code = `import os, threading
threading.stack_size(1 << 16)
os.mkfifo("f")
long = "/".join(["d" * 100] * 3)
os.makedirs(long)
os.mkfifo(long + "/f")
def wait(path): os.close(os.open(path, os.O_RDONLY))
paths = ["f"] * 270 + [long + "/f"] * 30
threads = [threading.Thread(target=wait, args=[path]) for path in paths]
for t in threads: t.start()
os.stat(".")
os.mkdir("new")
os.rename("new", "old")
for path in ("f", long + "/f"): os.open(path, os.O_WRONLY)
for t in threads: t.join()
print("all")`;
      const { stdout } = await jail(["-A"], ["python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(stdout, "all\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has room for what threads change by descriptors, beside a hundred that do by paths`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import os, threading, time
threading.stack_size(1 << 16)
end = time.monotonic() + 3
failed = []
def modes(name):
  os.close(os.open(name, os.O_CREAT))
  while time.monotonic() < end and not failed: os.chmod(name, 0o600)
def times(name):
  fd = os.open(name, os.O_CREAT)
  # By no path: others that have its descriptor are stopped for each.
  os.unlink(name)
  try:
    while time.monotonic() < end and not failed: os.utime(fd)
  except OSError as error: failed.append(error)
threads = [threading.Thread(target=modes, args=[f"m{i}"]) for i in range(100)]
threads += [threading.Thread(target=times, args=[f"t{i}"]) for i in range(20)]
for t in threads: t.start()
for t in threads: t.join()
print(failed)`;
      const { stdout } = await jail(["-A"], ["/usr/bin/python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(stdout, "[]\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) goes on with a rename while a program with a filter of its own opens a pipe`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `${FILTER}
import os
os.mkfifo("f")
open("a", "w").close()
ready, told = os.pipe()
if os.fork() == 0:
  filter(0xffffffff)
  os.write(told, b".")
  os.write(1, os.read(os.open("f", os.O_RDONLY), 9))
  os._exit(0)
os.read(ready, 1)
for _ in range(20):
  os.rename("a", "b")
  os.rename("b", "a")
writer = os.open("f", os.O_WRONLY)
os.write(writer, b"read\\n")
os.wait()`;
      const { stdout } = await jail(["-A"], ["python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals(stdout, "read\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) interrupts no call that others see, while files are renamed`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const code = `import ctypes, os, select
libc = ctypes.CDLL(None, use_errno=True)
os.mkfifo("f")
open("a", "w").close()
def opens():
  fd = libc.open(b"f", os.O_RDONLY)
  return os.read(fd, 9) if fd >= 0 else os.strerror(ctypes.get_errno()).encode()
def waits():
  poll = select.epoll()
  events = ctypes.create_string_buffer(64)
  for _ in range(50):
    os.stat(".")
    if libc.epoll_wait(poll.fileno(), events, 1, 10) != 0:
      return os.strerror(ctypes.get_errno()).encode()
  return b"waited"
done, tell = os.pipe()
for work in [opens, waits, waits]:
  if os.fork() == 0:
    os.write(tell, work() + b"\\n")
    os._exit(0)
os.close(tell)
for _ in range(200):
  os.rename("a", "b")
  os.rename("b", "a")
writer = os.open("f", os.O_WRONLY)
os.write(writer, b"read")
with open(done, "rb") as all: print(b"".join(sorted(all)).decode(), end="")`;
      const { stdout, stderr } = await jail(["-A"], ["python3", "-c", code], {
        engine,
        cwd: directory.path,
      });
      assertEquals([stdout, stderr], ["read\nwaited\nwaited\n", ""]);
    },
  });
}
