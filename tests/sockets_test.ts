/** No socket tells, chooses or reaches what no rule names. */

import { assertEquals, assertMatch } from "@std/assert";
import { SYSCALLS } from "../src/abi/syscalls.ts";
import type { Engine } from "../src/trace/options.ts";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
  start,
} from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";
import { attempt } from "./python.ts";

/**
 * Runs Python outside, which starts the words behind it with a socket for their input:
 * Python in a jail without the network, but for what flags allow.
 */
function handIn(
  outside: string,
  inside: string,
  engine: Engine,
  flags: readonly string[] = [],
): Promise<Ended> {
  const python = ["/usr/bin/python3", "-c"];
  const allowed = ["-R", "--allow-run", ...flags];
  const argv = jailArgv(allowed, [...python, inside], engine);
  return run([...python, outside, ...argv]);
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads a connect that waits for room to no socket that a link leads to by then`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.mkdir(`${path}/own`);
      const closed = `${path}/closed`;
      using _closed = Deno.listen({ transport: "unix", path: closed });
      const policy = `extends: default
write: ["${path}/own"]
net: {connect: ["unix:${path}/own/*"], listen: ["unix:${path}/own/*"]}
`;
      // Who waits looks for the socket once more when there is room.
      const program = `import os, socket, time
os.chdir("own")
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect("socket")
if os.fork() == 0:
  try:
    waiting = socket.socket(socket.AF_UNIX)
    waiting.connect("socket")
    print(waiting.getpeername(), flush=True)
  except OSError as error: print(type(error).__name__, flush=True)
  os._exit(0)
time.sleep(0.5)
os.rename("socket", "other")
os.symlink("../closed", "socket")
listener.accept()
listener.close()
os.wait()`;
      const argv = ["/usr/bin/python3", "-c", program];
      const { stdout } = await jail(policy, argv, { engine, cwd: path });
      assertMatch(
        stdout,
        /^(?:FileNotFound|Permission|ConnectionRefused)Error\n$/,
      );
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leads a connect that waits for room to no socket where another thread goes by then`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // Too long for an address: the name is left as it was written.
      const path = `${directory.path}/${"long".repeat(30)}`;
      for (const name of ["own", "closed"]) {
        await Deno.mkdir(`${path}/${name}`, { recursive: true });
      }
      const policy = `extends: default
write: ["${path}/own"]
net: {connect: ["unix:${path}/own/*"], listen: ["unix:${path}/own/*"]}
`;
      const outside = `import os, socket, subprocess, sys
os.chdir("closed")
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen()
subprocess.run(sys.argv[1:], cwd="..", check=True)
listener.settimeout(0)
try: print(listener.accept())
except BlockingIOError: print("nobody")`;
      const inside = `import os, socket, threading, time
os.chdir("own")
listener = socket.socket(socket.AF_UNIX)
listener.bind("socket")
listener.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect("socket")
def wait():
  try: socket.socket(socket.AF_UNIX).connect("socket")
  except OSError: pass
waiting = threading.Thread(target=wait)
waiting.start()
time.sleep(0.5)
os.chdir("../closed")
listener.accept()
listener.close()
waiting.join()`;
      const file = await directory.file("policy.yaml", policy);
      const python = ["/usr/bin/python3", "-c"];
      const argv = jailArgv(["-p", file], [...python, inside], engine);
      const words = [...python, outside, ...argv];
      assertEquals((await run(words, { cwd: path })).stdout, "nobody\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) uses no abstract socket where not everything may be written, without Landlock either`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const policy = await directory.file(
        "policy.yaml",
        "extends: default\nnet: true\n",
      );
      const name = `jail-${crypto.randomUUID()}`;
      // Whoever listens is outside.
      const outside = `import socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind("\\0${name}")
listener.listen()
subprocess.run(sys.argv[1:], check=True)`;
      for (const call of [`connect("\\0${name}")`, `bind("\\0${name}.")`]) {
        const [, ...words] = attempt(`socket.socket(socket.AF_UNIX).${call}`);
        const flags = ["--no-landlock", "-p", policy];
        const argv = ["/usr/bin/python3", ...words];
        const ended = await run([
          ...["/usr/bin/python3", "-c", outside],
          ...jailArgv(flags, argv, engine),
        ]);
        assertEquals([call, ended.stdout], [call, "EACCES\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells of the machine's interfaces by no socket where it has no network`,
    ),
    async fn(): Promise<void> {
      const [, ...ask] = attempt(`import fcntl
one, other = socket.socketpair()
for command in 0x8910, 0x8912, 0x8927:
  fcntl.ioctl(one, command, bytes([0] * 16 + [1]) + bytes(23))
  print("told")`);
      const argv = ["/usr/bin/python3", ...ask];
      const closed = await jail([], argv, { engine });
      const open = await jail(["-A"], argv, { engine });
      assertEquals(closed.stdout, "EACCES\n");
      assertMatch(open.stdout, /^told\n/);
      const SO_BINDTOIFINDEX = 62;
      const [, ...bound] = attempt(
        `socket.socketpair()[0].setsockopt(1, ${SO_BINDTOIFINDEX}, 1)`,
      );
      const bind = ["/usr/bin/python3", ...bound];
      assertEquals((await jail([], bind, { engine })).stdout, "EACCES\n");
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) tells of no interface by a socket that it is handed, and joins no group`,
    ),
    async fn(): Promise<void> {
      const [, ...tell] = attempt(`import struct
one = socket.socket(fileno=0)
IP_UNICAST_IF, IP_MULTICAST_IF, IP_ADD_MEMBERSHIP = 50, 32, 35
group, local = socket.inet_aton("224.0.0.9"), socket.inet_aton("127.0.0.1")
for option, value in (
    (IP_UNICAST_IF, struct.pack("!I", 1)),
    (IP_MULTICAST_IF, local),
    (IP_ADD_MEMBERSHIP, group + local),
):
    try:
        one.setsockopt(0, option, value)
        print("told")
    except OSError as error:
        print(errno.errorcode[error.errno])`);
      // A socket for datagrams is its input, as of a server that inetd starts.
      const hand = "import os, socket, sys\n" +
        "one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n" +
        "os.dup2(one.fileno(), 0)\nos.execvp(sys.argv[1], sys.argv[1:])";
      const handed = (...flags: readonly string[]): Promise<Ended> =>
        run([
          ...["/usr/bin/python3", "-c", hand],
          ...jailArgv(flags, ["/usr/bin/python3", ...tell], engine),
        ]);
      const closed = await handed("-p", "readonly");
      assertEquals(closed.stdout, "EACCES\nEACCES\nEACCES\ndone\n");
      assertMatch((await handed("-A")).stdout, /^told\ntold\n/);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) joins no group of those who share packets by a socket that it is handed`,
    ),
    async fn(): Promise<void> {
      const [, ...join] = attempt(
        `import struct
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_FANOUT = 263, 1, 18
one = socket.socket(fileno=0)
for option, value in (
    (PACKET_ADD_MEMBERSHIP, struct.pack("iHH8x", 1, 2, 0)),
    (PACKET_FANOUT, struct.pack("I", 4711)),
):
    try:
        one.setsockopt(SOL_PACKET, option, value)
        print("joined")
    except OSError as error:
        print(errno.errorcode[error.errno])`,
      );
      // A socket for packets is its input, as of a part of a server that parses them;
      // where nobody may make one, another one.
      const hand = `import os, socket, sys
try:
    one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
    one.bind(("lo", 3))
except PermissionError:
    one, other = socket.socketpair()
os.dup2(one.fileno(), 0)
os.execvp(sys.argv[1], sys.argv[1:])`;
      const handed = (...flags: readonly string[]): Promise<Ended> =>
        run([
          ...["/usr/bin/python3", "-c", hand],
          ...jailArgv(flags, ["/usr/bin/python3", ...join], engine),
        ]);
      const closed = await handed("-p", "readonly");
      assertEquals(closed.stdout, "EACCES\nEACCES\ndone\n", closed.stderr);
      const open = await handed("-A");
      assertMatch(open.stdout, /^(?!EACCES).*\n(?!EACCES).*\ndone\n$/);
    },
  });

  for (
    const [under, flags, errno] of [
      ["", [], "Permission denied"],
      [", under rules", ["--allow-net=127.0.0.1:1"], "Operation not permitted"],
    ] as const
  ) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) chooses nobody among servers that share the port of a socket which is handed in${under}`,
      ),
      async fn(): Promise<void> {
        const outside = `import socket, subprocess, sys
def server():
  it = socket.socket()
  it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
  it.bind(("127.0.0.1", port)); it.listen()
  return it
port = 0
first = server()
port = first.getsockname()[1]
second = server()
subprocess.run(sys.argv[1:], stdin=second.fileno())`;
        // BPF_RET: the second one of them.
        const inside = `import ctypes, socket, struct
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 1))
it = socket.socket(fileno=0)
for option, value in (51, struct.pack("HxxxxxxQ", 1, ctypes.addressof(code))), (49, struct.pack("i", 0)), (68, bytes(4)):
  try: it.setsockopt(socket.SOL_SOCKET, option, value); print("done")
  except OSError as error: print(error.strerror)`;
        const { stdout, stderr } = await handIn(outside, inside, engine, flags);
        assertEquals(stdout, `${errno}\n`.repeat(3), stderr);
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) takes nothing from servers that share the port of a socket which is handed in`,
    ),
    async fn(): Promise<void> {
      const outside = `import socket, subprocess, sys
def server():
  it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
  it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
  it.bind(("127.0.0.1", port)); it.setblocking(False)
  return it
port = 0
first = server()
port = first.getsockname()[1]
second = server()
subprocess.run(sys.argv[1:], stdin=second.fileno())
for _ in range(64):
  socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port))
print(first.recv(1))`;
      const inside = `import socket
try: socket.socket(fileno=0).setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
except PermissionError: print("refused")`;
      const { stdout, stderr } = await handIn(outside, inside, engine);
      assertEquals(stdout, "refused\nb'x'\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends no socket that others listen by, without the network`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside = `import socket, subprocess, sys
internet, unix = socket.socket(), socket.socket(socket.AF_UNIX)
internet.bind(("127.0.0.1", 0)); unix.bind("${directory.path}/s")
for it in internet, unix:
  it.listen()
  subprocess.run(sys.argv[1:], stdin=it.fileno())
  client = socket.socket(it.family)
  client.connect(it.getsockname()); it.accept()
  subprocess.run(sys.argv[1:], stdin=client.fileno())`;
      const inside = `import socket
one, other = socket.socketpair()
one.shutdown(socket.SHUT_WR); print(other.recv(1))
try: socket.socket(fileno=0).shutdown(socket.SHUT_RD); print("done")
except OSError as error: print(error.strerror)`;
      const { stdout, stderr } = await handIn(outside, inside, engine);
      const each = "b''\nOperation not permitted\nb''\ndone\n";
      assertEquals(stdout, each.repeat(2), stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends no socket for datagrams that others hear by, without the network`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const outside = `import socket, subprocess, sys
for family, name in (socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "${directory.path}/s"):
  it = socket.socket(family, socket.SOCK_DGRAM); it.bind(name)
  subprocess.run(sys.argv[1:], stdin=it.fileno())
  it.sendto(b"x", it.getsockname()); print(it.recv(1))`;
      const inside = `import socket
try: socket.socket(fileno=0).shutdown(socket.SHUT_RDWR); print("done")
except OSError as error: print(error.strerror)`;
      const { stdout, stderr } = await handIn(outside, inside, engine);
      assertEquals(stdout, "Operation not permitted\nb'x'\n".repeat(2), stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has a socket that is handed in hear all that it heard, without the network`,
    ),
    async fn(): Promise<void> {
      // TCP_DEFER_ACCEPT, IP_MINTTL and UDP_ENCAP, of both kinds of socket.
      const outside = `import socket, subprocess, sys
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
  it = socket.socket(socket.AF_INET, kind); it.bind(("127.0.0.1", 0))
  if kind == socket.SOCK_STREAM: it.listen()
  subprocess.run(sys.argv[1:], stdin=it.fileno()); it.settimeout(2)
  client = socket.socket(socket.AF_INET, kind); client.settimeout(2)
  client.connect(it.getsockname())
  if kind == socket.SOCK_STREAM: it.accept(); print("accepted")
  else: client.send(b"heard"); print(it.recv(9).decode())`;
      const inside = `import socket
it = socket.socket(fileno=0)
for option in (6, 9, 1000), (0, 21, 255), (17, 100, 2):
  try: it.setsockopt(*option)
  except OSError: pass`;
      const { stdout, stderr } = await handIn(outside, inside, engine);
      assertEquals(stdout, "accepted\nheard\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has nobody end the socket that its report goes to`,
    ),
    async fn(): Promise<void> {
      // As Node's child_process starts programs, and as inetd(8) does.
      const outside = `import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
for here, there in socket.socketpair(), (client, server.accept()[0]):
  subprocess.run(sys.argv[1:], stderr=there.fileno())
  there.close()
  print(sum(b"denied" in line and b"/closed" in line for line in here.makefile("rb")))`;
      const inside = `import ctypes, os, socket
own = socket.socket(fileno=os.dup(2)); own.shutdown(socket.SHUT_WR)
ctypes.CDLL(None).connect(2, bytes(16), 16)  # AF_UNSPEC
one, other = socket.socketpair(); one.shutdown(socket.SHUT_WR); print(other.recv(1))
try: open("/closed")
except OSError as error: print(error.strerror)`;
      for (const net of [[], ["-N"], ["--allow-net=127.0.0.1:9"]]) {
        const flags = ["--report", "--deny-read=/closed", ...net];
        const { stdout } = await handIn(outside, inside, engine, flags);
        const each = "b''\nPermission denied\n1\n";
        assertEquals(stdout, each.repeat(2), net.join());
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) sets no option of the socket that its report goes to`,
    ),
    async fn(): Promise<void> {
      // A message of more than SO_SNDBUF is lost, and by SO_LINGER what is not read yet.
      const outside = `import socket, subprocess, sys
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
for here, there in pair, (client, server.accept()[0]):
  options = (1, 7), (1, 13)
  before = [there.getsockopt(*option, 8) for option in options]
  subprocess.run(sys.argv[1:], stderr=there.fileno())
  print(before == [there.getsockopt(*option, 8) for option in options])
  here.settimeout(5); there.close()
  print(b"/closed" in b"".join(iter(lambda: here.recv(1 << 16), b"")))`;
      // SO_SNDBUF, SO_LINGER, SO_REUSEADDR, IP_TTL and TCP_USER_TIMEOUT.
      const inside = `import os, socket
own, other = socket.socket(fileno=os.dup(2)), socket.socketpair()[0]
for it in own, other:
  for level, name, size in (1, 7, 1), (1, 13, 2), (1, 2, 1), (0, 2, 1), (6, 18, 1):
    if it is other and level != 1: continue
    try: it.setsockopt(level, name, b"\\1\\0\\0\\0" * size)
    except OSError as error: print(error.errno, end=" ")
print()
try: open("/closed")
except OSError as error: print(error.strerror)`;
      for (const net of [[], ["-N"], ["--allow-net=127.0.0.1:9"]]) {
        const flags = ["--report", "--deny-read=/closed", ...net];
        const { stdout } = await handIn(outside, inside, engine, flags);
        const each = "1 1 1 1 1 \nPermission denied\nTrue\nTrue\n";
        assertEquals(stdout, each.repeat(2), net.join());
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has nobody connect the socket that its report goes to`,
    ),
    async fn(): Promise<void> {
      const outside = `import socket, subprocess, sys
here, there = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "12")
here.bind(("127.0.0.1", 0)); there.connect(here.getsockname())
subprocess.run(sys.argv[1:], stderr=there.fileno()); here.settimeout(5)
while b"/closed" not in here.recv(1 << 16): pass
print("told")`;
      const inside = `import os, socket
own, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "12")
own.bind(("127.0.0.1", 0)); other.connect(own.getsockname())
try: socket.socket(fileno=os.dup(2)).connect(own.getsockname())
except OSError as error: print(error.strerror)
try: open("/closed")
except OSError as error: print(error.strerror)
own.settimeout(1)
try: print(own.recv(1 << 16))
except TimeoutError: print("nothing")`;
      for (const net of [["-N"], ["--allow-net=127.0.0.1"]]) {
        const flags = ["--report", "--deny-read=/closed", ...net];
        const { stdout } = await handIn(outside, inside, engine, flags);
        const refused = "Operation not permitted\nPermission denied\n";
        assertEquals(stdout, `${refused}nothing\ntold\n`, net.join());
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has a program end a socket where nothing is reported, though there is a log`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // Who reads there answers at the end of what was sent.
      const outside = `import socket, subprocess, sys
here, there = socket.socketpair(); here.settimeout(20)
program = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stderr=there.fileno())
there.close()
print(here.recv(9)); program.communicate()`;
      const inside = `import socket
socket.socket(fileno=2).shutdown(socket.SHUT_WR); open(0).read()`;
      const flags = [`--audit=${directory.path}/log`];
      const { stdout, stderr } = await handIn(outside, inside, engine, flags);
      assertEquals(stdout, "b''\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) sets no socket by which others hear, without the network`,
    ),
    async fn(): Promise<void> {
      // A server's own socket is also where it is told of refusals: inetd(8), by "wait".
      const outside = `import select, socket, subprocess, sys
for kind, report in (1, False), (2, False), (1, True), (2, True):
  it = socket.socket(socket.AF_INET, kind); it.bind(("127.0.0.1", 0))
  if kind == socket.SOCK_STREAM: it.listen()
  subprocess.run(sys.argv[1:], stdin=it.fileno(), stderr=it.fileno() if report else None)
  client = socket.socket(socket.AF_INET, kind); client.connect(it.getsockname())
  for _ in range(9): client.send(b"x" * 3000)
  hears = it.accept()[0] if kind == socket.SOCK_STREAM else it
  heard = 0
  while select.select([hears], [], [], 1)[0]: heard += len(hears.recv(3000))
  print(heard)
one, other = socket.socketpair()
subprocess.run(sys.argv[1:], stdin=one.fileno())`;
      // SO_RCVBUF, SO_RCVLOWAT and SO_MAX_PACING_RATE: what is accepted has them, too.
      const inside = `import socket
it = socket.socket(fileno=0)
for option in 8, 18, 47:
  try: it.setsockopt(socket.SOL_SOCKET, option, 1 << 30 if option == 18 else 1)
  except OSError as error: print(error.strerror); break
else: print("set")`;
      const flags = ["--report"];
      const { stdout, stderr } = await handIn(outside, inside, engine, flags);
      const kept = "Operation not permitted\n27000\n";
      assertEquals(stdout, `${kept.repeat(4)}set\n`, stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) is woken in no server's place by a socket that is handed in`,
    ),
    async fn(): Promise<void> {
      const outside = `import select, socket, subprocess, sys, threading, time
it = socket.socket(); it.bind(("127.0.0.1", 0)); it.listen()
program = subprocess.Popen(sys.argv[1:], stdin=it.fileno(), stdout=-1, text=True)
print(program.stdout.readline())
accepted = []
def serve():
  while True: accepted.append(it.accept()[0])
threading.Thread(target=serve, daemon=True).start(); time.sleep(0.5)
clients = []
for _ in range(9):
  clients.append(socket.create_connection(it.getsockname())); time.sleep(0.1)
print(len(accepted)); program.kill(); program.wait()`;
      const inside = `import select
one = select.epoll()
one.register(0, select.EPOLLIN | select.EPOLLEXCLUSIVE | select.EPOLLET)
print("waits", flush=True)
while True: one.poll()`;
      const { stdout, stderr } = await handIn(outside, inside, engine);
      assertEquals(stdout, "waits\n\n9\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) sets and shuts down sockets of its own where a container refuses pidfd_getfd`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
one, other = socket.socketpair()
one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 9000)
one.shutdown(socket.SHUT_WR); print(other.recv(1))`;
      const argv = jailArgv([], ["/usr/bin/python3", "-c", inside], engine);
      const number = `${SYSCALLS.pidfd_getfd.x86_64}`;
      const words = [fixture("refuse_call"), number, ...argv];
      const { stdout, stderr } = await run(words);
      assertEquals(stdout, "b''\n", stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) has nobody need a key to connect to a socket that is handed in`,
    ),
    async fn(): Promise<void> {
      const outside = `import socket, subprocess, sys
it = socket.socket(); it.bind(("127.0.0.1", 0)); it.listen()
subprocess.run(sys.argv[1:], stdin=it.fileno())
client = socket.socket(); client.settimeout(2); client.connect(it.getsockname())`;
      // TCP_MD5SIG_EXT, for every address: a prefix of no bits.
      const inside = `import socket, struct
key = struct.pack("=H126xBBHi80s", socket.AF_INET, 1, 0, 3, 0, b"key")
try: socket.socket(fileno=0).setsockopt(socket.IPPROTO_TCP, 32, key); print("done")
except OSError as error: print(error.strerror)`;
      const { code, stdout, stderr } = await handIn(outside, inside, engine);
      assertEquals([code, stdout], [0, "Permission denied\n"], stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket made or reached where nothing may be written`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const path = `${directory.path}/s`;
      const closed = ["-A", `--deny-write=${directory.path}`];
      for (const call of ["bind", "connect"]) {
        const { stdout } = await jail(
          closed,
          attempt(`socket.socket(socket.AF_UNIX).${call}("${path}")`),
          { engine },
        );
        assertEquals([call, stdout], [call, "EACCES\n"]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket reached by the name that the kernel gives to a pipe`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      // Beside a thread jail gives the kernel the path that it has checked.
      const code = `import os, socket, sys, threading
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
pipe, _ = os.pipe()
os.write(1, os.readlink(f"/proc/self/fd/{pipe}").encode())
sys.stdin.readline()
try: socket.socket(socket.AF_UNIX).connect(f"/proc/self/fd/{pipe}"); os.write(1, b"reached")
except OSError as e: os.write(1, errno.errorcode[e.errno].encode())
os._exit(0)`;
      await using files = await scratch();
      const policy = await files.file(
        "policy.yaml",
        `extends: base\nnet: true\nread: ["${directory.path}"]\n`,
      );
      const argv = ["/usr/bin/python3", "-c", `import errno\n${code}`];
      const child = start(jailArgv(["-p", policy], argv, engine), {
        cwd: directory.path,
      });
      const reader = child.stdout.getReader();
      const decoder = new TextDecoder();
      const name = decoder.decode((await reader.read()).value);
      using _listener = Deno.listen({
        transport: "unix",
        path: `${directory.path}/${name}`,
      });
      await Deno.chmod(`${directory.path}/${name}`, 0o777);
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode("go\n"));
      await writer.close();
      assertEquals(decoder.decode((await reader.read()).value), "ECONNREFUSED");
      await reader.cancel();
      await child.stderr.cancel();
      await child.status;
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a socket moved to where a rule lets one be reached`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const policy = `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
        `net: {connect: ["unix:${path}/own/s"], listen: ["unix:${path}/own/s"]}\n`;
      const before = "mkdir -p own others/own";
      await run(["sh", "-c", before], { cwd: path });
      using _agent = Deno.listen({
        transport: "unix",
        path: `${path}/others/agent`,
      });
      using _other = Deno.listen({
        transport: "unix",
        path: `${path}/others/own/s`,
      });
      const listens =
        `socket.socket(socket.AF_UNIX).bind("own/s"); os.rename("own/s", "x")`;
      const tries = [
        [`os.rename("others/agent", "own/s")`, "EACCES"],
        [`os.link("others/agent", "own/s")`, "EACCES"],
        [`os.rmdir("own"); os.rename("others/own", "own")`, "EXDEV"],
        [`os.mkdir("own"); ${listens}`, "EACCES"],
        [`os.rename("own", "y")`, "EXDEV"],
        [
          `held = os.open("others/agent", os.O_PATH)
os.link("others/agent", "others/too")
os.unlink("others/agent")
os.link("/proc/self/fd/%d" % held, "own/s", src_dir_fd=held)`,
          "EACCES",
        ],
        [`os.rename("others/too", "z")`, "done"],
      ] as const;
      for (const [code, expected] of tries) {
        const { stdout } = await jail(policy, [
          "/usr/bin/python3",
          ...attempt(code).slice(1),
        ], { engine, cwd: path });
        assertEquals([code, stdout], [code, `${expected}\n`]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets no unix socket listen by a name that the kernel has given it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const [, ...listen] = attempt(`two = socket.socket(socket.AF_UNIX)
two.bind("${path}/own")
one = socket.socket(socket.AF_UNIX)
one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
for step in one.listen, lambda: one.connect("${path}/own"), one.listen:
  try:
    step()
    print("listens")
  except OSError as error:
    print(errno.errorcode[error.errno])
two.listen()
two.listen()`);
      const argv = ["/usr/bin/python3", ...listen];
      const cases = [["", "EACCES"], [', "unix:@*"', "listens"]] as const;
      for (const [rule, last] of cases) {
        const own = `"unix:${path}/own"`;
        const policy =
          `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
          `net: {connect: [${own}], listen: [${own}${rule}]}\n`;
        const ended = await jail(policy, argv, { engine });
        const expected = `EINVAL\nECONNREFUSED\n${last}\ndone\n`;
        assertEquals(ended.stdout, expected, ended.stderr);
        await Deno.remove(`${path}/own`);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets no unix socket hear by a name that the kernel has given it`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const [, ...hear] = attempt(
        `for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
  one = socket.socket(socket.AF_UNIX, kind)
  try:
    one.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    print("set")
  except OSError as error:
    print(errno.errorcode[error.errno])
  try: one.connect("${path}/own")
  except OSError: pass
  print(one.getsockname() != "")
two = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
two.bind("${path}/own")
two.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)`,
      );
      const argv = ["/usr/bin/python3", ...hear];
      const cases = [
        ["", "EACCES\nFalse"],
        [', "unix:@*"', "set\nTrue"],
      ] as const;
      for (const [rule, said] of cases) {
        const own = `"unix:${path}/own"`;
        const policy =
          `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
          `net: {connect: [${own}], listen: [${own}${rule}]}\n`;
        const ended = await jail(policy, argv, { engine });
        const expected = `${said}\nset\nTrue\ndone\n`;
        assertEquals(ended.stdout, expected, ended.stderr);
        await Deno.remove(`${path}/own`);
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a link at a socket that the next run would follow`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using outside = await scratch();
      const { path } = directory;
      const policy = `extends: base\nread: ["${path}"]\nwrite: ["${path}"]\n` +
        `net: {connect: ["unix:${path}/own/s"]}\n`;
      using _server = Deno.listen({
        transport: "unix",
        path: `${outside.path}/s`,
      });
      const connects = `socket.socket(socket.AF_UNIX).connect("${path}/own/s")`;
      const tries = [
        [`os.symlink("${outside.path}", "own")`, "EACCES"],
        [connects, "ENOENT"],
        [`os.mkdir("own"); os.symlink("${outside.path}/s", "own/s")`, "EACCES"],
        [connects, "ENOENT"],
        [`os.mkdir("d"); os.symlink("${outside.path}/s", "d/s")`, "done"],
        [`os.rmdir("own"); os.rename("d", "own")`, "EXDEV"],
        [connects, "ENOENT"],
      ] as const;
      for (const [code, expected] of tries) {
        const { stdout } = await jail(policy, [
          "/usr/bin/python3",
          ...attempt(code).slice(1),
        ], { engine, cwd: path });
        assertEquals([code, stdout], [code, `${expected}\n`]);
      }
    },
  });
}
