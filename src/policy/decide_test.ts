import {
  assertEquals,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { fromText } from "../abi/bytes.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { PolicyError } from "../errors.ts";
import type { Access, Call, FileKind, Move } from "./call.ts";
import { compile } from "./compile.ts";
import type { Engine } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { parsePolicy } from "./file/parse.ts";
import { mergeLayers } from "./merge.ts";
import type { Realpath } from "./path/rules.ts";
import type { PathRule, Policy } from "./policy.ts";

const VARIABLES = { cwd: "/w", home: "/home/u", program: "/usr/bin/prog" };

async function engine(text: string, realpath?: Realpath): Promise<Engine> {
  const layer = await parsePolicy(text, {
    source: "test.yaml",
    variables: VARIABLES,
  });
  return compile(mergeLayers([layer]), { realpath });
}

function opening(
  access: Access,
  path: string,
  kind: FileKind = "file",
): Call {
  return { name: "openat", uses: [{ access, path, kind }] };
}

function renaming(...moves: Move[]): Call {
  return {
    name: "renameat2",
    uses: moves.flatMap(({ from, to, tree }) => [
      { access: "write", path: from, kind: tree ? "directory" : "file" },
      { access: "write", path: to, kind: "missing" },
    ]),
    moves,
  };
}

/** A decision in one word: `allow`, or how it is refused. */
function word(decision: Decision): string {
  if (decision.kind === "allow") return "allow";
  const { refusal } = decision;
  switch (refusal.kind) {
    case "errno":
      return refusal.errno;
    case "kill":
      return "kill";
    case "signal":
      return refusal.signal;
    case "return":
      return `return ${refusal.value}`;
  }
}

const POLICY = `
read:
  allow: [/usr, "\${cwd}", "/srv/**/*.ps", /list/., /shut/in/here, "/home/*/.cache"]
  deny: [/usr/secret, {path: /usr/trap, kill: true}, {path: /usr/odd, signal: SIGTERM}, {path: /usr/fake, return: 0}]
  ignore: ["\${cwd}/**/.env", /usr/hidden]
write:
  allow: ["\${cwd}", /drop, /dev]
  deny: ["\${cwd}/.git/hooks"]
run: [/usr/bin, "\${program}"]
`;

const CASES: readonly (readonly [string, Access, string, FileKind, string])[] =
  [
    ["allows the root of a rule", "read", "/usr", "directory", "allow"],
    ["allows what is beneath", "read", "/usr/lib/x", "file", "allow"],
    [
      "refuses a sibling that shares the prefix",
      "read",
      "/usr2",
      "file",
      "EACCES",
    ],
    ["refuses what no rule covers", "read", "/etc/passwd", "missing", "EACCES"],
    [
      "refuses a write where reading is allowed",
      "write",
      "/usr/x",
      "missing",
      "EACCES",
    ],
    ["lets deny beat allow", "read", "/usr/secret/key", "file", "EACCES"],
    ["kills where the rule says so", "read", "/usr/trap", "file", "kill"],
    ["signals where the rule says so", "read", "/usr/odd", "file", "SIGTERM"],
    [
      "fakes a result where the rule says so",
      "read",
      "/usr/fake",
      "file",
      "return 0",
    ],
    ["hides what is ignored", "read", "/usr/hidden", "file", "ENOENT"],
    [
      "hides what is ignored from writing too",
      "write",
      "/w/a/.env",
      "missing",
      "ENOENT",
    ],
    ["hides what is ignored from stat", "stat", "/w/a/.env", "file", "ENOENT"],
    [
      "refuses stat of what may not be read",
      "stat",
      "/usr/secret",
      "file",
      "EACCES",
    ],
    ["matches a glob", "read", "/srv/a/b/c.ps", "file", "allow"],
    ["does not match beneath a glob", "read", "/srv/c.ps/x", "file", "EACCES"],
    ["allows stat of what may be written", "stat", "/drop/x", "file", "allow"],
    [
      "allows stat of what may be run",
      "stat",
      "/usr/bin/prog",
      "file",
      "allow",
    ],
    [
      "allows stat on the way to a rule",
      "stat",
      "/shut/in",
      "directory",
      "allow",
    ],
    ["allows stat of the root directory", "stat", "/", "directory", "allow"],
    ["refuses stat beside the way", "stat", "/shut/out", "file", "EACCES"],
    ["refuses to read on the way", "read", "/shut/in", "directory", "EACCES"],
    [
      "allows stat of what a directory lists",
      "stat",
      "/list/x",
      "file",
      "allow",
    ],
    [
      "refuses stat beneath what it lists",
      "stat",
      "/list/x/y",
      "file",
      "EACCES",
    ],
    ["refuses to read what it lists", "read", "/list/x", "file", "EACCES"],
    [
      "shows directories on the way behind a wildcard",
      "stat",
      "/srv/a",
      "directory",
      "allow",
    ],
    [
      "hides whether a file is on the way behind a wildcard",
      "stat",
      "/srv/x",
      "file",
      "EACCES",
    ],
    [
      "hides whether nothing is on the way behind a wildcard",
      "stat",
      "/srv/x",
      "missing",
      "EACCES",
    ],
    ["allows running", "run", "/usr/bin/ls", "file", "allow"],
    [
      "refuses to run what may only be read",
      "run",
      "/usr/lib/x",
      "file",
      "EACCES",
    ],
    ["loads what may be read", "load", "/usr/lib/ld.so", "file", "allow"],
    ["loads what may be run", "load", "/usr/bin/ld.so", "file", "allow"],
    ["refuses to load anything else", "load", "/w2/ld.so", "file", "EACCES"],
    ["lets a held pipe be read", "read", "pipe:[1]", "object", "allow"],
    [
      "lets a held memfd be written",
      "write",
      "/memfd:x (deleted)",
      "object",
      "allow",
    ],
    ["refuses to run a memfd", "run", "/memfd:x (deleted)", "object", "EACCES"],
    ["allows a harmless device", "write", "/dev/null", "device", "allow"],
    ["allows a terminal", "write", "/dev/pts/3", "device", "allow"],
    [
      "refuses a device that only its directory names",
      "write",
      "/dev/sda",
      "device",
      "EACCES",
    ],
    ["closes other processes", "read", "/proc/1/maps", "file", "EACCES"],
  ];

for (const [what, access, path, kind, expected] of CASES) {
  Deno.test(`decide() ${what}: ${access} ${path}`, async () => {
    const call = opening(access, path, kind);
    assertEquals(word((await engine(POLICY)).decide(call)), expected);
  });
}

const FIXED: readonly (readonly [Access, string, FileKind, string])[] = [
  ["read", "/etc/shadow", "file", "allow"],
  ["run", "/memfd:x (deleted)", "object", "allow"],
  ["read", "/proc/self/mem", "file", "allow"],
  ["write", "/proc/self/mem", "file", "EACCES"],
  ["write", "/proc/self/task/7/mem", "file", "EACCES"],
  ["read", "/proc/self/autogroup", "file", "allow"],
  ["write", "/proc/self/autogroup", "file", "EACCES"],
  ["stat", "/proc/1", "directory", "EACCES"],
  ["read", "/proc/1234/environ", "file", "EACCES"],
  ["read", "/proc/12x", "file", "allow"],
  ["read", "/dev/sda", "device", "EACCES"],
  ["stat", "/dev/sda", "device", "allow"],
  ["write", "/srv/sda", "device", "EACCES"],
  ["read", "/proc/sys/kernel/core_pattern", "file", "allow"],
  ["write", "/proc/sys/kernel/core_pattern", "file", "EACCES"],
  ["write", "/proc/sysrq-trigger", "file", "EACCES"],
  ["write", "/proc/self/oom_score_adj", "file", "allow"],
  ["write", "/proc", "directory", "allow"],
  ["write", "/proc/new", "missing", "allow"],
  ["write", "/sys/power/state", "file", "EACCES"],
  ["write", "/sys/fs/cgroup/new", "missing", "EACCES"],
  ["write", "/system", "file", "allow"],
];

for (const [access, path, kind, expected] of FIXED) {
  Deno.test(`decide() says ${expected} to ${access} ${path} when all is allowed`, async () => {
    const all = await engine("read: true\nwrite: true\nrun: true");
    assertEquals(word(all.decide(opening(access, path, kind))), expected);
  });
}

Deno.test("compile() takes no rule that refuses what .. leads to behind a link", async () => {
  const realpath: Realpath = (path) =>
    path === "/gone"
      ? undefined
      : path.replace(/^\/(?:far|lib)(?=\/|$)/, "/o/d");
  const refused = ["/far/../key", "/lib/../far/..", "/far/a/../../key"];
  for (const path of refused) {
    for (
      const rules of [`read: {deny: [${path}]}`, `write: {ignore: [${path}]}`]
    ) {
      const error = await assertRejects(
        () => engine(rules, realpath),
        PolicyError,
      );
      assertEquals(error.message.includes("behind the link"), true);
    }
    await engine(`read: [${path}]`, realpath);
  }
  for (const path of ["/a/../key", "/far/a/../key", "/gone/../key"]) {
    await engine(`read: {deny: [${path}]}`, realpath);
  }
});

Deno.test("decide() allows a device that a rule names", async () => {
  const engine_ = await engine("read: [/dev/kvm]\nwrite: ['/dev/snd/*']");
  assertEquals(
    word(engine_.decide(opening("read", "/dev/kvm", "device"))),
    "allow",
  );
  assertEquals(
    word(engine_.decide(opening("write", "/dev/snd/pcm", "device"))),
    "allow",
  );
});

Deno.test("decide() allows a setting of the kernel that a rule names", async () => {
  const named = await engine("write: [/, /proc/sys/vm]");
  assertEquals(
    ["/proc/sys/vm/swappiness", "/proc/sys/kernel/panic"].map((path) =>
      word(named.decide(opening("write", path, "file")))
    ),
    ["allow", "EACCES"],
  );
});

Deno.test("decide() takes for settings only what the kernel has", async () => {
  const policy = await engine("write: true");
  const bare = compile(policy.policy, { settings: [] });
  const use = opening("write", "/sys/x", "file");
  assertEquals(word(bare.decide(use)), "allow");
});

const MOVES: readonly (readonly [string, Move, string])[] = [
  ["allows a move where the same is allowed", {
    from: "/w/a",
    to: "/w/b/c",
    tree: true,
  }, "allow"],
  ["refuses to move away a directory with a protected one in it", {
    from: "/w/.git",
    to: "/w/x",
    tree: true,
  }, "EXDEV"],
  ["refuses to move a directory to where a protected one would be", {
    from: "/w/x",
    to: "/w/.git",
    tree: true,
  }, "EXDEV"],
  ["refuses to move what cannot be read to where it can", {
    from: "/drop/x",
    to: "/w/x",
    tree: false,
  }, "EACCES"],
  ["refuses the same of a directory", {
    from: "/drop/x",
    to: "/w/x",
    tree: true,
  }, "EXDEV"],
  ["allows to move a file to where it cannot be read", {
    from: "/w/x",
    to: "/drop/x",
    tree: false,
  }, "allow"],
  ["refuses to move a directory to where what is hidden would show", {
    from: "/w/x",
    to: "/drop/x",
    tree: true,
  }, "EXDEV"],
];

for (const [what, move, expected] of MOVES) {
  Deno.test(`decide() ${what}: ${move.from} to ${move.to}`, async () => {
    assertEquals(word((await engine(POLICY)).decide(renaming(move))), expected);
  });
}

for (const closing of ["/w/**/.env", "/w/*/.env", "/w/{**,.}/.env*"]) {
  Deno.test(`decide() moves no file that a directory could have replaced with what is closed in it: ${closing}`, async () => {
    const one = await engine(
      `{read: {allow: [/w, /t], ignore: ["${closing}"]}, write: [/w, /t, /drop]}`,
    );
    const move = (from: string, to: string, name: SyscallName = "rename") =>
      word(one.decide({
        name,
        uses: [
          { access: "write", path: from, kind: "file" },
          { access: "write", path: to, kind: "missing" },
        ],
        moves: [{ from, to, tree: false }],
      }));
    assertEquals(move("/w/x", "/t/x"), "EXDEV");
    assertEquals(move("/w/x", "/w/y"), "allow");
    assertEquals(move("/t/x", "/w/x"), "allow");
    assertEquals(move("/w/x", "/drop/x"), "allow");
    assertEquals(move("/w/x", "/t/x", "link"), "allow");
  });
}

for (const [here, there] of [["/w/*", "/t"], ["/w/**/x", "/t/*/*"]] as const) {
  Deno.test(`decide() moves no file that a directory could have replaced with what only the new place lets be read: ${here} to ${there}`, async () => {
    const one = await engine(
      `{read: ["${here}", "${there}"], write: [/w, /t, /drop]}`,
    );
    const move = (from: string, to: string): string =>
      word(one.decide(renaming({ from, to, tree: false })));
    assertEquals(move("/w/x", "/t/x"), "EXDEV");
    assertEquals(move("/w/x", "/w/y/x"), "allow");
    assertEquals(move("/t/y/x", "/t/y/z"), "allow");
    assertEquals(move("/w/x", "/drop/x"), "allow");
  });
}

Deno.test("decide() changes nothing that is hidden, also where that is closed", async () => {
  const one = await engine(
    `{read: {deny: [/w], ignore: ["/**/.env"]}, write: [/w]}`,
  );
  assertEquals(word(one.decide(opening("write", "/w/x"))), "allow");
  assertEquals(word(one.decide(opening("write", "/w/.env"))), "EACCES");
});

Deno.test("decide() moves no link or file out of what must not be read to where it is seen", async () => {
  const one = await engine(`write: [/w, /drop]
read: {deny: [/w/closed, /drop/closed]}`);
  const move = (kind: FileKind, from: string, to: string): string =>
    word(
      one.decide({
        name: "rename",
        uses: [
          { access: "write", path: from, kind },
          { access: "write", path: to, kind: "missing" },
        ],
        moves: [{ from, to, tree: false }],
      }),
    );
  assertEquals(move("link", "/w/closed/a", "/drop/a"), "EACCES");
  assertEquals(move("link", "/w/closed/a", "/drop/closed/a"), "allow");
  assertEquals(move("link", "/w/a", "/drop/a"), "allow");
  assertEquals(move("file", "/w/closed/a", "/drop/a"), "EACCES");
  assertEquals(move("file", "/w/closed/a", "/drop/closed/a"), "allow");
  assertEquals(move("file", "/w/a", "/drop/a"), "allow");
});

Deno.test("decide() moves no directory out of what must not be seen to where it is", async () => {
  const one = await engine(`
read: {deny: [/w/shut]}
write: {allow: [/w], deny: ["/w/**/kept"]}
run: [/w]
`);
  const seen = (path: string): string =>
    word(one.decide(opening("stat", path)));
  assertEquals(seen("/w/shut/x/kept"), "EACCES");
  assertEquals(seen("/w/x/kept"), "allow");
  const [from, to] = ["/w/shut/x", "/w/x"];
  assertEquals(word(one.decide(renaming({ from, to, tree: true }))), "EXDEV");
});

Deno.test("decide() moves no directory to where jail removes it with what a rule keeps", async () => {
  const one = await engine(`
write: {allow: [/w, /tmp], deny: ["/**/kept"]}
`);
  const other = await engine("write: [/w, /tmp]");
  const name = "/tmp/jail-00000000-1111-2222-3333-444444444444";
  const moved = (by: typeof one, from: string, to: string): string =>
    word(by.decide(renaming({ from, to, tree: true })));
  for (const to of [name, `${name}/x`, `/w${name}`]) {
    assertEquals(moved(one, "/w/x", to), "EXDEV");
    assertEquals(moved(other, "/w/x", to), "allow");
    // What is put into it there would be removed as well, if that has begun.
    assertEquals(moved(one, to, "/w/x"), "EXDEV");
    assertEquals(moved(other, to, "/w/x"), "allow");
  }
  assertEquals(moved(one, "/w/x", `${name}-x`), "allow");
  assertEquals(moved(one, `${name}/x`, `${name}/y/x`), "allow");
});

Deno.test("decide() moves no directory that a wildcard alone closes to where it is seen", async () => {
  const one = await engine(`{read: {deny: ["/w/*.d"]}, write: [/w]}`);
  const seen = (path: string): string =>
    word(one.decide(opening("stat", path, "directory")));
  assertEquals(seen("/w/a.d"), "EACCES");
  assertEquals(seen("/w/a"), "allow");
  const moved = (from: string, to: string): string =>
    word(one.decide(renaming({ from, to, tree: true })));
  assertEquals(moved("/w/a.d", "/w/a"), "EXDEV");
  assertEquals(moved("/w/a.d", "/w/b.d"), "allow");
  assertEquals(moved("/w/a", "/w/a.d"), "allow");
});

Deno.test("decide() moves no directory to where what is not seen in it is on the way", async () => {
  const one = await engine(`
write: {allow: [/w, "/w/t*/kept/x"], deny: ["/w/**/kept"]}
`);
  const seen = (path: string): string =>
    word(one.decide(opening("stat", path, "directory")));
  assertEquals(seen("/w/from/kept"), "EACCES");
  assertEquals(seen("/w/to/kept"), "allow");
  const [from, to] = ["/w/from", "/w/to"];
  assertEquals(word(one.decide(renaming({ from, to, tree: true }))), "EXDEV");
  const other = renaming({ from, to: "/w/other", tree: true });
  assertEquals(word(one.decide(other)), "allow");
});

for (
  const [what, kind, text, refused] of [
    [
      "a file is seen",
      "file",
      "{read: {deny: [/w]}, write: {allow: [/w, /m], deny: [/m/shut, /m/kept]}}",
      "EACCES",
    ],
    [
      "a socket is reached",
      "socket",
      "{net: ['unix:/m'], write: {allow: [/w], deny: [/m/shut, /m/kept]}}",
      "EACCES",
    ],
    [
      "a directory has sockets that are reached",
      "directory",
      "{net: ['unix:/m/*/*'], write: {allow: [/w], deny: [/m/shut, /m/kept]}}",
      "EXDEV",
    ],
  ] as const
) {
  Deno.test(`decide() moves nothing to where, by another name of it, ${what}`, async () => {
    const one = await engine(text);
    const move = (to: string): string => {
      const tree = kind === "directory";
      return word(one.decide({
        name: "rename",
        uses: [
          { access: "write", path: "/w/shut", kind },
          { access: "write", path: `/w${to}`, kind: "missing" },
        ],
        moves: [
          { from: "/w/shut", to: `/w${to}`, tree },
          { from: "/m/shut", to: `/m${to}`, tree, kind },
        ],
      }));
    };
    assertEquals(move("/open"), refused);
    assertEquals(move("/kept"), "allow");
  });
}

Deno.test("decide() heeds no name of what moves by which nobody can use it", async () => {
  const one = await engine(
    "{read: {allow: [/over], deny: [/w]}, write: {allow: [/w, /m], deny: [/m/shut]}}",
  );
  const move = (hidden: boolean): string =>
    word(one.decide({
      name: "rename",
      uses: [
        { access: "write", path: "/w/shut", kind: "file" },
        { access: "write", path: "/w/open", kind: "missing" },
      ],
      moves: [
        { from: "/w/shut", to: "/w/open", tree: false },
        ...["/m", "/over"].map((top) => ({
          ...{ from: `${top}/shut`, to: `${top}/open`, tree: false },
          ...{ kind: "file" as const, hidden: hidden && top === "/over" },
        })),
      ],
    }));
  assertEquals(move(true), "EACCES");
  assertEquals(move(false), "allow");
});

Deno.test("decide() tells of no process outside by a name that would be made", async () => {
  const one = await engine("{read: true, write: [/w]}");
  const made = (path: string, kind: FileKind): string =>
    word(
      one.decide({ name: "mkdir", uses: [{ access: "write", path, kind }] }),
    );
  for (const path of ["/proc/77", "/proc/77/task/78", "/proc/77/fd/0"]) {
    assertEquals(made(path, "missing"), "EACCES", path);
    for (const kind of ["directory", "file", "link"] as const) {
      assertEquals(made(path, kind), "EACCES", path);
    }
  }
  assertEquals(made("/proc/self", "directory"), "EEXIST");
  assertEquals(made("/usr", "directory"), "EEXIST");
});

Deno.test("decide() names the rule in the way of a move", async () => {
  const decision = (await engine(POLICY)).decide(
    renaming({ from: "/w/.git", to: "/w/x", tree: true }),
  );
  assertEquals(decision.rule.keys, ["write", "deny", 0]);
});

Deno.test("decide() moves no directory to where a rule begins, with a link in it perhaps", async () => {
  const decision = (await engine("read: [/w, /w/a/b]\nwrite: [/w]\n")).decide(
    renaming({ from: "/w/x", to: "/w/a", tree: true }),
  );
  assertEquals(word(decision), "EXDEV");
  assertEquals(decision.rule.keys, ["link"]);
});

for (
  const rules of [
    "read: {allow: [/w], deny: [/w/a/b]}\nwrite: [/w]",
    "read: [/w]\nwrite: [/w]\nrun: {allow: [/w], deny: [/w/a/b]}",
    'read: [/w]\nwrite: [/w]\nnet: {connect: {allow: ["unix:/w"], deny: ["unix:/w/a/b"]}}',
  ]
) {
  const [shown] = /\w+: \{.*/.exec(rules) ?? [];
  Deno.test(`decide() moves no directory to where what a rule closes may come to lie, with a link in its place (${shown})`, async () => {
    const decision = (await engine(`${rules}\n`)).decide(
      renaming({ from: "/w/x", to: "/w/a", tree: true }),
    );
    assertEquals(word(decision), "EXDEV");
  });
}

Deno.test("decide() moves no directory to where less may be read", async () => {
  const one = await engine(
    "read: {allow: [/w, /v/a], deny: [/w/a, '/w/b/**', '/w/c/**/.env']}\n" +
      "write: [/w, /v, /out]\n",
  );
  const moved = (from: string, to: string, tree = true): string =>
    word(one.decide(renaming({ from, to, tree })));
  for (const to of ["/w/a", "/w/a/x", "/w/b/x", "/w/c/x", "/out/x"]) {
    assertEquals([to, moved("/w/x", to)], [to, "EXDEV"]);
    assertEquals([to, moved("/w/x", to, false)], [to, "allow"]);
  }
  assertEquals(moved("/v", "/out/v"), "EXDEV");
  for (const [from, to] of [["/w/x", "/w/y"], ["/w/a/x", "/w/b/x"]] as const) {
    assertEquals([to, moved(from, to)], [to, "allow"]);
  }
});

for (
  const rules of [
    "read: {deny: [/w/a]}",
    "read: {ignore: ['/w/a/*/k']}",
    "run: {allow: [/w], deny: [/w/a]}",
    "run: {allow: [/w], deny: ['/w/a/**/k']}",
    'net: {connect: {allow: ["unix:/w"], deny: ["unix:/w/a"]}}',
  ]
) {
  Deno.test(`decide() moves no directory to where a rule closes what none did: ${rules}`, async () => {
    const one = await engine(`write: [/w]\n${rules}\n`);
    const moved = (from: string, to: string): string =>
      word(one.decide(renaming({ from, to, tree: true })));
    assertEquals(moved("/w/x", "/w/a/x"), "EXDEV");
    assertEquals(moved("/w/x", "/w/y"), "allow");
    assertEquals(moved("/w/a/x", "/w/a/y"), "allow");
  });
}

Deno.test("decide() checks both directions of an exchange", async () => {
  const decision = (await engine(POLICY)).decide(renaming(
    { from: "/w/x", to: "/drop/x", tree: false },
    { from: "/drop/x", to: "/w/x", tree: false },
  ));
  assertEquals(word(decision), "EACCES");
});

for (
  const [path, expected] of [
    ["/w/link", "allow"],
    ["/w/.git", "EACCES"],
    ["/drop", "EACCES"],
  ] as const
) {
  Deno.test(`decide() says ${expected} to a symbolic link at ${path}`, async () => {
    const call: Call = {
      name: "symlinkat",
      uses: [{ access: "write", path, kind: "missing" }],
    };
    assertEquals(word((await engine(POLICY)).decide(call)), expected);
  });
}

for (
  const [path, kind, expected] of [
    ["/w/current", "link", "EACCES"],
    ["/w/last", "link", "EACCES"],
    ["/w/socket", "link", "EACCES"],
    ["/w/last", "file", "allow"],
    ["/w/given", "link", "allow"],
    ["/w/x", "link", "allow"],
  ] as const
) {
  Deno.test(`decide() says ${expected} to the end of a ${kind} at ${path}`, async () => {
    const decision = (await engine(`
read: {allow: [/w, /w/given/a], deny: [/w/current/secret, /w/last]}
write: [/w]
net: {connect: {allow: ["unix:/w"], deny: ["unix:/w/socket/s"]}}
`)).decide({ name: "unlink", uses: [{ access: "write", path, kind }] });
    assertEquals(word(decision), expected);
  });
}

Deno.test("decide() allows of one's own process what is allowed of one by number alone", async () => {
  const one = await engine('read: ["/proc/[a-k]*/x", "/proc/1?[!2]/y"]');
  for (const [name, want] of [["x", "EACCES"], ["y", "allow"]] as const) {
    const decision = one.decide(opening("read", `/proc/self/${name}`));
    assertEquals(word(decision), want);
  }
});

for (
  const [rule, path] of [
    ["/proc/net", "/proc/self/net/tcp"],
    ["/proc/net/tcp", "/proc/self/task/7/net/tcp"],
    ["/proc/mounts", "/proc/self/mounts"],
    ["/proc/thread-self/io", "/proc/self/task/7/io"],
    ["/proc/[1-9]*/maps", "/proc/self/maps"],
    ["/proc/*/maps", "/proc/self/task/7/maps"],
    ["/proc/self/{io,maps}", "/proc/self/task/7/maps"],
    ["/etc/mtab", "/proc/self/mounts"],
  ] as const
) {
  Deno.test(`decide() closes ${path} by a rule for ${rule}`, async () => {
    const one = await engine(
      `read: {allow: [/proc], deny: ["${rule}"]}`,
      // As jail finds it.
      (path) => path === "/etc/mtab" ? "/proc/99/mounts" : path,
    );
    const use = { access: "read", path, kind: "file" } as const;
    const decision = one.decide({ name: "openat", uses: [use] });
    assertEquals(word(decision), "EACCES");
  });
}

Deno.test("decide() reports the first use that is refused, and its rule", async () => {
  const decision = (await engine(POLICY)).decide({
    name: "linkat",
    uses: [
      { access: "read", path: "/usr/x", kind: "file" },
      { access: "write", path: "/w/.git/hooks/x", kind: "missing" },
    ],
  });
  assertEquals(decision, {
    kind: "refuse",
    refusal: { kind: "errno", errno: "EACCES" },
    rule: {
      source: "test.yaml",
      keys: ["write", "deny", 0],
      text: "${cwd}/.git/hooks",
    },
    use: 1,
  });
});

Deno.test("decide() makes no new decision for the same rule", async () => {
  const one = await engine(POLICY);
  for (const path of ["/usr/x", "/usr/secret", "/etc/x"]) {
    assertStrictEquals(
      one.decide(opening("read", path)),
      one.decide(opening("read", path)),
    );
  }
});

Deno.test("decide() lets the most specific rule say how to refuse", async () => {
  const one = await engine(
    "read: {deny: [{path: /a/b, errno: ENXIO}, {path: /a, kill: true}]}",
  );
  assertEquals(word(one.decide(opening("read", "/a/b/c"))), "ENXIO");
  assertEquals(word(one.decide(opening("read", "/a/c"))), "kill");
});

Deno.test("decide() refuses calls by name before anything else", async () => {
  const one = await engine(`
read: true
calls: {deny: {"@file": ENOSYS, openat2: EPERM}, kill: [chmod], return: {fsync: 0}, signal: {mkdir: SIGUSR1}}
`);
  const say = (name: Call["name"]): string =>
    word(
      one.decide({
        name,
        uses: [{ access: "read", path: "/x", kind: "file" }],
      }),
    );
  assertEquals(
    [say("openat"), say("openat2"), say("chmod"), say("fsync"), say("mkdir")],
    ["ENOSYS", "EPERM", "kill", "return 0", "SIGUSR1"],
  );
});

Deno.test("decide() uses the policy's default where no rule matches", async () => {
  const one = await engine("default: kill");
  const decision = one.decide(opening("read", "/x"));
  assertEquals(word(decision), "kill");
  assertEquals(decision.rule.keys, ["default"]);
});

/** How uses of files are refused under `unseen: ENOENT`. */
const UNSEEN: readonly (readonly [Access, string, FileKind, string])[] = [
  ["stat", "/way/none", "missing", "ENOENT"],
  ["stat", "/way/file", "file", "ENOENT"],
  ["stat", "/way/other/none", "missing", "ENOENT"],
  ["read", "/way/file", "file", "ENOENT"],
  ["read", "/way/other", "directory", "ENOENT"],
  ["load", "/way/file", "file", "ENOENT"],
  // A directory that is seen is there, though it may not be listed.
  ["stat", "/way", "directory", "allow"],
  ["read", "/way", "directory", "EACCES"],
  ["read", "/out/file", "file", "ENOENT"],
  ["write", "/way/file", "file", "EACCES"],
  ["write", "/way/none", "missing", "EACCES"],
  ["run", "/way/file", "file", "ENOENT"],
  ["run", "/way/none", "missing", "ENOENT"],
  ["run", "/way/in/file", "file", "EACCES"],
  ["read", "/way/in/denied", "file", "EACCES"],
];

Deno.test("decide() hides what may not be seen where the policy says so", async () => {
  const one = await engine(
    "{unseen: ENOENT, read: {allow: [/way/in], deny: [/way/in/denied]}, write: [/out]}",
  );
  for (const [access, path, kind, want] of UNSEEN) {
    const decision = one.decide(opening(access, path, kind));
    assertEquals(word(decision), want, `${access} ${path}`);
  }
  assertEquals(one.decide(opening("stat", "/x")).rule.keys, ["unseen"]);
});

/** The same of what a built-in policy closes. */
const ABSENT: readonly (readonly [Access, string, FileKind, string])[] = [
  ["stat", "/home/u/.netrc", "file", "ENOENT"],
  ["read", "/home/u/.netrc", "file", "ENOENT"],
  ["read", "/home/u/.netrc", "missing", "ENOENT"],
  ["run", "/home/u/.netrc", "file", "ENOENT"],
  ["write", "/home/u/.netrc", "missing", "EACCES"],
  // Every program may be run by some policies, wherever it is.
  ["read", "/bin/.netrc", "file", "ENOENT"],
  // What it is closed in may be read, or written, or listed.
  ["stat", "/etc/.netrc", "file", "EACCES"],
  ["read", "/way/in/.netrc", "missing", "EACCES"],
  ["read", "/out/.netrc", "file", "EACCES"],
  ["stat", "/list/.netrc", "file", "EACCES"],
  // A wildcard shows a directory on its way, and whether it is one must not show.
  ["stat", "/p/.netrc", "directory", "EACCES"],
  ["stat", "/p/.netrc", "missing", "EACCES"],
  ["read", "/trap", "file", "kill"],
  // A person has closed it, and is told so.
  ["read", "/mine", "file", "EACCES"],
];

Deno.test("decide() has what a built-in policy closes absent where no rule lets it be read or written", async () => {
  const texts = [
    [
      "base",
      'read: {allow: [/etc], deny: ["/**/.netrc", {path: /trap, kill: true}]}',
    ],
    [
      "test.yaml",
      "{unseen: ENOENT, write: [/out], run: [/bin], " +
      'read: {allow: [/way/in, /list/., "/p/*/in"], deny: [/mine]}}',
    ],
  ] as const;
  const layers = await Promise.all(
    texts.map(([source, text]) =>
      parsePolicy(text, { source, variables: VARIABLES })
    ),
  );
  const one = compile(mergeLayers(layers));
  for (const [access, path, kind, want] of ABSENT) {
    const decision = one.decide(opening(access, path, kind));
    assertEquals(word(decision), want, `${access} ${path}`);
  }
  const decision = one.decide(opening("read", "/home/u/.netrc"));
  const { rule, uncovered } = decision as Extract<
    Decision,
    { kind: "refuse" }
  >;
  // Nobody is asked for it.
  assertEquals([rule.source, rule.text, uncovered], [
    "base",
    "/**/.netrc",
    undefined,
  ]);
  const alone = compile(mergeLayers(layers.slice(0, 1)));
  const closed = alone.decide(opening("read", "/home/u/.netrc"));
  assertEquals(word(closed), "EACCES");
});

Deno.test("decide() says that a name is there to who would make it, and asks nobody", async () => {
  const one = await engine(
    "{read: [/usr], write: {deny: [{path: /usr/trap, kill: true}]}}",
  );
  const making = (path: string, kind: FileKind): Decision =>
    one.decide({ ...opening("write", path, kind), name: "mkdir" });
  const there = making("/usr/bin", "directory");
  const { quiet, uncovered } = there as Extract<Decision, { kind: "refuse" }>;
  assertEquals([word(there), quiet, uncovered], ["EEXIST", true, undefined]);
  assertEquals(word(making("/usr/none", "missing")), "EACCES");
  assertEquals(word(making("/usr/trap", "directory")), "kill");
  // Nobody may see whether that is there.
  assertEquals(word(making("/x/y", "directory")), "EACCES");
});

Deno.test("decide() hides nothing where a later layer says how all is refused", async () => {
  const layers = await Promise.all(
    ["unseen: ENOENT", "default: EPERM"].map((text) =>
      parsePolicy(text, { source: "test.yaml", variables: VARIABLES })
    ),
  );
  const decision = compile(mergeLayers(layers)).decide(opening("stat", "/x"));
  assertEquals([word(decision), decision.rule.keys], ["EPERM", ["default"]]);
});

Deno.test("decide() covers where a rule's link leads, even for what is not there yet", async () => {
  const links = new Map([["/bin", "/usr/bin"], ["/l", "/data"]]);
  const one = await engine(
    "run: [/bin/sh]\nread: {allow: ['/l/*/new'], deny: [/l/secret]}",
    (path) => links.get(path),
  );
  assertEquals(word(one.decide(opening("run", "/usr/bin/sh"))), "allow");
  assertEquals(word(one.decide(opening("read", "/data/x/new"))), "allow");
  assertEquals(word(one.decide(opening("stat", "/bin", "link"))), "allow");
  assertEquals(
    one.decide(opening("read", "/data/secret/x")).rule.text,
    "/l/secret",
  );
});

Deno.test("decide() never allows by a layer what another denies", () => {
  const rule = (pattern: string): PathRule => ({
    pattern,
    ref: { source: "s", keys: [], text: pattern },
  });
  const base = mergeLayers([]);
  const deny = { allow: [], deny: [rule("/a")], ignore: [] };
  const allow = { allow: [rule("/a/b/c")], deny: [], ignore: [] };
  for (const order of [[deny, allow], [allow, deny]]) {
    const policy = mergeLayers(
      order.map((read) => ({ ...base, read, extends: [] })),
    );
    assertEquals(
      word(compile(policy).decide(opening("read", "/a/b/c"))),
      "EACCES",
    );
  }
});

Deno.test("decide() tells nobody by an exec of what is no file where nothing may be seen", async () => {
  const one = await engine(
    "read: {allow: true, deny: [/secret], ignore: [/hidden]}\nrun: true",
  );
  const run = (path: string, kind: FileKind): string =>
    word(one.decide(opening("run", path, kind)));
  for (const kind of ["missing", "directory", "link", "fifo"] as const) {
    assertEquals(run("/secret/x", kind), "EACCES");
    assertEquals(run("/hidden/x", kind), "ENOENT");
    assertEquals(run("/usr/bin/x", kind), "allow");
  }
  assertEquals(run("/secret/x", "file"), "allow");
});

Deno.test("decide() runs no memfd by a rule that means files, whatever its name", async () => {
  const run = async (rule: string): Promise<string> =>
    word(
      (await engine(`run: ["${rule}"]`)).decide(
        opening("run", "/memfd:x/bin/y (deleted)", "object"),
      ),
    );
  assertEquals(await run("/**/y*"), "EACCES");
  assertEquals(await run("/memfd:*/**"), "allow");
  assertEquals(await run("/"), "allow");
});

Deno.test("decide() makes no file that runs as its owner where not all may be written", async () => {
  const setsId: Call = {
    name: "chmod",
    uses: [{ access: "write", path: "/w/x", kind: "file" }],
    setsId: true,
  };
  assertEquals(word((await engine("write: [/w]")).decide(setsId)), "EPERM");
  assertEquals(word((await engine("write: true")).decide(setsId)), "allow");
});

Deno.test("decide() has no directory tell no letters where a rule names a file", async () => {
  const folds: Call = {
    name: "ioctl",
    uses: [{ access: "write", path: "/w/d", kind: "directory" }],
    folds: true,
  };
  const asked = async (policy: string): Promise<string> =>
    word((await engine(policy)).decide(folds));
  const all = "read: true\nwrite: true\nrun: true";
  assertEquals(await asked(all), "allow");
  for (
    const policy of [
      "read: true\nwrite: [/w]\nrun: true",
      `write: true\nrun: true\nread: {allow: ["/"], deny: [/w/d/file]}`,
      `write: true\nrun: true\nread: {allow: ["/"], ignore: [/w/d/file]}`,
      // By a link there, in other letters, the next run would read where that leads.
      "write: true\nrun: true\nread: [/w/d/file]",
      "read: true\nwrite: true\nrun: [/w/d/file]",
      `${all}\nnet: {allow: ["unix:/"], deny: ["unix:/w/d/file"]}`,
    ]
  ) {
    assertEquals(await asked(policy), "EOPNOTSUPP", policy);
  }
});

Deno.test("compile() takes no rule that refuses what the program could open", async () => {
  const layer = await parsePolicy(
    "read: {deny: [/w/link, /o/link]}\nwrite: [/w]",
    { source: "p.yaml", variables: VARIABLES },
  );
  const policy = mergeLayers([layer]);
  const closed = new Map([["/w/link", ["/o", "/w/deep"]], ["/o/link", ["/o"]]]);
  const closedOnTheWay = (path: string): readonly string[] =>
    closed.get(path) ?? [];
  assertThrows(
    () => compile(policy, { closedOnTheWay }),
    PolicyError,
    'Cannot use "/w/link" of "p.yaml": what it refuses is hidden by "/w/deep"',
  );
  closed.delete("/w/link");
  compile(policy, { closedOnTheWay });
});

Deno.test("compile() takes no rules whose alternatives stand for too many patterns", async () => {
  const alternatives = "{a,b}".repeat(8);
  const rules = (count: number): string =>
    `read: [${
      Array.from({ length: count }, (_, i) => `"/${i}${alternatives}"`)
    }]`;
  const policy = async (text: string): Promise<Policy> =>
    mergeLayers([
      await parsePolicy(text, { source: "p.yaml", variables: VARIABLES }),
    ]);
  compile(await policy(rules(10)));
  const many = await policy(rules(257));
  assertThrows(
    () => compile(many),
    PolicyError,
    `Cannot use "/256${alternatives}" of "p.yaml": with those before it`,
  );
});

Deno.test("what is refused is so in capital letters as well, where a file system may not tell them", async () => {
  const text = `read:
  allow: [/w]
  deny: [/w/secret, "/w/**/*.K[a-z]y", /w/\u00e9]
  ignore: ["/w/**/.env"]
write: {allow: [/w], deny: ["/w/**/.git/**"]}
`;
  const layer = await parsePolicy(text, {
    source: "test.yaml",
    variables: VARIABLES,
  });
  const said = (
    paths: readonly string[],
    folding: readonly string[],
    access: Access = "read",
  ): string[] => {
    const engine = compile(mergeLayers([layer]), { folding: () => folding });
    return paths.map((path) =>
      word(engine.decide(opening(access, fromText(path))))
    );
  };
  const closed = ["/w/SECRET/x", "/w/Secret.", "/w/a/x.key", "/w/X.KEY "];
  closed.push("/w/\u00c9", "/w/e\u0301", "/w/\u017fecret", "/w/sec\u200bret");
  const denied = closed.map(() => "EACCES");
  const allowed = closed.map(() => "allow");
  assertEquals(said(closed, ["/w"]), denied);
  assertEquals(said(closed, ["/"]), denied);
  assertEquals(said(closed, ["/w/b", "/x"]), allowed);
  assertEquals(said(closed, []), allowed);
  const hidden = ["/w/.ENV", "/w/a/.Env"];
  assertEquals(said(hidden, ["/w"]), ["ENOENT", "ENOENT"]);
  assertEquals(said(hidden, ["/w"], "stat"), ["ENOENT", "ENOENT"]);
  assertEquals(said(hidden, ["/w"], "write"), ["ENOENT", "ENOENT"]);
  const link: Call = {
    name: "symlinkat",
    uses: [{ access: "write", path: "/w/SECRET", kind: "missing" }],
  };
  const { policy } = compile(mergeLayers([layer]));
  const placed = compile(policy, { folding: () => ["/w"] }).decide(link);
  assertEquals(word(placed), "EACCES");
  const git = ["/w/.GIT/config", "/w/a/.Git", "/w/x", "/W/x"];
  const written = ["EACCES", "EACCES", "allow", "EACCES"];
  assertEquals(said(git, ["/"], "write"), written);
});

Deno.test("what a wildcard refuses is so in letters of all kinds, where a file system may not tell them", async () => {
  const text = `read:
  allow: [/w]
  deny: ["/w/**/\u00c4*x", "/w/[A-C]z", "/w/[]D]z", "/w/\\\\[E*", /w/\u03a3a\u03a3]
`;
  const layer = await parsePolicy(text, {
    source: "test.yaml",
    variables: VARIABLES,
  });
  const said = (paths: readonly string[]): string[] => {
    const engine = compile(mergeLayers([layer]), { folding: () => ["/w"] });
    return paths.map((path) => word(engine.decide(opening("read", path))));
  };
  const closed = [
    "/w/a/\u00e4X",
    "/w/A\u0308x",
    "/w/az",
    "/w/B\u200bZ",
    "/w/[e",
    "/w/dz",
  ]
    .map(fromText);
  // A name that is no text is in the way of one that is.
  closed.push(
    `/w/\xff/${fromText("\u00e4x")}`,
    `/w/\xff/${fromText("A\u0308\u200bX")}`,
  );
  closed.push(fromText("/w/\u03c3A\u03c2"), fromText("/w/\u03c2a\u03c3"));
  assertEquals(said(closed), closed.map(() => "EACCES"));
  const open = ["/w/x", "/w/\xffz", "/w/ez"];
  assertEquals(said(open), open.map(() => "allow"));
});

Deno.test("what a wildcard refuses at the end of a name, or by a set, is so in any letters, where a file system may not tell them", async () => {
  const layer = await parsePolicy(
    `read: {allow: [/w], deny: ["/w/secret.*", "/w/*x", "/w/[!a]1", "/w/[\u042f]2*"]}\n`,
    { source: "test.yaml", variables: VARIABLES },
  );
  const said = (folding: string[], names: readonly string[]): string[] => {
    const engine = compile(mergeLayers([layer]), { folding: () => folding });
    return names.map((name) =>
      word(engine.decide(opening("read", fromText(`/w/${name}`))))
    );
  };
  const own = ["secret.", "yx", "A1", "\u042f2"];
  const other = ["SECRET.", "YX. ", "a1", "\u044f2"];
  assertEquals(said(["/w"], [...own, ...other]), Array(8).fill("EACCES"));
  const told = [...Array(4).fill("EACCES"), ...Array(4).fill("allow")];
  assertEquals(said([], [...own, ...other]), told);
  assertEquals(said(["/w"], ["secre.", "yz", "a3"]), Array(3).fill("allow"));
});

Deno.test("a set of characters from others to capital letters is so in small ones, where a file system may not tell them", async () => {
  const layer = await parsePolicy(
    'read: {allow: [/w], deny: ["/w/[0-Z]y", "/w/[X-b]x", "/w/[\\\\P-R]z"]}\n',
    { source: "test.yaml", variables: VARIABLES },
  );
  const engine = compile(mergeLayers([layer]), { folding: () => ["/w"] });
  const said = (names: readonly string[]): string[] =>
    names.map((name) => word(engine.decide(opening("read", `/w/${name}`))));
  const closed = ["By", "by", "zy", "5y", "Yx", "yx", "ax", "Qz", "qz"];
  assertEquals(said(closed), closed.map(() => "EACCES"));
  const open = ["!y", "cx", "wx", "sz"];
  assertEquals(said(open), open.map(() => "allow"));
});

Deno.test("nothing comes to where a rule allows more by its name in other letters", async () => {
  const layer = await parsePolicy(
    "read: [/w/out, /w/key]\nrun: [/w/bin]\nwrite: [/w]\n",
    { source: "test.yaml", variables: VARIABLES },
  );
  const moved = (to: string, tree: boolean, folding: string[]): string => {
    const from = "/w/closed";
    const kind = tree ? "directory" : "file";
    const engine = compile(mergeLayers([layer]), { folding: () => folding });
    const uses = [from, to].map((path) => (
      { access: "write", path, kind } as const
    ));
    const moves = [{ from, to, tree }];
    return word(engine.decide({ name: "rename", uses, moves }));
  };
  const linked = (path: string, folding: string[]): string =>
    word(
      compile(mergeLayers([layer]), { folding: () => folding }).decide({
        name: "symlinkat",
        uses: [{ access: "write", path, kind: "missing" }],
      }),
    );
  const names = ["/w/OUT", "/w/Out/x", "/w/KEY", "/w/BIN/x", "/w/new"];
  const file = names.map((to) => moved(to, false, ["/w"]));
  assertEquals(file, ["EACCES", "EACCES", "EACCES", "EACCES", "allow"]);
  const tree = names.map((to) => moved(to, true, ["/w"]));
  assertEquals(tree, ["EXDEV", "EXDEV", "EXDEV", "EXDEV", "allow"]);
  const link = names.map((path) => linked(path, ["/w"]));
  assertEquals(link, ["EACCES", "allow", "EACCES", "allow", "allow"]);
  const told = names.map((to) => moved(to, true, []));
  assertEquals(told, names.map(() => "allow"));
});

Deno.test("decide() moves no file that a directory could have replaced with what is closed in it by its name in other letters", async () => {
  const layer = await parsePolicy(
    'read: {allow: [/w, /t], deny: ["/w/a/**/.env"]}\nwrite: [/w, /t]\n',
    { source: "test.yaml", variables: VARIABLES },
  );
  const moved = (from: string, to: string, folding: string[]): string =>
    word(
      compile(mergeLayers([layer]), { folding: () => folding })
        .decide(renaming({ from, to, tree: false })),
    );
  for (const from of ["/w/a/x", "/w/A/x"]) {
    assertEquals(moved(from, "/t/x", ["/w"]), "EXDEV", from);
    assertEquals(moved(from, `${from}y`, ["/w"]), "allow", from);
  }
  assertEquals(moved("/w/b/x", "/t/x", ["/w"]), "allow");
  assertEquals(moved("/w/A/x", "/t/x", []), "allow");
});

Deno.test("a rule that refuses a unix socket does so in letters of all kinds, where a file system does not tell them", async () => {
  const layer = await parsePolicy(
    'write: [/w]\nnet: {allow: ["unix:/w/d", "unix:/w/e"], deny: ["unix:/w/d/s", "unix:/w/d/**/*.no"]}\n',
    { source: "test.yaml", variables: VARIABLES },
  );
  const named: string[] = [];
  const of = (folding: string[]): Engine =>
    compile(mergeLayers([layer]), {
      folding: (paths) => {
        named.push(...paths);
        return folding;
      },
    });
  const connected = (folding: string[]): string[] =>
    ["/w/d/s", "/w/d/S", "/w/D/s.", "/w/d/x/A.NO", "/w/d/t"].map((path) => {
      const kind = "socket";
      const uses = [{ access: "write", path, kind } as const];
      const endpoint = { family: "unix", path, kind } as const;
      const net = [{ access: "connect", endpoint } as const];
      return word(of(folding).decide({ name: "connect", uses, net }));
    });
  const moved = (folding: string[]): string[] =>
    ([
      ["/w/d/S", "/w/d/t", false],
      ["/w/x", "/w/E", false],
      ["/w/D", "/w/q", true],
      ["/w/d/t", "/w/d/u", false],
    ] as const).map(([from, to, tree]) => {
      const kind = tree ? "directory" : "socket";
      const uses = [from, to].map((path) => (
        { access: "write", path, kind } as const
      ));
      const moves = [{ from, to, tree }];
      return word(of(folding).decide({ name: "rename", uses, moves }));
    });
  const no = "EACCES";
  assertEquals(connected(["/w"]), [no, no, no, no, "allow"]);
  assertEquals(connected([]), [no, "allow", no, "allow", "allow"]);
  assertEquals(moved(["/w"]), [no, no, "EXDEV", "allow"]);
  assertEquals(moved([]), ["allow", "allow", "allow", "allow"]);
  assertEquals(named.includes("/w/d/s") && named.includes("/w/d"), true);
});

Deno.test("no short name of FAT or NTFS leads to what a rule refuses", async () => {
  const layer = await parsePolicy(
    'read: {allow: [/w, /o], deny: [/w/a/.git, "/w/s/**/*.key"]}',
    { source: "test.yaml", variables: VARIABLES },
  );
  const said = (
    paths: readonly string[],
    folding: readonly string[],
  ): string[] => {
    const engine = compile(mergeLayers([layer]), { folding: () => folding });
    return paths.map((path) => word(engine.decide(opening("read", path))));
  };
  const short = ["/w/a/GIT~1", "/w/a/git~1/x", "/w/s/b/LONGNA~1.KEY"];
  short.push(
    "/w/s/GI7EBA~1",
    "/w/a/A~B~1",
    "/w/a/NOTES~~1.TXT",
    "/w/a/~$DOC~1",
  );
  short.push(fromText("/w/a/PR\u00dcFUN~1.\u00c4\u00d6\u00dc"));
  assertEquals(said(short, ["/w"]), short.map(() => "EACCES"));
  assertEquals(said(short, ["/o"]), short.map(() => "allow"));
  const others = ["/w/b/GIT~1", "/o/GIT~1", "/w/a/x~", "/w/a/x.~1~"];
  others.push("/w/a/toolong~1", "/w/a/a~b", "/w/a/~1", "/w/a/x~1.long");
  assertEquals(said(others, ["/"]), others.map(() => "allow"));
});

Deno.test("no directory with what a rule refuses is moved by its name in other letters", async () => {
  const layer = await parsePolicy(
    "read: {allow: [/w], deny: [/w/dir/key]}\nwrite: [/w]\n",
    { source: "test.yaml", variables: VARIABLES },
  );
  const moved = (from: string, folding: readonly string[]): string => {
    const to = "/w/new";
    const engine = compile(mergeLayers([layer]), { folding: () => folding });
    const uses = [from, to].map((path) => (
      { access: "write", path, kind: "directory" } as const
    ));
    const moves = [{ from, to, tree: true }];
    return word(engine.decide({ name: "rename", uses, moves }));
  };
  const names = ["/w/dir", "/w/DIR", "/w/Dir.", "/w/DIR~1", "/w/other"];
  const closed = ["EXDEV", "EXDEV", "EXDEV", "EXDEV", "allow"];
  assertEquals(names.map((name) => moved(name, ["/w"])), closed);
  const told = ["EXDEV", "allow", "allow", "allow", "allow"];
  assertEquals(names.map((name) => moved(name, [])), told);
});
