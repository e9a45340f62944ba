import { assertEquals, assertRejects } from "@std/assert";
import { PolicyError } from "../../errors.ts";
import { passes } from "../env.ts";
import { mergeLayers } from "../merge.ts";
import type { Layer } from "../policy.ts";
import { allHidden, given, givenUname, mergeSys } from "../sys.ts";
import { parsePolicy } from "./parse.ts";

const VARIABLES = {
  cwd: "/home/u/[work]*",
  home: "/home/u",
  tmp: "/tmp",
  program: "/usr/bin/ls",
};

function parse(input: string | Uint8Array): Promise<Layer> {
  return parsePolicy(input, { source: "build.yaml", variables: VARIABLES });
}

async function fail(input: string | Uint8Array): Promise<PolicyError> {
  return await assertRejects(() => parse(input), PolicyError);
}

Deno.test("parsePolicy() reads every form of a rule", async () => {
  const layer = await parse(`
description: All forms.
extends: [minimal, ./more.yaml]
read: [/usr, "\${cwd}/*.c", ~/x]
write: {allow: true, deny: [{path: /a, errno: ENOSPC}, {path: /b, kill: true}], ignore: [/c]}
run: true
env: [PATH, "LC_*"]
net: true
sys: false
limits: {open-files: 256, file-size: 100MiB}
calls: {allow: [mincore], deny: [ptrace], kill: [bpf]}
default: EPERM
unseen: ENOENT
`);
  assertEquals(layer.description, "All forms.");
  assertEquals(layer.extends.map(({ name }) => name), [
    "minimal",
    "./more.yaml",
  ]);
  assertEquals(layer.read.allow.map(({ pattern }) => pattern), [
    "/usr",
    "/home/u/\\[work\\]\\*/*.c",
    "/home/u/x",
  ]);
  assertEquals(layer.write.allow.map(({ pattern }) => pattern), ["/"]);
  assertEquals(layer.write.deny.map(({ refusal }) => refusal), [
    { kind: "errno", errno: "ENOSPC" },
    { kind: "kill" },
  ]);
  assertEquals(layer.write.ignore[0]?.ref.keys, ["write", "ignore", 0]);
  assertEquals([layer.net, layer.sys?.cpus?.value], ["all", 1]);
  assertEquals(layer.calls.refuse.map(({ name, refusal }) => [name, refusal]), [
    ["ptrace", undefined],
    ["bpf", { kind: "kill" }],
  ]);
  assertEquals(layer.limits["open-files"]?.most, 256);
  assertEquals(layer.limits["file-size"]?.most, 100 * 2 ** 20);
  assertEquals(layer.limits["file-size"]?.ref.keys, ["limits", "file-size"]);
  assertEquals(layer.default?.refusal, { kind: "errno", errno: "EPERM" });
  assertEquals(layer.unseen?.refusal, { kind: "errno", errno: "ENOENT" });
});

Deno.test("parsePolicy() reads variables that get a value, beside what is handed over", async () => {
  const { env } = await parse(
    `env: {set: {LANG: C, HOME: "\${tmp}/h*"}, allow: [PATH], deny: ["*"]}`,
  );
  assertEquals(env.set.map(({ name, value }) => `${name}=${value}`), [
    "LANG=C",
    "HOME=/tmp/h*",
  ]);
  assertEquals(env.set[0]?.ref.keys, ["env", "set", "LANG"]);
  assertEquals([env.allow.length, env.deny.length], [1, 1]);
});

const REF = { source: "", keys: [], text: "" };

for (
  const [text, expected] of [
    ["{hostname: box}", { uname: { nodename: "box" } }],
    ["{uname: {release: '6.1', machine: real}}", {
      uname: { release: "6.1" },
    }],
    ["{time: deny}", { time: { kind: "deny" } }],
    ["{time: 2000-01-01}", { time: { kind: "fixed", at: 946684800000 } }],
    ["{time: {fixed: 2000-01-01T02:00:00.5+02:00}}", {
      time: { kind: "fixed", at: 946684800500 },
    }],
    ["{time: {offset: -1w2d3h4m5s6ms}}", {
      time: { kind: "offset", by: -788645006 },
    }],
    ["{time: {offset: +3d}}", { time: { kind: "offset", by: 259200000 } }],
    ["{time: {rate: 0.5}}", { time: { kind: "rate", rate: 0.5 } }],
    ["{time: {rate: 2, from: 1970-01-01T00:00:00Z}}", {
      time: { kind: "rate", rate: 2, from: 0 },
    }],
    ["{others: deny}", { others: "deny" }],
    ["{cpus: 4, uid: 0, gid: 7, sysinfo: deny, random: {seed: 9}}", {
      cpus: 4,
      uid: 0,
      gid: 7,
      sysinfo: "deny",
      random: 9,
    }],
    ["{cpus: real, time: real, uname: real}", {}],
    ["{deterministic: true, cpus: 2, hostname: box}", {
      uname: { nodename: "box" },
      time: { kind: "fixed", at: 946684800000 },
      cpus: 2,
      random: 0,
    }],
    ["true", {}],
  ] as const
) {
  Deno.test(`parsePolicy() reads sys: ${text}`, async () => {
    const { sys } = await parse(`sys: ${text}`);
    // On top of a policy that says otherwise.
    const { uname, ...facts } = mergeSys([
      text === "true" ? allHidden(REF) : undefined,
      sys,
    ]);
    const seen = Object.entries(facts).flatMap(([name, fact]) =>
      given<unknown>(fact) === undefined ? [] : [[name, given<unknown>(fact)]]
    );
    const names = givenUname({ uname: uname ?? {} });
    assertEquals({
      ...Object.fromEntries(seen),
      ...Object.keys(names).length > 0 ? { uname: names } : {},
    }, expected);
  });
}

Deno.test("mergeLayers() hands over no HOSTNAME where sys gives another, or none", async () => {
  const all = "env: {allow: [HOSTNAME, HOME]}";
  for (
    const [sys, handed] of [
      ["{hostname: box}", false],
      ["{uname: {nodename: box}}", false],
      ["false", false],
      ["{uname: {release: '1'}}", true],
      ["{uname: real}", true],
    ] as const
  ) {
    const { env } = mergeLayers([await parse(`${all}\nsys: ${sys}`)]);
    assertEquals(passes(env, "HOSTNAME"), handed, sys);
    assertEquals(passes(env, "HOME"), true);
  }
});

Deno.test("mergeLayers() closes the files that tell what sys denies, at its place", async () => {
  const layer = await parse("sys: {time: deny, sysinfo: deny, others: deny}");
  const { read } = mergeLayers([layer]);
  const of = (path: string): unknown =>
    read.deny.find(({ pattern }) => pattern === path)?.ref.keys;
  assertEquals(of("/proc/irq"), ["sys", "time"]);
  assertEquals(of("/proc/loadavg"), ["sys", "sysinfo"]);
  assertEquals(of("/proc/sys"), ["sys", "others"]);
  const real = await parse("sys: true");
  assertEquals(mergeLayers([layer, real]).read.deny, []);
});

Deno.test("parsePolicy() reads a sentence of several lines, and a name with a comma in quotes", async () => {
  const layer = await parse('description: a, b\n  and c\nread: ["/a, b"]\n');
  assertEquals(layer.description, "a, b and c");
  assertEquals(layer.read.allow[0]?.pattern, "/a, b");
});

Deno.test("parsePolicy() reads text with CRLF and a byte order mark", async () => {
  const layer = await parse("\ufeffread: [/a]\r\nwrite:\r\n  - /b\r\n");
  assertEquals(layer.write.allow[0]?.pattern, "/b");
});

Deno.test("parsePolicy() makes names of text as the kernel has them", async () => {
  const layer = await parse("read: [/é]");
  assertEquals(layer.read.allow[0]?.pattern, "/\xc3\xa9");
});

// What is wrong, where, and a part of what the message and the hint say.
const WRONG: readonly (readonly [string, string, string, string?])[] = [
  ["read: [/a]\n\nwirte: [/b]", "3:1", `unknown key "wirte"`, `"write"`],
  ["read: [usr]", "1:8", "absolute", "${cwd}"],
  ["read: [../x]", "1:8", "absolute"],
  ["read: ['${cdw}/x']", "1:8", `unknown variable "\${cdw}"`, `"cwd"`],
  ["read: ['${policy-dir}/x']", "1:8", "no value"],
  ["read: [${cwd}/x]", "1:9", "", "double quotes"],
  ["read: [$HOME/x]", "1:8", "environment", "${home}"],
  ["read: ['/a[b']", "1:8", "not closed"],
  ["read: ['/a**b']", "1:8", "alone"],
  ["read: ['/{a}']", "1:8", "choices"],
  [`read: ['/${"{a,b}".repeat(9)}']`, "1:8", "more than 256"],
  ["read: ['/../x']", "1:8", "above the root"],
  ['read: ["/a\\0b"]', "1:8", "NUL"],
  ["read: {deny: [/a/.]}", "1:15", "beneath"],
  ["read: [/a, 3]", "1:12", "a path is expected, not 3"],
  ["read: /usr", "1:7", "must be a list", `["/usr"]`],
  ["read:", "1:6", "not nothing"],
  ["read: false\nextends: minimal", "1:7", "takes nothing back"],
  ["read: {deny: ['/a,/b']}", "1:15", "several paths", "an item for each"],
  ["read:\n  deny:\n  - ${cwd}/a,${cwd}/b", "3:5", "several paths"],
  ["net: {deny: ['unix:/a,/b']}", "1:14", "several paths"],
  ["read: {deny: ['/etc:/usr']}", "1:15", "several paths", "an item for each"],
  ["read: {deny: ['/a;/b']}", "1:15", "several paths"],
  ["read: {deny: ['/a,']}", "1:15", "several paths", "an item for each"],
  ["read: {deny: ['/a /b']}", "1:15", "several paths", "an item for each"],
  ["read: {deny: ['${cwd}/a ${cwd}/b']}", "1:15", "several paths"],
  ['read: {deny: ["/a\\n/b"]}', "1:15", "several paths"],
  ["read: {deny: ['/a/!(b)']}", "1:15", "mean themselves", "for each name"],
  ["read: {deny: ['/a/*.!(b)']}", "1:15", "mean themselves"],
  ["net: {deny: ['unix:/a/@(b)']}", "1:14", "mean themselves"],
  ["net: {deny: [private]}", "1:14", "the name of a host", '"*" for all'],
  ["net: {connect: {deny: ['TCP:22']}}", "1:24", "the name of a host"],
  ["read: {deny: ['${home}.ssh']}", "1:15", 'a "/" is missing', "${home}/…"],
  ["read: ['${cwd}src']", "1:8", 'a "/" is missing', "${cwd}/../…"],
  ["read: {deny: ['${cwd}*.key']}", "1:15", 'a "/" is missing'],
  ["read: {deny: ['/a ']}", "1:15", "ends with a blank", "take it out"],
  ['read: {deny: ["/a\u00a0"]}', "1:15", "ends with a blank"],
  ['read: {deny: ["/a\\n"]}', "1:15", "ends with a blank"],
  ["read: {deny: ['/a/@(b|c)']}", "1:15", "no choice", "{a,b}"],
  ["read: {deny: ['/a/(*.b|*.c)']}", "1:15", "no choice", "{a,b}"],
  ["net: {deny: ['unix:/a ']}", "1:14", "ends with a blank"],
  ["net: {deny: ['unix:@{a,b}']}", "1:14", "a brace", "for each name"],
  ["net: {deny: ['unix:@a ']}", "1:14", "a blank", "for each name"],
  ["env: {deny: ['{A,B}_*']}", "1:14", "cannot be the name"],
  ["env: {deny: ['A ']}", "1:14", "cannot be the name"],
  ["read: {allow: [{path: /a, errno: EPERM}]}", "1:16", "only a rule in"],
  ["read: {deny: [{path: /a, errno: EPRM}]}", "1:33", "errno", "EPERM"],
  ["read: {deny: [{path: /a, errno: EPERM, kill: true}]}", "1:40", "two ways"],
  ["read: {deny: [{errno: EPERM}]}", "1:15", `"path" is missing`],
  ["calls: {allow: [ptrace]}", "1:17", "cannot be allowed"],
  ["calls: {allow: [clone3]}", "1:17", "cannot be allowed"],
  ["calls: {allow: [opeat]}", "1:17", "unknown call", "openat"],
  ["calls: {allow: ['@flie']}", "1:17", "unknown group", "@file"],
  ["calls: {deny: [bpf], kill: [bpf]}", "1:29", "refused twice"],
  ["calls: {deny: [bpf, bpf]}", "1:21", "refused twice"],
  ["calls: {return: {fsync: x}}", "1:25", "whole number"],
  ["calls: {signal: {fsync: SIGTREM}}", "1:25", "signal", "SIGTERM"],
  ["default: 13", "1:10", "errno", "EPERM"],
  ["default: maybe", "1:10", "errno", "EPERM"],
  ["env: ['A=b']", "1:7", "name of a variable"],
  ["env: {set: {A=B: x}}", "1:13", "name of a variable"],
  ["env: {set: {A: 1}}", "1:16", "text is expected", "quotes"],
  ["env: {set: [A]}", "1:12", "must be a map"],
  ["env: {set: {A: '$HOME'}}", "1:16", "environment", "${home}"],
  ["env: {sett: {A: x}}", "1:7", "unknown key", `"set"`],
  ["net: ['foo*.example.org']", "1:7", "where none can be", "*.example.org"],
  [
    "net: {listen: ['example.org:80']}",
    "1:16",
    "listens at an address",
    "*:8080",
  ],
  ["net: {connect: ['10.0.0.1/8']}", "1:17", "bits beyond", "10.0.0.0/8"],
  ["sys: 3", "1:6", "a map, not 3", "hostname"],
  ["sys: {hostnam: x}", "1:7", "unknown key", `"hostname"`],
  ["sys: {uname: deny}", "1:14", "must be a map"],
  ["sys: {uname: {node: x}}", "1:15", "unknown key", "nodename"],
  ["sys: {uname: {release: 6}}", "1:24", "a text is expected", "quotes"],
  ["sys: {uname: {nodename: a}, hostname: b}", "1:29", "the same", "leave out"],
  [`sys: {hostname: ${"x".repeat(65)}}`, "1:17", "at most 64"],
  ['sys: {hostname: "a\\tb"}', "1:17", "control"],
  ["sys: {cpus: 0}", "1:13", "from 1 to 1024", "leave it out"],
  ["sys: {cpus: 1.5}", "1:13", "from 1"],
  ["sys: {uid: root}", "1:12", "number", ""],
  ["sys: {gid: 4294967295}", "1:12", "4294967294"],
  ["sys: {sysinfo: false}", "1:16", `"deny" is expected`],
  ["sys: {others: hide}", "1:15", `"deny" is expected`, "leave it out"],
  ["sys: {others: denny}", "1:15", `"deny" is expected`, `mean "deny"`],
  ["sys: {random: 1}", "1:15", "a seed", "{seed: 1}"],
  ["read:\n  deny:\n  - /a\n   - /b", "3:5", "several items", "same blanks"],
  ["write: {deny: [/a\n  /b]}", "1:16", "several items"],
  ["env:\n  - A, B", "2:5", "several items", "double quotes"],
  ["write:\n  deny:\n  - /a - /b", "3:5", "several items", "a line of its own"],
  ["write: {deny: [/a /b]}", "1:16", "several items"],
  ['write: {deny: [/a, /b "/c"]}', "1:20", "several items"],
  ["read:\n  deny:\n  - /a,\n  - /b", "3:5", "several items"],
  ['read: {deny: [/a"]}', "1:15", "several items", "double quotes"],
  ["read: {deny: [/a\u200b]}", "1:17", "not seen (U+200B)", "take it out"],
  ["read: {deny: [/a\u202e]}", "1:17", "not seen (U+202E)"],
  ["env: {deny: [A;]}", "1:14", "several items"],
  ["env: {deny: ['A;']}", "1:14", "cannot be the name"],
  ["read: {deny: [~/a ~/b]}", "1:15", "several items"],
  ["read:\n  deny:\n  - |\n    /a\n    /b", "3:5", "several items"],
  ["read:\n  deny:\n  - >\n    /a", "3:5", "several items"],
  ['write: {deny: ["/a\n  /b"]}', "1:16", "several items"],
  ["write: {deny: ['/a\n  /b']}", "1:16", "several items"],
  ["read:\n  deny:\n  - path: /a\n      /b\n    kill: true", "3:11", "several"],
  ["net:\n  deny:\n  - address: >\n      unix:/a\n", "3:14", "several items"],
  ["env: {allow: true, deny: ['$A']}", "1:27", "name of a", "name alone"],
  ["sys: {random: {}}", "1:15", "not nothing"],
  ["sys: {random: {seed: -1}}", "1:22", "from 0"],
  ["sys: {time: reel}", "1:13", "an instant or a map", `"real"`],
  ["sys: {time: 2000-01-01T00:00:00}", "1:13", "no instant", "zone"],
  ["sys: {time: 2000-04-31}", "1:13", "no instant"],
  ["sys: {time: {fixed: 0}}", "1:21", "text is expected"],
  ["sys: {time: {fixed: 1969-12-31}}", "1:21", "no instant"],
  ["sys: {time: {offset: 3}}", "1:22", "text is expected"],
  ["sys: {time: {offset: 3h1d}}", "1:22", "no duration", "-3d"],
  ["sys: {time: {rate: 0}}", "1:20", "from 0.001 to 1000"],
  ["sys: {time: {fixed: 2000-01-01, rate: 1}}", "1:33", "at once"],
  ["sys: {time: {offset: 1d, from: 2000-01-01}}", "1:26", "goes with"],
  ["sys: {time: {}}", "1:13", "says no time", "fixed"],
  ["sys: {deterministic: 1}", "1:22", "true or false"],
  ["limits: {output: 1KB}", "1:18", `unknown unit "KB"`, "kB"],
  ["limits: [60s]", "1:9", "must be a map", "memory"],
  ["limits: {open-file: 3}", "1:10", "unknown key", "open-files"],
  ["limits: {open-files: 0}", "1:22", "would allow nothing"],
  ["limits: {open-files: 2.5}", "1:22", "whole number", "digits"],
  ["limits: {open-files: many}", "1:22", "whole number"],
  ["limits: {output: 1G}", "1:18", `unknown unit "G"`, '"GB" or "GiB"'],
  ["limits:\n  file-size: 3gb", "2:14", `unknown unit "gb"`, "GB"],
  ["limits: {file-size: -1}", "1:21", "a size is expected", "100MiB"],
  ["limits: {time: 60}", "1:16", "a duration is expected", "60s"],
  ["limits: {time: 1001h}", "1:16", "too long"],
  ["limits: {file-size: true}", "1:21", "not true", "leave it out"],
  ["tests: []", "1:1", "not enforced yet"],
  ["- /usr", "1:1", "must be a map", "read: [/usr]"],
  ["read:[/usr]", "1:1", "must be a map", "a space"],
  ["read: [/a]\nread: [/b]", "2:1", 'the same key twice, "read"'],
  ["read: {allow: [], allow: []}", "1:19", "the same key twice"],
  ["read: [/a]\n---\nread: [/b]", "2:1", "more than one document"],
  ["read: &a [/a]\nwrite: *a", "1:10", "anchors"],
  ["read: *a", "1:7", ""],
  ["read: [*.c]", "1:8", "no aliases", "double quotes"],
  ["read: !!seq [/a]", "1:13", "no tags", "in front of it"],
  ["read: !x [/a]", "1:10", ""],
  ["%YAML 1.1\n---\nread: []", "1:1", "directives"],
  ["<<: {read: [/]}", "1:1", `unknown key "<<"`],
  ["? [a]\n: b", "1:3", "a key must be a text"],
  ["null: [a]", "1:1", "a key must be a text"],
  ["__proto__: {read: [/]}", "1:1", "unknown key"],
  ["read: yes", "1:7", "to some readers"],
  ["env: [PATH, NO]", "1:13", "to some readers"],
  ["calls: {return: {fsync: 010}}", "1:25", "two ways"],
  ["calls: {return: {fsync: 0o10}}", "1:25", "two ways"],
  ["read:\n\t- /a", "2:1", "tab"],
  ["read: [/a", "1:10", `"[" is not closed`, `"]"`],
  ["read: {allow: [/a]\nwrite: []\n", "2:1", `"{" is not closed`, `"}"`],
  [`read: ["/a]`, "1:12", "in quotes is not closed", 'close it with "'],
  ["read: ['/a]", "1:12", "in quotes is not closed", "close it with '"],
  ["allow-read: [/a]", "1:1", "unknown key", "write read: {allow: …}"],
  ["deny: [/a]", "1:1", "unknown key", "read: {deny: …}"],
  ["permissions: {read: [/a]}", "1:1", "unknown key", "without it"],
  ["timeout: 5s", "1:1", "unknown key", "write limits: {time: …}"],
  ["memory: 1GB", "1:1", "unknown key", "write limits: {memory: …}"],
  ["listen: [':80']", "1:1", "unknown key", "write net: {listen: …}"],
  ["cpus: 1", "1:1", "unknown key", "write sys: {cpus: …}"],
  ["run: [node]", "1:7", "its whole path", '"/usr/bin/node"'],
  ["read: [\u201c/a\u201d]", "1:8", "absolute", "plain quotes"],
  ["read: 5", "1:7", "must be a list", "write a list, or true"],
  ["read:\n", "1:6", "must be a list", "write [] for nothing"],
  ["read: /a: b", "1:7", "nested", "double quotes"],
  [" read: [/a]\nwrite: []", "2:1", "unexpected", "to the right"],
  ["read: [/a]]", "1:11", "unexpected", "take it out"],
  ["read: ['${cwd']", "1:8", "not closed", `"}"`],
  ["read: [/a\0]", "1:10", "control character (U+0000)"],
  ["read: [/a]\rwrite: [/b]", "1:11", "control character"],
  ["# 💡\nread: ['💡']", "2:8", "absolute"],
];

Deno.test("parsePolicy() takes a text of several lines for what is no rule", async () => {
  const text = 'description: |\n  one\n  two\nenv: {set: {A: "a\n  b"}}\n' +
    "read: [/a b, '/a /b', '/a\\,/b', '/a{/b,/c}', '/c:/d']";
  const layer = await parsePolicy(text, { source: "p.yaml", variables: {} });
  assertEquals(layer.description, "one\ntwo\n");
  assertEquals(layer.env.set[0]?.value, "a b");
  assertEquals(layer.read.allow.length, 5);
});

for (const [text, place, message, hint] of WRONG) {
  const shown = JSON.stringify(text.slice(0, 50));
  Deno.test(`parsePolicy() says what is wrong with ${shown}`, async () => {
    const error = await fail(text);
    const { position } = error;
    assertEquals(`${position?.line}:${position?.column}`, place, error.message);
    assertEquals(position?.file, "build.yaml");
    assertEquals(error.message.includes(message), true, error.message);
    assertEquals(error.hint?.includes(hint ?? "") ?? !hint, true, error.hint);
    assertEquals(error.snippet, text.split(/\n/)[Number(position?.line) - 1]);
  });
}

for (
  const [text, length] of [
    ["read: [/a]\nread: [/b]", 4],
    ["read: yes", 3],
    ["write: {deny: [/a\n  /b]}", 2],
  ] as const
) {
  Deno.test(`parsePolicy() marks all of what is wrong with ${JSON.stringify(text)}`, async () => {
    assertEquals((await fail(text)).length, length);
  });
}

for (const home of [undefined, "", "here"]) {
  Deno.test(`parsePolicy() says what to do about the home directory ${home}`, async () => {
    const error = await assertRejects(
      () => parsePolicy("read: [~/x]", { source: "x", variables: { home } }),
      PolicyError,
    );
    assertEquals(error.hint, "set HOME to an absolute path");
  });
}

Deno.test("parsePolicy() marks the word that is wrong", async () => {
  const error = await fail("read:\n  - /a\nwirte: [/b]\n");
  assertEquals(
    error.message,
    `Cannot read policy "build.yaml": unknown key "wirte" at line 3, column 1`,
  );
  assertEquals([error.snippet, error.length], ["wirte: [/b]", 5]);
});

Deno.test("parsePolicy() says where bytes are not UTF-8", async () => {
  const error = await fail(
    new Uint8Array([...new TextEncoder().encode("read:\n# é"), 0xff, 0x0a]),
  );
  assertEquals(error.position, { file: "build.yaml", line: 2, column: 4 });
});

const BOMB = "a: &a [x]\n" +
  Array.from({ length: 30 }, (_, i) => `b${i}: &b${i} [*a, *a, *a, *a]\n`).join(
    "",
  );

const HOSTILE: readonly (readonly [string, string])[] = [
  ["ten megabytes", "read: [/a]\n".repeat(1e6)],
  ["aliases that multiply", BOMB],
  ["brackets without an end", "[".repeat(5e5)],
  ["maps without an end", "{a: ".repeat(1e5)],
  ["dashes without an end", "- ".repeat(2e5)],
  ["questions without an end", "? ".repeat(2e5)],
  ["colons without an end", "a: ".repeat(1.5e5)],
  ["anchors without an end", "&a ".repeat(1.5e5)],
  ["quotes without an end", `"`.repeat(5e5)],
  ["lines without an end", "\n".repeat(5e5)],
  ["documents without an end", "---\n".repeat(4e4)],
  [
    "steps without an end",
    Array.from({ length: 900 }, (_, i) => `${" ".repeat(i)}a:\n`).join(""),
  ],
  ["many keys", Array.from({ length: 4e4 }, (_, i) => `k${i}: 1\n`).join("")],
  ["many lists", "read: [\n" + "[],\n".repeat(4e4) + "]"],
];

const TEN_THOUSAND = `read:\n${
  Array.from({ length: 1e4 }, (_, i) => `  - /srv/${i}/data\n`).join("")
}`;

/** How long something takes here and now, in milliseconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

for (const [what, text] of HOSTILE) {
  Deno.test(`parsePolicy() soon refuses ${what}`, async () => {
    const start = performance.now();
    const error = await fail(text);
    const took = performance.now() - start;
    if (took > 1000) {
      // Others may have kept it waiting: a policy that is good takes its time, too.
      const good = await timeOf(() => parse(TEN_THOUSAND));
      assertEquals(
        took < 30 * good,
        true,
        `took ${took} ms, ${good} are usual`,
      );
    }
    assertEquals(error.message.length < 300, true, error.message);
  });
}

Deno.test("parsePolicy() takes no half of a character, wherever it stands", async () => {
  const texts = [
    '{"env": {"set": {"A": "\\udcff"}}}',
    '{"env": {"set": {"A\\udcff": "x"}}}',
    '{"env": ["A\\udcff"]}',
    '{"read": ["/x/\\udcff"]}',
    '{"read": {"deny": ["/x/[\\ud800]"]}}',
    '{"net": {"connect": ["unix:/\\udcff"]}}',
    '{"sys": {"hostname": "a\\udcff"}}',
    '{"root": "/\\udcff"}',
    '{"description": "\\ud83d"}',
  ];
  for (const text of texts) {
    const { message } = await fail(text);
    assertEquals(message.includes("half of a character"), true, message);
  }
  const { description } = await parse('{"description": "\\ud83d\\ude00"}');
  assertEquals(description, "\u{1f600}");
});

Deno.test("parsePolicy() says by its letters which range runs backwards", async () => {
  const { message } = await fail('read: ["/x/[\u00e9-a]"]');
  assertEquals(
    message.includes('the range in "[\u00e9-a]" runs'),
    true,
    message,
  );
});

Deno.test("parsePolicy() reads a policy of ten thousand rules", async () => {
  const layer = await parse(TEN_THOUSAND);
  assertEquals(layer.read.allow.length, 1e4);
});
