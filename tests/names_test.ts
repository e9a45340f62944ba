/** Rules that name hosts hold for programs as they are, and DNS is no way out. */

import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Engine, NameOptions } from "../src/trace/options.ts";
import { ENGINES, fixture, jailArgv } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { type Asked, inLab, type LabEnded, needsLab } from "./lab.ts";
import { runTraced } from "./traced.ts";
import { withoutArgv } from "./without.ts";

const TRY = new URL("./fixtures/names_try.py", import.meta.url).pathname;

const POLICY = `extends: default
read: ["${TRY}"]
net:
  connect:
    allow: ["*.example.org:8080"]
    deny: ["evil.example.org"]
    ignore: ["hidden.example.org"]
  listen: ["127.0.0.1:0", "*:53"]
`;

/** Runs a program in a jail in the lab. */
async function jailed(
  flags: readonly string[],
  argv: readonly string[],
  engine?: Engine,
): Promise<LabEnded> {
  return await inLab(jailArgv(flags, argv, engine));
}

async function policyOf(directory: Scratch, text: string): Promise<string[]> {
  return ["-p", await directory.file("policy.yaml", text)];
}

/** The names that were asked for, each once, in order. */
function names(questions: readonly Asked[]): string[] {
  return [...new Set(questions.map(({ name }) => name))].sort();
}

/** All that a resolver may be sent for www.example.org, but its number. */
const PLAIN = "01000001000000000001" + "03777777076578616d706c65036f726700" +
  "00010001" + "00002904d0000000000000";

const RESOLVER = `["127.0.0.53", 53]`;

// What names_try.py gets under that policy.
const EXPECTED: Readonly<Record<string, string>> = {
  "an allowed name": "NOERROR 1",
  "its case": "NOERROR 1",
  "a connected socket": "NOERROR 1",
  "by a socket of IPv6": "NOERROR 1",
  "by TCP": "NOERROR 1",
  "by TCP, several at once": Array(20).fill("NOERROR 1").join(" "),
  "by TCP, byte by byte": "NOERROR 1",
  "by TCP, after one that is refused": "NXDOMAIN NOERROR 1",
  "another name": "NXDOMAIN",
  "another name by TCP": "NXDOMAIN",
  "a denied name": "REFUSED",
  "an ignored name": "NXDOMAIN",
  "options": "NOERROR 1",
  "another number": "NOERROR 1",
  "ANY": "NOTIMP",
  "a type of nobody": "NOTIMP",
  "bytes behind it": "FORMERR",
  "a dot in a label": "NXDOMAIN",
  "a zero in a label": "NXDOMAIN",
  "other letters": "NXDOMAIN",
  "a pointer": "FORMERR",
  "localhost": "NOERROR 1",
  "a long answer": "NOERROR cut",
  "a long answer by TCP": "NOERROR 100",
  "who knows no EDNS": "NOERROR 1",
  "who knows no EDNS, by TCP": "NOERROR 1",
  "a broken answer": "SERVFAIL",
  "a lie about a length": "closed",
  "a length of nothing": "closed",
  "who answers": `[${RESOLVER}, ${RESOLVER}, ${RESOLVER}]`,
  "what was learned": "reached",
  "what was learned, by UDP": "127.1.0.1:8080 from 127.1.0.1",
  "what was learned, by a message": "127.1.0.1:8080 from 127.1.0.1",
  "what was learned, by UDP that is connected": "reached",
  "what was learned, as IPv6": "127.1.0.1:8080 from ::ffff:127.1.0.1",
  "what was learned, by the socket that asked":
    "127.0.0.53 127.1.0.1 127.0.0.53",
  "what was learned, at another port": "EACCES",
  "a wait that is interrupted": "127.0.0.53",
  "what nobody asked for": "EACCES",
  "what an alias leads to": "reached",
  "an address of IPv4 as IPv6": "reached",
  "what came beside an answer": "EACCES",
  "what a broken answer said": "EACCES",
  "what is shared": "reached",
  "a name of hosts": "reached",
  "another name of hosts": "EACCES",
  "jail's own port": "EACCES",
  "the resolver's other ports": "EACCES",
  "after garbage": "NOERROR 1, NOERROR 1",
  "in the resolver's place": "EPERM",
  "in its place, from anywhere": "EPERM",
  "in its place, from elsewhere": "EPERM",
  "in its place, by TCP": "EPERM",
};

/** The numbers that the program gives its questions. */
const PROGRAMS: ReadonlySet<string> = new Set(["1234", "5ec7"]);

for (const engine of ENGINES) {
  for (const how of ["alone", "beside"]) {
    const where = how === "alone" ? "a lone thread" : "a thread beside others";
    Deno.test({
      ...needsLab(
        [],
        `jail (${engine}) lets ${where} ask for the names of its rules, and nothing else`,
      ),
      async fn(): Promise<void> {
        await using directory = await scratch();
        const flags = await policyOf(directory, POLICY);
        const argv = ["/usr/bin/python3", TRY, how];
        const ended = await jailed(flags, argv, engine);
        assertEquals(ended.stderr, "");
        assertEquals(JSON.parse(ended.stdout), EXPECTED);
        assertEquals(names(ended.questions), [
          "alias.example.org",
          "big.example.org",
          "broken.example.org",
          "mapped.example.org",
          "old.example.org",
          "poison.example.org",
          "shared.example.org",
          "www.example.org",
        ]);
        const sent = ended.questions
          .filter(({ name }) => name === "www.example.org")
          .map(({ bytes }) => bytes.slice(4));
        assertEquals([...new Set(sent)], [PLAIN]);
        const numbers = ended.questions.map(({ bytes }) => bytes.slice(0, 4));
        // One of them may be the program's by chance, and one alone.
        const same = numbers.filter((number) => PROGRAMS.has(number));
        assert(same.length < 2, "the numbers are the program's");
      },
    });
  }

  Deno.test({
    ...needsLab(
      ["gcc"],
      `jail (${engine}) holds a static program that asks by hand, while a thread changes whom and what`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const program = fixture("race_names", ["-static", "-pthread"]);
      const flags = await policyOf(
        directory,
        raced(program),
      );
      const ended = await jailed(flags, [program, "2"], engine);
      assertEquals(ended.stderr, "");
      const counts = /^attempts ([0-9]+) wins 0\n$/.exec(ended.stdout);
      assert(Number(counts?.[1]) > 10, ended.stdout);
      assertEquals(ended.reached, []);
      const sent = new Set(ended.questions.map(({ bytes }) => bytes.slice(4)));
      assertEquals([...sent], [PLAIN]);
    },
  });
}

function raced(program: string): string {
  return `extends: base
run: ["${program}"]
net: {connect: ["www.example.org:8080"]}
`;
}

const PYTHON = `import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
s.send(b"x"); print(s.recv(99).split(b"\\r\\n")[-1].decode(), end="")`;
const NODE =
  `require("http").get("http://" + process.argv[1] + ":" + process.argv[2] + "/",
  (r) => r.pipe(process.stdout))
  .on("error", (e) => { console.error(e.code); process.exitCode = 7; })`;

Deno.test({
  ...needsLab(["gcc"], "without pinning that program gets out"),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const program = fixture("race_names", ["-static", "-pthread"]);
    const [, policy = ""] = await policyOf(directory, raced(program));
    const ended = await inLab(
      withoutArgv("pinning", "seccomp", policy, [program, "2"]),
    );
    assertEquals(ended.stderr, "");
    assert(ended.reached.length > 0, "nothing came to another host");
    const asked = names(ended.questions);
    assert(asked.includes("www.secrets.org"), "no other name was asked for");
  },
});

/** Programs that connect to a host, which tells where they came to. */
const CLIENTS: Readonly<
  Record<string, (host: string, port: string) => readonly string[]>
> = {
  curl: (host, port) => ["curl", "-sS", "-m", "10", `http://${host}:${port}/`],
  python3: (host, port) => ["/usr/bin/python3", "-c", PYTHON, host, port],
  node: (host, port) => ["node", "-e", NODE, host, port],
  nc: (host, port) => [
    ...["bash", "-c"],
    `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 ${host} ${port} | tail -n 1`,
  ],
};

for (const [name, words] of Object.entries(CLIENTS)) {
  Deno.test({
    ...needsLab(
      [name],
      `${name} reaches what its policy names, by name and by address, and nothing else`,
    ),
    async fn(): Promise<void> {
      const flags = [
        "-p",
        "default",
        "--allow-net=www.example.org:8080,six.example.org,127.1.0.2:8080",
      ];
      for (
        const [host, port, want] of [
          ["www.example.org", "8080", "127.1.0.1:8080"],
          ["six.example.org", "8080", "[::1]:8080"],
          ["127.1.0.2", "8080", "127.1.0.2:8080"],
          ["www.example.org", "8081", ""],
          ["www.other.net", "8080", ""],
          // It is one that a name has, and nobody has asked for that.
          ["127.1.0.1", "8080", ""],
        ] as const
      ) {
        const ended = await jailed(flags, words(host, port));
        assertEquals(
          { stdout: ended.stdout.trimEnd(), reached: ended.reached },
          { stdout: want, reached: want === "" ? [] : [want] },
          `${host}:${port} ${ended.stderr}`,
        );
        const asked = /^[0-9]/.test(host) || host === "www.other.net"
          ? []
          : [host];
        assertEquals(names(ended.questions), asked);
      }
    },
  });
}

Deno.test({
  ...needsLab(
    ["ssh", "getent"],
    "ssh and getent find the names of the policy alone",
  ),
  async fn(): Promise<void> {
    const flags = ["-p", "default", "--allow-net=www.example.org:8080"];
    const ssh = (host: string): Promise<LabEnded> =>
      jailed(flags, [
        ...["ssh", "-F", "none", "-o", "BatchMode=yes", "-p", "8080"],
        host,
      ]);
    assertEquals((await ssh("www.example.org")).reached, ["127.1.0.1:8080"]);
    const refused = await ssh("www.other.net");
    assertStringIncludes(refused.stderr, "www.other.net");
    assertEquals([refused.questions, refused.reached], [[], []]);
    const found = await jailed(flags, ["getent", "hosts", "www.example.org"]);
    assertEquals(found.stdout.split(/\s+/)[0], "127.1.0.1");
    const missing = await jailed(flags, ["getent", "hosts", "www.other.net"]);
    assertEquals([missing.code, missing.stdout, missing.questions], [
      2,
      "",
      [],
    ]);
    const local = await jailed(flags, ["getent", "hosts", "localhost"]);
    assertStringIncludes(local.stdout, "localhost");
  },
});

Deno.test({
  ...needsLab(
    ["getent"],
    "a program that looks for names is not refused to ask nscd, and goes on",
  ),
  async fn(): Promise<void> {
    const argv = ["getent", "hosts", "www.example.org"];
    for (const net of ["--allow-net=www.example.org:8080", "--allow-net"]) {
      const flags = ["-p", "default", "--on-deny=kill", "--report", net];
      const found = await jailed(flags, argv);
      assertEquals(found.stderr, "");
      assertEquals(found.stdout.split(/\s+/)[0], "127.1.0.1");
    }
  },
});

Deno.test({
  ...needsLab(
    ["dig", "host", "nslookup"],
    "dig, host and nslookup find the names of the policy alone",
  ),
  async fn(): Promise<void> {
    const flags = ["-p", "default", "--allow-net=www.example.org:8080"];
    for (const tool of ["dig", "host", "nslookup"]) {
      const found = await jailed(flags, [tool, "www.example.org"]);
      assertStringIncludes(found.stdout, "127.1.0.1", found.stderr);
      const missing = await jailed(flags, [tool, "www.other.net"]);
      assertStringIncludes(missing.stdout, "NXDOMAIN", missing.stderr);
      assertEquals(missing.questions, []);
    }
  },
});

Deno.test({
  ...needsLab(
    ["getent"],
    "--report says which name was refused, and which rule says so",
  ),
  async fn(): Promise<void> {
    const flags = [
      "-p",
      "default",
      "--report",
      "--allow-net=*.example.org",
      "--deny-net=evil.example.org",
    ];
    const other = await jailed(flags, ["getent", "ahostsv4", "www.other.net"]);
    assertStringIncludes(
      other.stderr,
      "jail: denied resolve(dns:www.other.net, A) with ENOENT\n" +
        "  jail  no rule allows it; --allow-net would\n",
    );
    const evil = await jailed(flags, [
      "getent",
      "ahostsv4",
      "evil.example.org",
    ]);
    assertStringIncludes(
      evil.stderr,
      "jail: denied resolve(dns:evil.example.org, A) with EACCES\n" +
        "  --deny-net=evil.example.org\n",
    );
    assertEquals([...other.questions, ...evil.questions], []);
  },
});

Deno.test({
  ...needsLab(
    ["curl"],
    "jail believes no hosts(5) that its program may write, by a link either",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const { path } = directory;
    await Deno.symlink("/etc/hosts", `${path}/link`);
    const curl = ["curl", "-sS", "http://127.1.0.5:8080/"];
    for (const written of ["/etc/hosts", `${path}/link`, path]) {
      const net = "--allow-net=hosts.example.org:8080";
      const flags = ["-p", "default", net, `-W=${written}`];
      const { reached } = await jailed(flags, curl);
      assertEquals(reached, written === path ? ["127.1.0.5:8080"] : []);
    }
  },
});

Deno.test({
  ...needsLab(
    ["curl"],
    "--report tells the name of an address that was refused",
  ),
  async fn(): Promise<void> {
    const flags = [
      "-p",
      "default",
      "--report",
      "--allow-net=www.example.org:8080",
    ];
    const url = "http://www.example.org:8081/";
    const { stderr } = await jailed(flags, ["curl", "-sS", url]);
    assertStringIncludes(
      stderr,
      "  connect 127.1.0.1:8081 (www.example.org)\n",
    );
  },
});

Deno.test({
  ...needsLab(
    ["getent"],
    "a question that is refused ends the jail where refusals do",
  ),
  async fn(): Promise<void> {
    const allow = [
      "-p",
      "base",
      "--allow-read=/etc,/usr",
      "--allow-run=/usr/bin",
    ];
    const bash = (name: string): string[] => [
      ...["bash", "-c", `getent hosts ${name}; getent hosts ${name}; echo on`],
    ];
    await using directory = await scratch();
    const flags = await policyOf(
      directory,
      `net: {connect: {allow: ["*.example.org"], deny: [{address: evil.example.org, kill: true}]}}\n`,
    );
    const killed = await jailed([...allow, ...flags], bash("evil.example.org"));
    assertEquals([killed.stdout, killed.code], ["", -31]);
    const fine = await jailed([...allow, ...flags], bash("www.example.org"));
    assertStringIncludes(fine.stdout, "on\n");
  },
});

/** Asks for one name, and for a hundred as it ends. */
const LAST_WORDS = `import os, socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.53", 53))
def ask(label):
    names = b"".join(bytes([len(n)]) + n for n in (label, b"example", b"org"))
    s.send(struct.pack(">6H", 1, 256, 1, 0, 0, 0) + names + b"\\0\\0\\1\\0\\1")
ask(b"www")
s.recv(512)
for i in range(100):
    ask(b"n%d" % i)
os._exit(0)`;

for (const engine of ENGINES) {
  Deno.test({
    ...needsLab(
      [],
      `--audit (${engine}) tells of each question that a resolver got, though its program had ended`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const log = `${directory.path}/log`;
      const ended = await jailed(
        ["-p", "default", "--allow-net=*.example.org", `--audit=${log}`],
        ["/usr/bin/python3", "-c", LAST_WORDS],
        engine,
      );
      assertEquals([ended.stderr, ended.code], ["", 0]);
      const text = await Deno.readTextFile(log);
      const told = [...text.matchAll(/"resolve\(dns:([^,]+), A\)"/g)]
        .map(([, name]) => name);
      assertEquals(told[0], "www.example.org");
      const untold = names(ended.questions).filter((name) =>
        !told.includes(name)
      );
      assertEquals(untold, []);
    },
  });
}

/**
 * Uses up the signals that may wait, then asks without a call that stops; says "on"
 * where nobody minds.
 */
const ASK_UNHEARD = `
import ctypes, os, socket, time
asks = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asks.connect((${RESOLVER}[0], ${RESOLVER}[1]))
event = (ctypes.c_int * 16)(0, 0, 64)
number = ctypes.c_int()
while ctypes.CDLL(None).timer_create(1, event, ctypes.byref(number)) == 0:
    pass
question = bytes.fromhex("00070100000100000000000004") + b"evil\\x03org\\0" + bytes.fromhex("00010001")
for _ in range(500):
    os.write(asks.fileno(), question)
    time.sleep(0.01)
os.write(1, b"on\\n")
`;

for (const engine of ENGINES) {
  Deno.test({
    ...needsLab(
      ["bash"],
      `jail (${engine}) hears a question that is refused though no signal more may wait`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const flags = await policyOf(
        directory,
        `read: true\nrun: true\nnet: {connect: {deny: [{address: evil.org, kill: true}], allow: ["*.example.org"]}}\n`,
      );
      const argv = jailArgv(
        flags,
        ["python3", "-S", "-c", ASK_UNHEARD],
        engine,
      );
      const few = ["bash", "-c", 'ulimit -i 500; exec "$@"', "bash"];
      const { stdout, code } = await inLab([...few, ...argv]);
      assertEquals([stdout, code], ["", -31]);
    },
  });
}

Deno.test({
  ...needsLab(
    ["getent"],
    "without a resolver names are not found, as without a jail",
  ),
  async fn(): Promise<void> {
    const argv = ["getent", "hosts", "www.example.org"];
    const flags = ["-p", "default", "--allow-net=www.example.org"];
    const lab = ["--no-resolver"];
    const outside = await inLab(argv, lab);
    const inside = await inLab(jailArgv(flags, argv), lab);
    assertEquals([inside.code, inside.stdout], [outside.code, outside.stdout]);
  },
});

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) ends where nobody answers for resolvers any more`, async () => {
    await using directory = await scratch();
    const name = await directory.file(
      "policy.yaml",
      `extends: default\nnet: ["example.org:443"]\n`,
    );
    const names: NameOptions = {
      standIns: [],
      namesOf: () => [],
      begin: () => {},
      hear: () => {
        throw new Error("nobody answers");
      },
    };
    const argv = ["/usr/bin/sleep", "60"];
    await assertRejects(
      () => runTraced(engine, name, argv, { names }),
      Error,
      "nobody answers",
    );
  });
}

for (const before of ["127.0.0.54", "::1"]) {
  Deno.test({
    ...needsLab(
      ["dig"],
      `a name is found where nobody is at the first resolver (${before})`,
    ),
    async fn(): Promise<void> {
      const flags = ["-p", "default", "--allow-net=www.example.org"];
      for (const how of ["+notcp", "+tcp"]) {
        const dig = ["dig", "+short", "+tries=1", how, "www.example.org"];
        const lab = [`--before=${before}`];
        const ended = await inLab(jailArgv(flags, dig), lab);
        assertEquals(ended.stdout, "127.1.0.1\n", ended.stderr);
        assertEquals(names(ended.questions), ["www.example.org"]);
      }
    },
  });
}

Deno.test({
  ...needsLab(
    ["ruby"],
    "a resolver of a program's own that takes a port by chance finds names",
  ),
  async fn(): Promise<void> {
    const code = 'puts Resolv::DNS.new.getaddress("www.example.org")';
    const flags = ["-p", "default", "--allow-net=www.example.org"];
    // It tries for ever where it gets none.
    const ruby = ["timeout", "10", "ruby", "-rresolv", "-e", code];
    const ended = await jailed(flags, ruby);
    assertEquals(ended.stdout, "127.1.0.1\n", ended.stderr);
  },
});

/** A question for the IPv4 addresses of www.example.org, in hex. */
const ASKS_FOR_WWW = "123401000001000000000000" + PLAIN.slice(20, 20 + 2 * 21);

Deno.test({
  ...needsLab([], "a resolver that has an IPv6 address is one as well"),
  async fn(): Promise<void> {
    const program = `import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.sendto(bytes.fromhex("${ASKS_FOR_WWW}"), ("::1", 53))
print(s.recvfrom(999)[1][:2])
print(socket.gethostbyname("alias.example.org"))
print(socket.create_connection(("::1", 53)).getpeername()[:2])`;
    const flags = ["-p", "default", "--allow-net=*.example.org:8080"];
    const ended = await inLab(
      jailArgv(flags, ["/usr/bin/python3", "-c", program]),
      ["--resolver=::1"],
    );
    assertEquals(
      ended.stdout,
      "('::1', 53)\n127.1.0.3\n('::1', 53)\n",
      ended.stderr,
    );
  },
});

Deno.test({
  ...needsLab(
    ["curl"],
    "a policy that may reach every address loses the names that it denies",
  ),
  async fn(): Promise<void> {
    const flags = ["-p", "default", "--allow-net", "--deny-net=*.other.net"];
    const curl = (host: string): Promise<LabEnded> =>
      jailed(flags, ["curl", "-sS", "-m", "10", `http://${host}:8080/`]);
    assertEquals((await curl("www.example.org")).stdout, "127.1.0.1:8080");
    const denied = await curl("www.other.net");
    assertEquals([denied.questions, denied.reached], [[], []]);
    const shared = await curl("127.1.0.9");
    assertEquals(shared.stdout, "127.1.0.9:8080");
  },
});

Deno.test({
  ...needsLab(
    ["curl"],
    "a program that embeds a jail needs no permission of its own for names",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const module = new URL("../src/mod.ts", import.meta.url);
    const script = await directory.file(
      "embed.ts",
      `import { Jail } from "${module}";
const jail = new Jail("default", { net: ["www.example.org:8080"] });
for (const host of ["www.example.org", "www.other.net"]) {
  const { code, stdout, denials } = await jail
    .command("curl", { args: ["-sS", \`http://\${host}:8080/\`] }).output();
  console.log(code, new TextDecoder().decode(stdout));
  for (const { text } of denials) if (text.includes("dns:")) console.log(text);
}
`,
    );
    const permissions = ["--allow-ffi", "--allow-read", "--allow-env"];
    const ended = await inLab([
      ...[Deno.execPath(), "run", "--no-check", "--no-prompt", ...permissions],
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      script,
    ]);
    assertEquals(
      ended.stdout,
      "0 127.1.0.1:8080\n6 \n" +
        "resolve(dns:www.other.net, A)\nresolve(dns:www.other.net, AAAA)\n",
      ended.stderr,
    );
  },
});
