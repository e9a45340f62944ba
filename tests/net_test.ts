/** Rules about the network hold for every call that sends, connects or listens. */

import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  type Ended,
  ENGINES,
  fixture,
  jail,
  jailArgv,
  run,
  start,
} from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { hasMachine, needs } from "./needs.ts";

const FIXTURES = new URL("./fixtures/", import.meta.url).pathname;

/** Servers outside of the jail. */
interface Servers extends AsyncDisposable {
  /** Part of the names of abstract sockets. */
  readonly name: string;
  /** Ports of 127.0.0.1. */
  readonly open: number;
  readonly closed: number;
  /** Ports of ::1. */
  readonly open6: number;
  readonly closed6: number;
  /** A port of 127.0.0.1 to which nobody listens. */
  readonly dead: number;
}

async function serve(directory: Scratch): Promise<Servers> {
  for (const name of ["open", "closed"]) {
    await Deno.mkdir(`${directory.path}/${name}`);
    await Deno.chmod(`${directory.path}/${name}`, 0o777);
  }
  const name = `jail-${crypto.randomUUID()}`;
  const child = start([
    "/usr/bin/python3",
    `${FIXTURES}net_serve.py`,
    name,
    directory.path,
  ]);
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const ports = JSON.parse((await lines.read()).value ?? "[]");
  const [open, closed, open6, closed6, dead] = ports;
  await run(["chmod", "-R", "a+rwX", directory.path]);
  return {
    ...{ name, open, closed, open6, closed6, dead },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await child.stdin.abort().catch(() => {});
      await lines.cancel();
      await child.stderr.cancel();
      await child.status;
    },
  };
}

/** The flags of a policy under which part of the servers can be reached. */
async function flagsOf(
  { open, open6, dead, name }: Servers,
  directory: Scratch,
  net?: string,
): Promise<string[]> {
  const { path } = directory;
  const policy = `extends: base
read: [/usr, "${FIXTURES}", "${path}/open"]
write: ["${path}/open"]
run: [/usr/bin]
net: ${
    net ?? `
  connect:
    - "127.0.0.1:${open}"
    - "127.0.0.1:${dead}"
    - "[::1]:${open6}"
    - "unix:${path}/open/**"
    - "unix:@${name}-open"
  listen: ["127.0.0.1:0", "127.0.0.1:${dead}", "unix:${path}/open/made"]`
  }
`;
  return ["-p", await directory.file("policy.yaml", policy)];
}

// What net_try.py gets under that policy; all that is not here is EACCES.
const EXPECTED: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      "tcp",
      "tcp6",
      "tcp mapped",
      "tcp to no address",
      "tcp6 to no address",
      "tcp mapped to no address",
      "udp",
      "udp6",
      "udp to no address",
      "udp sendmsg",
      "udp sendmsg to no address",
      "udp sendmmsg",
      "udp sendmmsg connected",
      "udp of no family",
      "fast open",
      "listen",
      "a port for datagrams",
      "a port for datagrams of IPv6",
      "a port for a stream",
      "a port for a stream of IPv6",
      "a port for a stream of IPv6 to IPv4",
      "unix",
      "unix bound",
      "abstract",
      "TCP_NODELAY",
      "SO_REUSEADDR",
      "SO_REUSEADDR of datagrams",
      "SO_REUSEADDR of datagrams of IPv6",
      "an address of its own",
      "descriptors in a message",
    ].map((what) => [what, "ok"]),
  ),
  ...Object.fromEntries(
    [
      "packet by its old name",
      "mptcp",
      "sctp",
      "udplite",
      "ping",
    ].map((what) => [what, "EPROTONOSUPPORT"]),
  ),
  ...Object.fromEntries(
    ["packet", "vsock", "alg"].map((what) => [what, "EAFNOSUPPORT"]),
  ),
  ...Object.fromEntries(
    [
      "raw",
      "SO_BINDTODEVICE",
      "SO_BINDTOIFINDEX",
      "SO_ATTACH_FILTER",
      "SO_DETACH_FILTER",
      "IP_OPTIONS",
      "IP_TRANSPARENT",
      "IP_FREEBIND",
      "IP_UNICAST_IF",
      "IP_ADD_MEMBERSHIP",
      "IPV6_RTHDR",
      "IPV6_2292PKTOPTIONS",
      "IPV6_ADDRFORM",
      "IPV6_TRANSPARENT",
      "TCP_ULP",
      "TCP_REPAIR",
      "UDP_ENCAP",
      "a route of its own",
      "an interface of its own",
      "a control message that is cut",
    ].map((what) => [what, "EPERM"]),
  ),
  ...Object.fromEntries(
    [
      "a port for datagrams that is shared",
      "a port for datagrams that is shared, of IPv6",
    ].map((what) => [what, "EADDRINUSE"]),
  ),
  "a control message of more than jail copies": "ENOBUFS",
};

/** What a pair for datagrams does, with the path of a socket outside. */
const PAIR = `import os, socket, sys
one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
def attempt(what, *args):
  try: what(*args)
  except OSError: pass
attempt(one.sendto, b"one", sys.argv[1])
attempt(one.sendmsg, [b"two"], [], 0, sys.argv[1])
attempt(one.connect, sys.argv[1])
one.send(b"three")
one.send(b"four")
print([other.recv(99) for _ in range(3)], os.get_inheritable(one.fileno()))
`;

/** Runs what comes after a path beside a socket for datagrams that has it. */
const OUTSIDE = `import os, socket, subprocess, sys
outside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
outside.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
outside.setblocking(False)
print(subprocess.run(sys.argv[2:], capture_output=True, text=True).stdout, end="")
try: print("outside got", outside.recv(99))
except BlockingIOError: print("outside got nothing")
`;

/** Sends to whoever runs what comes behind: a stranger first, then who was asked. */
const STRANGER = `import socket, subprocess, sys
known, stranger = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "12"]
known.bind(("127.0.0.1", 0))
stranger.bind(("127.0.0.4", 0))
argv = [*sys.argv[1:], str(known.getsockname()[1])]
child = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
known.settimeout(20)
for _ in "12":
  _, asker = known.recvfrom(9)
  stranger.sendto(b"stranger", ("127.0.0.2", asker[1]))
  known.sendto(b"known", asker)
print(child.communicate()[0], end="")
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets in no datagram of others where a rule refuses to listen on all addresses`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const policy = await directory.file(
        "policy.yaml",
        `extends: default
net:
  connect: ["127.0.0.1"]
  listen: {allow: ["0.0.0.0", "[::]"], deny: ["127.0.0.3"]}
`,
      );
      const program = `import socket, sys
for family, to in (socket.AF_INET, ""), (socket.AF_INET6, "::ffff:"):
  s = socket.socket(family, socket.SOCK_DGRAM)
  s.sendto(b"x", (to + "127.0.0.1", int(sys.argv[1])))
  print(s.recv(9))`;
      const argv = ["/usr/bin/python3", "-c", program];
      const ended = await run([
        ...["/usr/bin/python3", "-c", STRANGER],
        ...jailArgv(["-p", policy], argv, engine),
      ]);
      assertEquals(ended.stdout, "b'known'\nb'known'\n", ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) makes a pair for datagrams that reaches nobody else`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const path = `${directory.path}/outside`;
      const argv = jailArgv(
        ["--allow-net"],
        ["/usr/bin/python3", "-c", PAIR, path],
        engine,
      );
      const { stdout } = await run([
        ...["/usr/bin/python3", "-c", OUTSIDE, path],
        ...argv,
      ]);
      assertEquals(
        stdout,
        "[b'two', b'three', b'four'] False\noutside got nothing\n",
      );
    },
  });

  for (const how of ["alone", "beside"]) {
    const where = how === "alone" ? "a lone thread" : "a thread beside others";
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) holds ${where} to the addresses and sockets of its rules`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        await using servers = await serve(directory);
        const { open, closed, open6, closed6, dead, name } = servers;
        const flags = await flagsOf(servers, directory);
        const ended = await jail(flags, [
          "/usr/bin/python3",
          `${FIXTURES}net_try.py`,
          how,
          ...[open, closed, open6, closed6, dead].map(String),
          name,
          directory.path,
        ], { engine });
        assertEquals(ended.stderr, "");
        const results: Record<string, string> = JSON.parse(ended.stdout);
        const expected: Record<string, string> = {
          ...EXPECTED,
          // What comes from a closed port is not received, but where the
          // program may listen.
          "udp from elsewhere": String(open),
          "udp from elsewhere, IPv6": String(open6),
          "udp from elsewhere, IPv4 as IPv6": String(open),
          "udp sendmmsg that writes its own address": "EAGAIN",
          "udp from elsewhere where it may listen": "from closed",
        };
        assertEquals(
          results,
          Object.fromEntries(
            Object.keys(results).map((what) => [
              what,
              expected[what] ?? "EACCES",
            ]),
          ),
        );
        for (const what of Object.keys(expected)) assert(what in results, what);
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3", "curl", "node"],
      `jail (${engine}) lets curl, node and Python reach what a rule names, and nothing else`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using servers = await serve(directory);
      const { open, closed, open6, closed6 } = servers;
      const node = (host: string, port: number): string[] => [
        "node",
        "-e",
        `require("http").get("http://${host}:${port}/", (r) => r.pipe(process.stdout))
          .on("error", (e) => { console.log(e.code); process.exitCode = 7; })`,
      ];
      const curl = (host: string, port: number): string[] => [
        "curl",
        "-sS",
        `http://${host}:${port}/`,
      ];
      const python = (host: string, port: number): string[] => [
        "/usr/bin/python3",
        "-c",
        `import socket, sys
s = socket.create_connection((${JSON.stringify(host)}, ${port}))
s.send(b"x"); print(s.recv(9).decode(), end="")`,
      ];
      const flags = [
        "-p",
        "default",
        `--allow-net=127.0.0.1:${open},[::1]:${open6}`,
      ];
      for (const make of [curl, node, python]) {
        const bare = make === python ? "::1" : "[::1]";
        for (
          const [host, good, bad] of [
            ["127.0.0.1", open, closed],
            [bare, open6, closed6],
          ] as const
        ) {
          const fine = await jail(flags, make(host, good), { engine });
          assertEquals(
            { code: fine.code, stdout: fine.stdout },
            { code: 0, stdout: String(good) },
            fine.stderr,
          );
          const refused = await jail(flags, make(host, bad), { engine });
          assert(refused.code !== 0, refused.stdout);
          assert(!refused.stdout.includes(String(bad)), refused.stdout);
        }
      }
    },
  });
}

/** A server that says the first words of ssh, and keeps what it hears. */
function greeter(): { port: number; heard: string[]; end(): Promise<void> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard: string[] = [];
  const talk = async (connection: Deno.Conn): Promise<void> => {
    using _ = connection;
    const words = new Uint8Array(99);
    await connection.write(new TextEncoder().encode("SSH-2.0-greeter\r\n"));
    const length = await connection.read(words) ?? 0;
    heard.push(new TextDecoder().decode(words.subarray(0, length)));
  };
  const served = (async (): Promise<void> => {
    for await (const connection of listener) await talk(connection);
  })();
  const { port } = listener.addr as Deno.NetAddr;
  return {
    ...{ port, heard },
    end: async () => {
      listener.close();
      await served;
    },
  };
}

/**
 * A program beside another has sockets in a directory of a long name, and behind a
 * link.
 */
const NAMED = `import os, socket, sys
there = "/".join([sys.argv[1]] + ["d" * 60] * 3)
os.makedirs(there)
os.makedirs(sys.argv[1] + "/near/by")
os.symlink(sys.argv[1] + "/near/by", sys.argv[1] + "/link")
for directory, name in (sys.argv[1], "./s"), (sys.argv[1], "link/../s"), (sys.argv[1], "link/s"), (there, "s"), (there, "../s"):
    os.chdir(directory)
    server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    try:
        server.bind(name)
        server.listen()
        client.connect(name)
        print(server.getsockname(), client.getpeername())
        os.unlink(name)
    except OSError as error: print(error)
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) leaves a socket the name that a program beside others gives it, but for .. or a link in it`,
    ),
    async fn(): Promise<void> {
      await using here = await scratch();
      const inside = 'sleep 9 & /usr/bin/python3 -c "$0" "$1"; kill $!';
      const argv = ["sh", "-c", inside, NAMED, here.path];
      const { stdout } = await jail(["-A"], argv, { engine });
      // Somebody outside could move what ".." leads out of, and turn the link.
      const names = ["./s", `${here.path}/near/s`, `${here.path}/near/by/s`];
      const lines = [...names, "s"].map((name) => `${name} ${name}\n`);
      const long = "[Errno 36] File name too long";
      assertEquals(stdout, `${lines.join("")}${long}\n`);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["ssh", "nc"],
      `jail (${engine}) lets ssh and nc reach what a rule names, and nothing else`,
    ),
    async fn(): Promise<void> {
      const [open, closed] = [greeter(), greeter()];
      const flags = ["-p", "default", `--allow-net=127.0.0.1:${open.port}`];
      const ssh = [
        ...["ssh", "-F", "none", "-o", "BatchMode=yes", "-o"],
        ...["UserKnownHostsFile=/dev/null", "someone@127.0.0.1", "-p"],
      ];
      const nc = ["nc", "-N", "127.0.0.1"];
      try {
        for (
          const [argv, said, refusal] of [
            [ssh, /^SSH-2\.0-OpenSSH/, "Permission denied"],
            [nc, /^words of nc$/, ""],
          ] as const
        ) {
          const talk = async (port: number): Promise<Ended> =>
            await jail(flags, [...argv, String(port)], {
              ...{ engine, stdin: "words of nc" },
            });
          const fine = await talk(open.port);
          assertMatch(open.heard.pop() ?? "", said, fine.stderr);
          if (argv === nc) assertEquals(fine.stdout, "SSH-2.0-greeter\r\n");
          const refused = await talk(closed.port);
          assert(refused.code !== 0 && refused.stdout === "", refused.stdout);
          assertStringIncludes(refused.stderr, refusal);
        }
        assertEquals(closed.heard, []);
      } finally {
        await open.end();
        await closed.end();
      }
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets getaddrinfo(3) put addresses in order, by sockets that send nothing`,
    ),
    async fn(): Promise<void> {
      const program = `import errno, os, socket
def tell(what):
    try: return what()
    except OSError as error: return errno.errorcode[error.errno]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(tell(lambda: s.connect(("127.0.0.2", 0))), tell(lambda: s.connect(("127.0.0.1", 0))))
print(s.getsockname()[0], tell(lambda: s.send(b"x")), tell(lambda: s.sendmsg([b"x"])))
if os.fork() == 0:
    print(tell(lambda: s.connect(("127.0.0.1", 9))), tell(lambda: s.send(b"x")))
    os._exit(0)
os.wait()`;
      const flags = ["--allow-net=127.0.0.1:9", "-p", "default"];
      const argv = ["/usr/bin/python3", "-ISuc", program];
      const told = "EACCES None\n127.0.0.1 EPIPE EPIPE\nNone EPIPE\n";
      const quiet = ["--report", "--on-deny=kill", ...flags];
      assertEquals(
        await jail(quiet, argv, { engine }),
        { code: 0, signal: null, stdout: told, stderr: "" },
      );
      const stream = [
        "/usr/bin/python3",
        "-c",
        `import socket
socket.socket().connect(("127.0.0.2", 0))`,
      ];
      const refused = await jail(["--report", ...flags], stream, { engine });
      assertStringIncludes(refused.stderr, "127.0.0.2:0");
      assertStringIncludes(refused.stderr, "PermissionError");
    },
  });

  Deno.test(`jail (${engine}) finds names of /etc/hosts without the network`, async () => {
    const argv = ["getent", "ahosts", "localhost"];
    const outside = await run(argv);
    assertStringIncludes(outside.stdout, "localhost");
    const inside = await jail(["-p", "default"], argv, { engine });
    assertEquals(inside, outside);
  });

  Deno.test(`jail (${engine}) goes on where threads and processes make sockets, and are killed`, async () => {
    await using directory = await scratch();
    const storm = fixture("net_storm");
    const policy = `extends: base
run: ["${storm}"]
net: {connect: ["127.0.0.1:9"], listen: ["127.0.0.1:0"]}
`;
    const flags = ["-p", await directory.file("policy.yaml", policy)];
    for (const threads of ["1", "6"]) {
      const ended = await jail(flags, [storm, threads, "1"], { engine });
      assertEquals({ ...ended, signal: null }, {
        ...{ code: 0, signal: null, stdout: "fine\n", stderr: "" },
      });
    }
  });

  for (const landlock of [[], ["--no-landlock"]]) {
    const floor = landlock.length === 0 ? "" : " without Landlock";
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) lets a program connect from a port that the kernel has chosen, and not listen there${floor}`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        await using servers = await serve(directory);
        const code = `import socket
def bound(then, family=socket.AF_INET, any="0.0.0.0", port=0):
    with socket.socket(family) as s:
        try:
            s.bind((any, port))
            return then(s) or "ok"
        except OSError as e: return e.errno
print(bound(lambda s: s.connect(("127.0.0.1", ${servers.open}))),
    bound(lambda s: s.connect(("127.0.0.1", ${servers.closed}))),
    bound(lambda s: s.listen()),
    bound(lambda s: s.listen(), socket.AF_INET6, "::"),
    bound(lambda s: s.listen(), socket.AF_INET6, "::ffff:0.0.0.0"),
    bound(lambda s: s.close(), any="127.0.0.1"),
    bound(lambda s: s.close(), port=8097))`;
        const ended = await jail(
          [
            ...["--allow-read", "--allow-run", ...landlock],
            `--allow-net=127.0.0.1:${servers.open}`,
          ],
          ["/usr/bin/python3", "-c", code],
          { engine },
        );
        assertEquals(ended.stdout, "ok 13 13 13 13 13 13\n", ended.stderr);
      },
    });
  }

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a listen on all addresses by a socket that was bound to one, and lost its port`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using servers = await serve(directory);
      const code = `import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
s.shutdown(socket.SHUT_RDWR)
s.bind(("0.0.0.0", 0))
s.listen()
print(s.getsockname()[0])`;
      const flags = await flagsOf(servers, directory);
      const ended = await jail(flags, ["/usr/bin/python3", "-c", code], {
        engine,
      });
      assertEquals(ended.stdout, "127.0.0.1\n", ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) fails as outside where a stream of another family is connected to an address of IPv6`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using servers = await serve(directory);
      const code = `import ctypes, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
six = struct.pack("=HHI16sI", socket.AF_INET6, 0x100, 0, socket.inet_pton(socket.AF_INET6, "::1"), 0)
inet, failed, unix = socket.socket(), socket.socket(), socket.socketpair()[0]
inet.connect(("127.0.0.1", ${servers.open}))
failed.connect_ex(("127.0.0.1", ${servers.dead}))
for s in inet, failed, unix:
  print(libc.connect(s.fileno(), six, len(six)), ctypes.get_errno())`;
      const argv = ["/usr/bin/python3", "-c", code];
      const may = `--allow-net=127.0.0.1,[::1]`;
      const flags = ["--allow-read", "--allow-run", may];
      const ended = await jail(flags, argv, { engine });
      assertEquals(ended.stdout, (await run(argv)).stdout, ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) binds no stream to an address of many, from which it would come to listen at another one`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using servers = await serve(directory);
      const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { port } = free.addr;
      free.close();
      const code = `import ctypes, socket
connect = ctypes.CDLL(None).connect
def listens(address):
  s = socket.socket()
  try:
    s.bind((address, ${port}))
    s.connect(("127.0.0.1", ${servers.open}))
    connect(s.fileno(), bytes(16), 16)
    s.listen()
    return s.getsockname()[0]
  except OSError as e: return e.errno
import sys
print(*map(listens, sys.argv[1:]))`;
      const argv = ["/usr/bin/python3", "-c", code];
      const many = ["224.0.0.5", "127.255.255.255"];
      // Some kernels let nothing listen that was connected: 6.18.44 says EINVAL.
      const outside = await run([...argv, "127.0.0.2"]);
      const flags = ["-A", `--deny-net=127.0.0.1:${port}`];
      const ended = await jail(flags, [...argv, ...many, "127.0.0.2"], {
        engine,
      });
      assertEquals(ended.stdout, `1 1 ${outside.stdout}`, ended.stderr);
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets a program send datagrams from a port that the kernel could choose, and from no other`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      await using servers = await serve(directory);
      const code = `import errno, socket
def ask(port, any="0.0.0.0"):
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        try: s.bind((any, port))
        except OSError as e: return e.errno
        s.settimeout(5)
        s.sendto(b"x", ("127.0.0.1", ${servers.open}))
        return len(s.recv(99)) > 0
with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
    first, last = map(int, f.read().split())
some = range(last, first, -1)
print(next(a for a in map(ask, some) if a != errno.EADDRINUSE),
    ask(first - 1), ask(last + 1), ask(last, "127.0.0.1"))`;
      const flags = ["--allow-read", "--allow-run"];
      const net = `--allow-net=127.0.0.1:${servers.open}`;
      const python = ["/usr/bin/python3", "-c", code];
      const ended = await jail([...flags, net], python, { engine });
      assertEquals(ended.stdout, "True 13 13 13\n", ended.stderr);
      const denied = await directory.file(
        "deny.yaml",
        "net: {listen: {deny: true}}\n",
      );
      const without = await jail(
        [...flags, net, "-p", denied],
        python,
        { engine },
      );
      assertEquals(without.stdout, "13 13 13 13\n", without.stderr);
    },
  });

  // The numbers of bind(2) and socket(2); what is pinned lies below 0x400000.
  for (const bound of ["0", "0x400000"]) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) stops a listen after a bind that a filter of the program's own says was made (below ${bound})`,
      ),
      async fn(): Promise<void> {
        const code = `import socket, threading
threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
s = socket.socket()
s.bind(("127.0.0.1", 8097))
try: s.listen()
except OSError as e: print(e.errno)`;
        const argv = ["49", "0", bound, "/usr/bin/python3", "-c", code];
        const ended = await jail(
          ["--allow-read", "--allow-run", "--allow-net=127.0.0.1:8097"],
          [fixture("answer_itself"), ...argv],
          { engine },
        );
        assertEquals([ended.stdout, ended.code], ["13\n", 0], ended.stderr);
      },
    });
  }

  Deno.test(`jail (${engine}) leaves nobody a socket without a filter whose maker is killed`, async () => {
    const argv = [fixture("die_with_socket")];
    const policy = ["-p", "base", "--allow-net=127.0.0.1:9"];
    for (let runs = 0; runs < 3; runs++) {
      // It is killed as well, by jail.
      const { stdout } = await jail(policy, argv, { engine });
      assertEquals(stdout, "");
    }
  });

  Deno.test({
    ...hasMachine(
      Deno.uid() === 0,
      "root to run it",
      `jail (${engine}) goes on where it may not look any more at who has made a socket`,
    ),
    fn: async () => {
      const ended = await run([
        ...["setpriv", "--bounding-set=-sys_ptrace"],
        ...jailArgv(
          ["-p", "base", "--allow-net=127.0.0.1:9"],
          [fixture("hide_beside_socket")],
          engine,
        ),
      ]);
      assertEquals([ended.stdout, ended.code], ["200\n", 0], ended.stderr);
    },
  });

  Deno.test(`jail (${engine}) goes on where a filter of the program's own says that there is a socket`, async () => {
    const code = "import socket; socket.socket(type=socket.SOCK_DGRAM)";
    const argv = ["41", "0", "0", "/usr/bin/python3", "-c", code];
    const script = '"$@" </etc/passwd; echo $?';
    const ended = await jail(
      ["--allow-read", "--allow-run", "--allow-net=127.0.0.1:53"],
      ["sh", "-c", script, "sh", fixture("answer_itself"), ...argv],
      { engine },
    );
    // By seccomp nobody is asked; the number is that of a file.
    const status = engine === "seccomp" ? "0\n" : "137\n";
    assertEquals([ended.stdout, ended.code], [status, 0]);
  });
}

Deno.test({
  ...needs(["python3"], "without rules a datagram from elsewhere comes first"),
  async fn(): Promise<void> {
    await using directory = await scratch();
    await using servers = await serve(directory);
    const ended = await jail(await flagsOf(servers, directory, "true"), [
      "/usr/bin/python3",
      "-c",
      `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"strange", ("127.0.0.1", ${servers.open}))
print(s.recv(99).decode())`,
    ]);
    assertEquals(ended.stdout, "from closed\n");
  },
});

Deno.test({
  ...needs(
    ["python3"],
    "jail lets a socket be used that was handed in, and not for other ends",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    await using servers = await serve(directory);
    const { open, closed } = servers;
    const flags = await flagsOf(servers, directory);
    const inside = `import socket, struct, os
s = socket.socket(fileno=0)
s.send(b"x")
print(s.recv(9).decode())
for what in (lambda: s.sendto(b"x", ("127.0.0.1", ${closed})),
             lambda: s.sendmsg([b"x"], [], 0, ("127.0.0.1", ${closed})),
             lambda: s.connect(("127.0.0.1", ${closed}))):
    try: what(); print("reached")
    except OSError as error: print(error.errno)
s.connect(("127.0.0.1", ${open})); s.send(b"x"); print(s.recv(9).decode())`;
    const outside = `import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", ${closed}))
os.dup2(s.fileno(), 0)
os.execvp(sys.argv[1], sys.argv[1:])`;
    const ended = await run([
      "/usr/bin/python3",
      "-c",
      outside,
      ...jailArgv(flags, ["/usr/bin/python3", "-c", inside]),
    ]);
    assertEquals(ended.stderr, "");
    assertEquals(ended.stdout, `${closed}\n13\n13\n13\n${open}\n`);
  },
});

for (const engine of [...ENGINES, "kernel"] as const) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) lets nobody connect a server's socket by a message`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
s = socket.socket(fileno=0)
for flag in (0, socket.MSG_FASTOPEN):
    try: s.sendmsg([b"x"], [], flag, ("127.0.0.1", PORT)); print("sent")
    except OSError as error: print(type(error).__name__)`;
      const outside = `import os, select, socket, subprocess, sys
reached, own = [socket.create_server(("127.0.0.1", 0)) for _ in "12"]
port = str(reached.getsockname()[1])
own.shutdown(socket.SHUT_RD)  # it listens no more
subprocess.call([word.replace("PORT", port) for word in sys.argv[1:]], stdin=own)
print(select.select([reached], [], [], 0)[0])`;
      const ended = await run([
        "/usr/bin/python3",
        "-c",
        outside,
        ...jailArgv(["-R"], ["/usr/bin/python3", "-c", inside], engine),
      ]);
      assertEquals(ended.stderr, "");
      assertEquals(ended.stdout, "BrokenPipeError\nPermissionError\n[]\n");
    },
  });
}

/** Python that goes on as on Linux before 6.9: no pidfd_open(2) of a thread. */
const BEFORE_6_9 = `import ctypes, os, struct, sys
def op(code, yes, no, k): return struct.pack("HBBI", code, yes, no, k)
words = (op(0x20, 0, 0, 0) + op(0x15, 0, 3, 434) + op(0x20, 0, 0, 24) +
         op(0x15, 0, 1, 0o200) + op(6, 0, 0, 0x5_0016) + op(6, 0, 0, 0x7fff_0000))
memory = ctypes.create_string_buffer(words)
program = struct.pack("HxxxxxxQ", len(words) // 8, ctypes.addressof(memory))
libc = ctypes.CDLL(None)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.c_char_p(program)): exit(9)
os.execvp(sys.argv[1], sys.argv[1:])`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) holds the sockets of a thread with descriptors of its own, before Linux 6.9`,
    ),
    async fn(): Promise<void> {
      const inside = `import ctypes, os, socket, threading
s = socket.socket()
s.bind(("127.0.0.1", 0))
def shares():
    s.listen()
    print("listens")
def leaves():
    ctypes.CDLL(None).unshare(0x400)
    os.close(s.fileno())
    try:
        fresh = socket.socket()
        print(fresh.fileno() == s.fileno())
        fresh.listen()
        print("listens", fresh.getsockname())
    except OSError as error: print(type(error).__name__)
    try: print(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    except OSError as error: print(type(error).__name__)
for does in shares, leaves:
    thread = threading.Thread(target=does)
    thread.start()
    thread.join()`;
      const ended = await run([
        ...["/usr/bin/python3", "-c", BEFORE_6_9],
        ...jailArgv(
          ["-R", "--allow-net=127.0.0.1"],
          ["/usr/bin/python3", "-u", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(ended.stderr, "");
      assertEquals(
        ended.stdout,
        "listens\nTrue\nPermissionError\nPermissionError\n",
      );
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a connection (${engine}) that is to be reset stays so when it is looked at`,
    ),
    async fn(): Promise<void> {
      const script = `import socket, struct
here = socket.create_server(("127.0.0.1", 0))
there = socket.create_connection(here.getsockname())
there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
try: there.bind(("127.0.0.1", 0))
except OSError: pass
print(*struct.unpack("ii", there.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)))`;
      const argv = ["/usr/bin/python3", "-c", script];
      const flags = ["-R", "--allow-net=127.0.0.1"];
      assertEquals((await jail(flags, argv, { engine })).stdout, "1 0\n");
    },
  });
}

/** Says of calls whether a child is stopped for them: it is taken out of its sleep. */
const SLEEPER = `import ctypes, os, socket
libc = ctypes.CDLL(None)
waits, ends = os.pipe()
pid = os.fork()
if pid == 0:
    os.close(ends)
    os._exit(len(os.read(waits, 1)))
def state():
    with open(f"/proc/{pid}/status") as status:
        said = dict(line.split(":", 1) for line in status)
    return said["State"].split()[0], int(said["voluntary_ctxt_switches"])
def asleep():
    while (now := state())[0] != "S": os.sched_yield()
    return now[1]
def stops(call, *args):
    before = asleep()
    try: call(*args)
    except OSError: pass
    print(asleep() > before)
def lets_go(it): libc.connect(it.fileno(), bytes(16), 16)
`;

const NETWORKS = (await run(["unshare", "-rn", "true"])).code === 0;
const interfaces =
  "jail takes interfaces for those of its own network namespace";

Deno.test({
  ...needs(
    ["ip"],
    NETWORKS ? interfaces : `${interfaces} (needs unshare -rn)`,
  ),
  ...(NETWORKS ? {} : { ignore: true }),
  async fn(): Promise<void> {
    // What is in /sys stays that of the namespace outside.
    const script = `ip link set lo name other0 && exec "$@"`;
    const namespace = ["unshare", "-rn", "sh", "-c", script, "sh"];
    const start = async (name: string): Promise<Ended> => {
      const flags = [`--allow-net=[fe80::1%${name}]`];
      return await run([...namespace, ...jailArgv(flags, ["/bin/true"])]);
    };
    const { code, stderr } = await start("other0");
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const none = 'there is no interface "lo"';
    assertStringIncludes((await start("lo")).stderr, none);
  },
});

const ONE_LINK = `import socket
def attempt(*args):
    try: return args[0](*args[1:]) or "made"
    except PermissionError: return "refused"
    except OSError: return "failed"
link = ("fe80::1", 9, 0, 1)
here, mapped = ("::1", 9), ("::ffff:127.0.0.1", 9)
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    s = socket.socket(socket.AF_INET6, kind)
    print(attempt(s.connect, link), attempt(s.connect, here), attempt(s.connect, mapped))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(attempt(s.bind, ("fe80::1", 8, 0, 1)), attempt(s.sendto, b"x", here),
      attempt(s.sendmsg, [b"x"], [], 0, mapped), attempt(s.sendto, b"x", link))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(attempt(s.connect, here), attempt(s.connect, link), attempt(s.send, b"x"))
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
print(attempt(s.sendto, b"x", link), attempt(s.sendto, b"x", 0x20000000, link),
      attempt(s.sendto, b"x", here))`;

for (const engine of ENGINES) {
  const name =
    `a socket that an address binds to an interface goes nowhere else (${engine})`;
  Deno.test({
    ...needs(["ip"], NETWORKS ? name : `${name} (needs unshare -rn)`),
    ...(NETWORKS ? {} : { ignore: true }),
    async fn(): Promise<void> {
      const up = "ip link set lo up && ip addr add fe80::1/64 dev lo nodad";
      const argv = ["/usr/bin/python3", "-c", ONE_LINK];
      const net = "[fe80::1%1]:1-9,localhost:9";
      const flags = ["-R", `--allow-net=${net}`];
      const ended = await run([
        ...["unshare", "-rn", "sh", "-c", `${up} && exec "$@"`, "sh"],
        ...jailArgv(flags, argv, engine),
      ]);
      assertEquals(
        ended.stdout,
        [
          "made refused refused",
          "failed refused refused",
          "made refused refused 1",
          "made refused 1",
          "1 1 1",
          "",
        ].join("\n"),
        ended.stderr,
      );
    },
  });
}

for (const engine of ENGINES) {
  const name =
    `nobody uses a socket while an address binds it to an interface (${engine})`;
  Deno.test({
    ...needs(["ip"], NETWORKS ? name : `${name} (needs unshare -rn)`),
    ...(NETWORKS ? {} : { ignore: true }),
    async fn(): Promise<void> {
      const inside = `${SLEEPER}
link, here = ("fe80::1", 9, 0, 1), ("::1", 9)
one, other, sender = (socket.socket(socket.AF_INET6, kind) for kind in (1, 1, 2))
for it in one, other: stops(it.connect, here)
stops(one.connect, link)
stops(other.bind, ("fe80::1", 0, 0, 1))
stops(sender.sendto, b"x", link)
os.close(ends)`;
      const up = "ip link set lo up && ip addr add fe80::1/64 dev lo nodad";
      const ended = await run([
        ...["unshare", "-rn", "sh", "-c", `${up} && exec "$@"`, "sh"],
        ...jailArgv(
          ["-R", "--allow-net=[fe80::1%1],[::1]:9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const no = "False\n";
      const stdout = `${no}${no}True\nTrue\n${no}`;
      assertEquals(ended.stdout, stdout, ended.stderr);
    },
  });
}

for (const engine of ENGINES) {
  const name =
    `a socket that was accepted on one link goes nowhere else (${engine})`;
  Deno.test({
    ...needs(["ip"], NETWORKS ? name : `${name} (needs unshare -rn)`),
    ...(NETWORKS ? {} : { ignore: true }),
    async fn(): Promise<void> {
      const outside = `import socket, time
while True:
    try: it = socket.create_connection(("fe80::1%lo", 8080))
    except OSError: time.sleep(0.01)
    else: break
it.recv(1)`;
      const inside = `${SLEEPER}
it, _ = socket.create_server(("::", 8080), family=socket.AF_INET6).accept()
print(it.getsockopt(socket.SOL_SOCKET, 62))
stops(lets_go, it)
try: it.connect(("::1", 9))
except OSError as error: print(error.strerror)
os.close(ends)`;
      const up = "ip link set lo up && ip addr add fe80::1/64 dev lo nodad";
      const knock = `/usr/bin/python3 -c '${outside}' >/dev/null 2>&1 &`;
      const ended = await run([
        ...["unshare", "-rn", "sh", "-c", `${up} && ${knock}\nexec "$@"`, "sh"],
        ...jailArgv(
          ["-R", "--allow-net=[::]:8080,[::1]:9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      // SO_BINDTOIFINDEX says the first interface.
      const said = "1\nTrue\nOperation not permitted\n";
      assertEquals(ended.stdout, said, ended.stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `nothing that was kept back goes to port 0 (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
for more in socket.MSG_MORE, 0:
    for family, there in (socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::ffff:127.0.0.2"):
        s = socket.socket(family, socket.SOCK_DGRAM)
        if more:
            s.connect((there[:-1] + "1", 9))
            s.send(b"x", more)
        try: print(s.connect((there, 0)))
        except PermissionError: print("refused")`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9,127.0.0.2:443"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "refused\nrefused\nNone\nNone\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `nobody sends by a socket of IPv6 while it is connected to an address of IPv4 (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `${SLEEPER}
it = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
stops(it.connect, ("::ffff:127.0.0.1", 9))
os.close(ends)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "True\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `nobody uses a socket for datagrams while it gets an address, or loses one (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `${SLEEPER}
it, other = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab")
stops(lets_go, it)
for _ in "ab": stops(it.connect, ("127.0.0.1", 9))
stops(lets_go, it)
stops(other.bind, ("127.0.0.1", 0))
os.close(ends)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "True\n".repeat(5), stderr);
    },
  });
}

/** Runs what comes behind, with a PORT in it, and prints what came there. */
const RECEIVES = `import socket, subprocess, sys
it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.bind(("127.0.0.1", 0))
it.setblocking(False)
subprocess.run([arg.replace("PORT", str(it.getsockname()[1])) for arg in sys.argv[1:]])
try:
    while True: print(it.recv(9))
except BlockingIOError: pass`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a socket that could not be connected to another host sends to its own (${engine})`,
    ),
    async fn(): Promise<void> {
      // From the loopback nobody else is reached.
      const inside = `import os, signal, socket
it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.connect(("127.0.0.1", PORT))
try: it.connect(("192.0.2.1", 9))
except OSError: pass
for text in b"alone", b"alone": it.send(text)
pid = os.fork()
if pid == 0: signal.pause()
try: it.connect(("192.0.2.1", 9))
except OSError: pass
for text in b"beside", b"beside": it.send(text)
os.kill(pid, signal.SIGKILL)`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", RECEIVES],
        ...jailArgv(
          ["-R", "--allow-net=127.0.0.1:PORT,192.0.2.1:9"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const both = (text: string): string => `b'${text}'\n`.repeat(2);
      assertEquals(stdout, both("alone") + both("beside"), stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `an address without a family is the one of IPv4 that rules take it for (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import ctypes, os, socket, struct
libc = ctypes.CDLL(None, use_errno=True)
def send(to):
    address = struct.pack(">HH4s8x", 0, PORT, socket.inet_aton(to))
    done = libc.sendto(it.fileno(), to.encode(), len(to), 0, address, len(address))
    print(done if done >= 0 else os.strerror(ctypes.get_errno()), flush=True)
for family, before in (socket.AF_INET, ""), (socket.AF_INET6, "::ffff:"):
    it = socket.socket(family, socket.SOCK_DGRAM)
    send("127.0.0.1")
    it.connect((before + "127.0.0.1", PORT))
    send("127.0.0.1"); send("127.0.0.2")`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", RECEIVES],
        ...jailArgv(
          ["-R", "--allow-net=127.0.0.1:PORT"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      const said = "9\n9\nPermission denied\n".repeat(2);
      assertEquals(stdout, said + "b'127.0.0.1'\n".repeat(4), stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a stream does not wait with its connection by IPv4, and goes nowhere else (${engine})`,
    ),
    async fn(): Promise<void> {
      const outside = `import socket, subprocess, sys
waits = socket.socket(socket.AF_INET6)
# TCP_FASTOPEN_NO_COOKIE, TCP_FASTOPEN_CONNECT
for option in 34, 30: waits.setsockopt(socket.IPPROTO_TCP, option, 1)
subprocess.run(sys.argv[1:], stdin=waits.fileno())`;
      // Of no more sockets than these it could be remembered.
      const inside = `import ctypes, socket
libc = ctypes.CDLL(None)
handed, own = socket.socket(fileno=0), socket.socket(socket.AF_INET6)
def tried(call, *args):
    try: return str(call(*args))
    except OSError as error: return error.strerror
made = tried(own.setsockopt, socket.IPPROTO_TCP, 34, 1), tried(own.setsockopt, socket.IPPROTO_TCP, 30, 1)
print(*made)
for it in handed, own:
    print(tried(it.connect, ("::ffff:127.0.0.1", 9)))
    libc.connect(it.fileno(), bytes(16), 16)
for _ in range(4097 if made[1] == "None" else 0):
    with socket.socket(socket.AF_INET6) as other: tried(other.connect, ("::ffff:127.0.0.1", 9))
for it in handed, own:
    it.settimeout(.5)
    print(tried(it.connect, ("::1", 7)))`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-uc", outside],
        ...jailArgv(
          ["-R", "--allow-net=127.0.0.1:9,[::1]:7"],
          ["/usr/bin/python3", "-uc", inside],
          engine,
        ),
      ]);
      assertEquals(
        stdout,
        "None Operation not supported\nOperation not permitted\nConnection refused\n" +
          "Operation not permitted\n".repeat(2),
        stderr,
      );
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a stream that was connected by IPv4 is connected to no address of IPv6 (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import ctypes, socket
libc = ctypes.CDLL(None)
old, new = ("::ffff:127.0.0.1", 9), ("::1", 9)
def tried(call, *args):
    try: return str(call(*args))
    except OSError as error: return error.strerror
for firsts in (), (new,), (old,), (new, old):
    it = socket.socket(socket.AF_INET6)
    it.settimeout(5)
    for first in firsts:
        tried(it.connect, first)
        libc.connect(it.fileno(), bytes(16), 16)
    # By a message as well, where the kernel connects so.
    print("not permitted" in tried(it.sendto, b"x", socket.MSG_FASTOPEN, new), tried(it.connect, new))
    print(tried(it.connect, old))`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9,[::1]:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      const dead = "Connection refused";
      const no = "Operation not permitted";
      const made = `False ${dead}\n${dead}\n`.repeat(2);
      const refused = `True ${no}\n${dead}\n`.repeat(2);
      assertEquals(stdout, made + refused, stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a stream that was accepted by IPv4 is connected to no address of IPv6, though it has listened (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import ctypes, socket
libc = ctypes.CDLL(None)
server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
client = socket.create_connection(("127.0.0.1", server.getsockname()[1]))
it, _ = server.accept()
for each in client, server: each.close()
it.settimeout(5)
def connect():
    try: it.connect(("::1", 9))
    except OSError as error: print(error.strerror)
def lets_go(): libc.connect(it.fileno(), bytes(16), 16)
lets_go()
connect()
it.bind(("::", 0))
try: it.listen()
except OSError as error: assert error.errno == 22  # as Linux 6.18.44 says
connect()
lets_go()
connect()`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=[::],127.0.0.1,[::1]:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "Operation not permitted\n".repeat(3), stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a stream that lost its address as a bind failed listens nowhere else (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
def listens(it):
    try: it.listen()
    except OSError as error: return print(error.strerror)
    print(it.getsockname()[0])
for kind, here in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
    other, it = socket.socket(kind), socket.socket(kind)
    for each in other, it:
        each.bind((here, 0))
        each.listen()
    for _ in "12":
        it.shutdown(socket.SHUT_RDWR)
        listens(it)
    it.shutdown(socket.SHUT_RDWR)
    try: it.bind(other.getsockname())
    except OSError as error: print(error.strerror)
    listens(it)
    it.bind((here, 0))
    listens(it)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1,[::1]"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      const said = ["127.0.0.1", "::1"].map((here) =>
        [
          ...[here, here, "Address already in use", "Permission denied", here],
          "",
        ].join("\n")
      );
      assertEquals(stdout, said.join(""), stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `nobody uses a stream until it listens (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `${SLEEPER}
it, other = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.bind(("127.0.0.1", 0))
for each in it, it, other: stops(each.listen)
os.close(ends)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "True\nTrue\nFalse\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `nobody connects a stream of IPv6 while another one connects it by IPv4 (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `${SLEEPER}
it = socket.socket(socket.AF_INET6)
stops(it.connect, ("::1", 9))
it = socket.socket(socket.AF_INET6)
stops(it.connect, ("::ffff:127.0.0.1", 9))
os.close(ends)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9,[::1]:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      assertEquals(stdout, "False\nTrue\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a socket keeps nothing back but for whom it is connected to (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
here = ("127.0.0.1", 9)
def tried(call, *args):
    try: return call(*args)
    except OSError as error: return error.strerror
for kind in socket.AF_INET, socket.AF_INET6:
    there = here if kind == socket.AF_INET else ("::1", 9)
    it = socket.socket(kind, socket.SOCK_DGRAM)
    it.connect(there)
    print(tried(it.send, b"x", socket.MSG_MORE))
    print(tried(it.sendmsg, [b"x"], [], socket.MSG_MORE))
    print(tried(it.sendto, b"x", socket.MSG_MORE, there))
    print(tried(it.sendmsg, [b"x"], [], socket.MSG_MORE, there))
    print(tried(it.setsockopt, socket.IPPROTO_UDP, 1, 1))
    print(tried(it.sendto, b"x", there))
    # Of a stream the address means nothing.
    print(tried(socket.socket(kind).sendto, b"x", socket.MSG_MORE, there))`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9,[::1]:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      const no = "Operation not permitted";
      const each = [1, 1, no, no, no, 1, "Broken pipe"].join("\n");
      assertEquals(stdout, `${each}\n${each}\n`, stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `no datagram goes to a mix of two addresses that its socket is connected to (${engine})`,
    ),
    async fn(): Promise<void> {
      // Of both ports the other address is closed.
      const outside = `import socket, subprocess, sys
def bound(*at):
    it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    it.bind(at)
    it.setblocking(False)
    return it
one, other = bound("127.0.0.1", 0), bound("127.0.0.2", 0)
first, second = (str(it.getsockname()[1]) for it in (one, other))
closed = bound("127.0.0.2", int(first)), bound("127.0.0.1", int(second))
subprocess.run([arg.replace("FIRST", first).replace("SECOND", second) for arg in sys.argv[1:]])
print(one.recv(9))
for it in closed:
    try: print(it.recv(9))
    except BlockingIOError: print("nothing")`;
      const inside = `import os, signal, socket
one, other = ("127.0.0.1", FIRST), ("127.0.0.2", SECOND)
it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.connect(one)
it.send(b"kept", socket.MSG_MORE)
it.connect(other)
pid = os.fork()
while pid == 0:
    try: it.send(b"x")
    except OSError: pass
for _ in range(1000):
    it.connect(one)
    it.connect(other)
os.kill(pid, signal.SIGKILL)`;
      const { stdout, stderr } = await run([
        ...["/usr/bin/python3", "-c", outside],
        ...jailArgv(
          ["-R", "--allow-net=127.0.0.1:FIRST,127.0.0.2:SECOND"],
          ["/usr/bin/python3", "-c", inside],
          engine,
        ),
      ]);
      assertEquals(stdout, "b'kept'\nnothing\nnothing\n", stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `no message passes over the routes to its address (${engine})`,
    ),
    async fn(): Promise<void> {
      const inside = `import socket
here = ("127.0.0.1", 9)
def datagrams():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def attempt(send):
    try:
        send()
        print("sent")
    except PermissionError: print("refused")
connected = datagrams()
connected.connect(here)
for flags in socket.MSG_DONTROUTE, 0:
    attempt(lambda: datagrams().sendto(b"x", flags, here))
    attempt(lambda: datagrams().sendmsg([b"x"], [], flags, here))
    attempt(lambda: connected.send(b"x", flags))
attempt(lambda: datagrams().setsockopt(socket.SOL_SOCKET, socket.SO_DONTROUTE, 1))`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=127.0.0.1:9"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      const refused = "refused\n";
      assertEquals(
        stdout,
        `${refused.repeat(3)}${"sent\n".repeat(3)}${refused}`,
        stderr,
      );
    },
  });
}

const TO_MANY = `import socket, struct
def send(family, name, own, to=None):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_TTL, 0)
    info = socket.SOL_IP, 8, struct.pack("i4s4s", 0, socket.inet_aton(own), bytes(4))
    try:
        if to: s.connect((to, 9))
        s.sendmsg([b"x"], [info], 0, *([] if to else [(name, 9)]))
        return "sent"
    except PermissionError: return "refused"
    except OSError: return "sent"
for many in "239.1.1.1", "255.255.255.255":
    for family, name in (socket.AF_INET, many), (socket.AF_INET6, "::ffff:" + many):
        print(*[send(family, name, "127.0.0.1", to) for to in (None, name)])
print(send(socket.AF_INET, "239.1.1.1", "0.0.0.0"))
print(*[send(socket.AF_INET, "127.0.0.1", "127.0.0.1", to) for to in (None, "127.0.0.1")])
def attempt(call, *args):
    try: call(*args)
    except PermissionError: return "refused"
    except OSError: pass
    return "made"
many, one = ("239.1.1.1", 9), ("127.0.0.1", 9)
for first in one, many:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_TTL, 0)
    s.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_LOOP, 0)
    print(attempt(s.connect, first), attempt(s.sendto, b"x", many),
          attempt(s.sendmsg, [b"x"], [], 0, many), attempt(s.connect, many))`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a message to many chooses no interface by the address it comes from (${engine})`,
    ),
    async fn(): Promise<void> {
      const argv = ["/usr/bin/python3", "-c", TO_MANY];
      const net = "239.1.1.1:9,255.255.255.255:9,127.0.0.1:9";
      const { stdout, stderr } = await jail(
        ["-R", `--allow-net=${net}`],
        argv,
        { engine },
      );
      const refused = "refused refused\n".repeat(4);
      const after = "made refused refused refused\nmade made made made\n";
      assertEquals(stdout, `${refused}sent\nsent sent\n${after}`, stderr);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a message to many chooses no interface by the address that its socket has (${engine})`,
    ),
    async fn(): Promise<void> {
      // One that was bound to an address keeps the next one that it gets.
      const inside = `import ctypes, socket
libc = ctypes.CDLL(None)
def tried(call, *args):
    try: call(*args)
    except PermissionError: return "refused"
    except OSError: pass
    return "made"
one, many = ("127.0.0.1", 9), ("239.1.1.1", 9)
def made(name):
    it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    it.setsockopt(socket.SOL_IP, socket.IP_MULTICAST_TTL, 0)
    it.bind((name, 0))
    return it
def use(it):
    it.connect(one)
    libc.connect(it.fileno(), bytes(16), 16)
def show(it):
    print(tried(it.sendto, b"x", many), tried(it.sendmsg, [b"x"], [], 0, many),
          tried(it.connect, many))
show(made("127.0.0.1"))
kept = made("127.0.0.1")
use(kept); kept.bind(("0.0.0.0", 0)); use(kept)
show(kept)
let_go = made("0.0.0.0")
use(let_go)
show(let_go)`;
      const { stdout, stderr } = await jail(
        ["-R", "--allow-net=239.1.1.1:9,127.0.0.1,0.0.0.0:0"],
        ["/usr/bin/python3", "-c", inside],
        { engine },
      );
      const refused = "refused refused refused\n".repeat(2);
      assertEquals(stdout, `${refused}made made made\n`, stderr);
    },
  });
}

/**
 * Sends to who never answers to be found, until there is no room, and connects the
 * same socket elsewhere, while a child makes calls that jail looks at.
 *
 * @param control the control messages of what it sends
 * @param begins what begins to send, by `sends`, and says by what id
 * @param port where the socket is connected to then
 */
const heldBySender = (control: string, begins: string, port: number): string =>
  `import fcntl, os, select, signal, socket, struct, threading, time
end, ends = os.pipe()
child = os.fork()
longest, last = 0, time.monotonic()
while child == 0:
    try: os.mkdir("/nowhere/made")
    except OSError: pass
    longest, last = max(longest, time.monotonic() - last), time.monotonic()
    if select.select([end], [], [], .01)[0]:
        longest = max(longest, time.monotonic() - last)
        print("at once" if longest < 4 else "held up")
        os._exit(0)
it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
it.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
room = it.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
it.connect(("10.99.0.2", 9))
def sends():
    while True:
        it.sendmsg([bytes(900)], ${control}, socket.MSG_MORE)
        it.send(b"")
${begins}
def state(): return open(f"/proc/{tid}/stat").read().split()[2]
def unsent(): return struct.unpack("i", fcntl.ioctl(it, 0x5411, bytes(4)))[0]
while unsent() < room or state() != "S": time.sleep(.01)
try: it.connect(("10.99.0.3", ${port}))
except PermissionError: pass
os.write(ends, b".")
os.waitpid(child, 0)
os.kill(tid, signal.SIGKILL)`;

/** IP_PKTINFO: for such a message others that have its descriptor are stopped. */
const SOURCE =
  '[(0, 8, struct.pack("i4s4s", 0, bytes([10, 99, 0, 1]), bytes(4)))]';

const BY_THREAD = `thread = threading.Thread(target=sends, daemon=True)
thread.start()
tid = thread.native_id`;

const BY_PROCESS = `tid = os.fork()
if tid == 0: sends()`;

const HELD = [
  [
    "jail waits for nobody who keeps the lock of a socket that is connected anew",
    "[]",
    BY_THREAD,
    9,
  ],
  [
    "jail waits for nobody who keeps the lock of a socket that is connected to port 0",
    "[]",
    BY_PROCESS,
    0,
  ],
  [
    "jail waits for nobody who keeps the lock of a socket that is connected anew while one says where it sends from",
    SOURCE,
    BY_THREAD,
    9,
  ],
] as const;

for (
  const [engine, [what, control, begins, port]] of ENGINES.flatMap((engine) =>
    HELD.map((held) => [engine, held] as const)
  )
) {
  const name = `${what} (${engine})`;
  Deno.test({
    ...needs(["ip"], NETWORKS ? name : `${name} (needs unshare -rn)`),
    ...(NETWORKS ? {} : { ignore: true }),
    async fn(): Promise<void> {
      const up = "ip link add v0 type veth peer name v1 && " +
        "ip addr add 10.99.0.1/24 dev v0 && ip link set v0 up && " +
        "ip link set v1 up && " +
        "ip ntable change name arp_cache dev v0 retrans 5000";
      const argv = [
        "/usr/bin/python3",
        "-uc",
        heldBySender(control, begins, port),
      ];
      const flags = ["-R", "--allow-net=10.99.0.0/24"];
      const ended = await run([
        ...["unshare", "-rn", "sh", "-c", `${up} && exec "$@"`, "sh"],
        ...jailArgv(flags, argv, engine),
      ]);
      assertEquals(ended.stdout, "at once\n", ended.stderr);
    },
  });
}

Deno.test("jail starts where one rule names a host and another an interface", async () => {
  const flags = ["--allow-net=example.org,[fe80::1%lo]"];
  const { code, stderr } = await jail(flags, ["/bin/true"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("--report says which flag opens the sockets of a family that no rule is about", async () => {
  for (
    const [family, flags, said] of [
      ["UNIX", ["--allow-net=127.0.0.1:1"], "(--allow-net=unix:PATH)"],
      ["INET", ["--allow-net=unix:/run/x"], "(--allow-net=HOST)"],
    ] as const
  ) {
    const program = `import socket; socket.socket(socket.AF_${family})`;
    const argv = ["/usr/bin/python3", "-c", program];
    const ended = await jail(["-p", "default", "--report", ...flags], argv);
    assertStringIncludes(ended.stderr, `socket(AF_${family}, `);
    assertStringIncludes(ended.stderr, `${said}\n`);
  }
});

Deno.test("--report says how a policy lets a program ask for the machine's interfaces, and it does", async () => {
  await using directory = await scratch();
  const asks = "import socket; print(len(socket.if_nameindex()) > 0)";
  const run = async (net: string) => {
    const policy = `extends: default\nnet: ${net}\n`;
    const file = await directory.file("p.yaml", policy);
    return await jail(["-p", file, "--report"], [
      "/usr/bin/python3",
      "-c",
      asks,
    ]);
  };
  const refused = await run('{listen: ["127.0.0.1:80"]}');
  const [, said] = /unless net: \{(sockets: .*)\}$/m.exec(refused.stderr) ?? [];
  assertEquals([refused.stdout, said], ["", "sockets: [inet, inet6, netlink]"]);
  const allowed = await run(`{listen: ["127.0.0.1:80"], ${said}}`);
  assertEquals(allowed.stdout, "True\n", allowed.stderr);
});

Deno.test("--report of a run without network says what lets it ask for the machine's interfaces, and it does", async () => {
  const asks = "import socket; print(len(socket.if_nameindex()) > 0)";
  const python = ["/usr/bin/python3", "-c", asks];
  const refused = await jail(["-p", "default", "--report"], python);
  const lines = refused.stderr.split("\n");
  const at = lines.findIndex((line) => line.includes("socket(AF_NETLINK, "));
  const [, said] = /unless (net: \{.*\})$/.exec(lines[at + 1] ?? "") ?? [];
  assertEquals([refused.stdout, said], ["", "net: {sockets: [netlink]}"]);
  const allowed = await jail(`extends: default\n${said}\n`, python);
  assertEquals(allowed.stdout, "True\n", allowed.stderr);
});

Deno.test("--report names the address that was refused, and the rule", async () => {
  const program = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9"];
  const flags = ["-p", "default", "--report"];
  const denied = await jail([
    ...flags,
    "--allow-net=127.0.0.1",
    "--deny-net=127.0.0.0/8:1-10",
  ], program);
  assertStringIncludes(
    denied.stderr,
    "jail: denied connect(3, 127.0.0.1:9) with EACCES\n" +
      "  --deny-net=127.0.0.0/8:1-10\n",
  );
  const other = await jail([...flags, "--allow-net=127.0.0.1:1"], program);
  assertStringIncludes(
    other.stderr,
    "jail: denied connect(3, 127.0.0.1:9) with EACCES\n" +
      "  jail  no rule allows it; --allow-net would\n",
  );
});

const SHORT_NAMES = `import os, socket, sys, threading
end = threading.Event()
threading.Thread(target=end.wait).start()
try:
  home, way = sys.argv[1:]
  deep = home + "/a directory with a name that is long" * 4
  os.makedirs(deep)
  os.symlink(deep, home + "/to")
  os.chdir(deep)
  name = "socket" if way == "here" else home + "/to/socket"
  with socket.socket(socket.AF_UNIX) as s, socket.socket(socket.AF_UNIX) as c:
    s.bind(name)
    s.listen()
    c.connect(name)
    print(os.path.relpath(c.getpeername(), home if way == "link" else "."))
finally:
  end.set()`;

for (const engine of ENGINES) {
  // Where not every call is heard of that moves a process, it could be elsewhere.
  for (const way of engine === "ptrace" ? ["link"] : ["link", "here"]) {
    Deno.test({
      ...needs(
        ["python3"],
        `jail (${engine}) knows a socket by its short name in a long directory, beside a thread (${way})`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const home = directory.path;
        const argv = ["/usr/bin/python3", "-c", SHORT_NAMES, home, way];
        const ended = await run(jailArgv(["-A"], argv, engine));
        const name = way === "here" ? "socket\n" : "to/socket\n";
        assertEquals(ended.stdout, name, ended.stderr);
      },
    });
  }
}

/** Asks for what rules of the network refuse, whatever the address. */
const REFUSED_WISHES = `import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
def attempt(what, *args):
  try: what(*args)
  except PermissionError: return
  print("allowed", args)
group = socket.inet_aton("224.0.0.251")
attempt(s.setsockopt, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + bytes(4))
attempt(s.setsockopt, socket.IPPROTO_IP, socket.IP_MULTICAST_IF, bytes(4))
attempt(six.setsockopt, socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, 1)
attempt(s.setsockopt, socket.IPPROTO_IP, 51, 0)
attempt(s.setsockopt, socket.IPPROTO_UDP, 1, 1)
attempt(s.sendto, b"x", socket.MSG_MORE, ("127.0.0.1", 9))
attempt(s.sendto, b"x", socket.MSG_DONTROUTE | socket.MSG_DONTWAIT, ("127.0.0.1", 9))
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `a report names options of sockets and flags of messages, and says why they are refused (${engine})`,
    ),
    async fn(): Promise<void> {
      const ended = await jail(
        ["-p", "python", "--allow-net=127.0.0.1,[::1]", "--report"],
        ["/usr/bin/python3", "-c", REFUSED_WISHES],
        { engine },
      );
      const group =
        "under rules of net no group is joined, and no interface chosen";
      const port = "the kernel would choose a port that the program has chosen";
      const kept = "what is kept back could go to a mix of two addresses";
      for (
        const [text, why] of [
          ["SOL_IP, IP_ADD_MEMBERSHIP, ", group],
          ["SOL_IP, IP_MULTICAST_IF, ", group],
          ["SOL_IPV6, IPV6_MULTICAST_IF, ", group],
          ["SOL_IP, IP_LOCAL_PORT_RANGE, ", port],
          ["SOL_UDP, UDP_CORK, ", kept],
          ["1, MSG_MORE, 127.0.0.1:9)", kept],
          [
            "1, MSG_DONTROUTE|MSG_DONTWAIT, 127.0.0.1:9)",
            "the route is its own",
          ],
        ] as const
      ) {
        const lines = ended.stderr.split("\n");
        const at = lines.findIndex((line) => line.includes(text));
        assert(at >= 0, `${text} in ${ended.stderr}`);
        assertStringIncludes(lines[at + 1] ?? "", why);
      }
      assertEquals(ended.stdout, "");
    },
  });
}
