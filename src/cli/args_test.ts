import { assertEquals, assertThrows } from "@std/assert";
import { fromBytes } from "../abi/bytes.ts";
import { UnsupportedError, UsageError } from "../errors.ts";
import type { RunRequest } from "../jail/run.ts";
import { parse } from "./args.ts";

function request(...words: string[]): RunRequest {
  const args = parse(words);
  if (args.kind !== "run") throw new Error(`parse() gave ${args.kind}`);
  return args.request;
}

Deno.test("parse() runs a program under nothing but the defaults", () => {
  assertEquals(request("ls"), {
    program: "ls",
    args: [],
    policies: [],
    flags: { allowAll: false },
    limits: {},
    engine: "auto",
    onDeny: "errno",
    report: false,
    auditOptional: false,
    keepFds: [],
    waitAll: false,
    landlock: true,
  });
});

interface EndCase {
  readonly what: string;
  readonly words: readonly string[];
  readonly program: readonly string[];
}

const ENDS: readonly EndCase[] = [
  {
    what: "at the first word that is no option",
    words: ["-A", "ls", "-l", "--report"],
    program: ["ls", "-l", "--report"],
  },
  {
    what: "at --",
    words: ["-A", "--", "-prog", "--report"],
    program: ["-prog", "--report"],
  },
  {
    what: "at the first of two --",
    words: ["--", "sh", "--", "x"],
    program: ["sh", "--", "x"],
  },
  {
    what: "at a lone dash, which is a name",
    words: ["-A", "-"],
    program: ["-"],
  },
  {
    what: "at an empty word, which is a name",
    words: ["", "x"],
    program: ["", "x"],
  },
  {
    what: "before words that look like assignments",
    words: ["prog", "--allow-read=/"],
    program: ["prog", "--allow-read=/"],
  },
  {
    what: "so that a program may be called learn",
    words: ["--", "learn"],
    program: ["learn"],
  },
  {
    what: "so that a program after an option may be called test",
    words: ["-p", "minimal", "test", "-f", "x"],
    program: ["test", "-f", "x"],
  },
];

for (const { what, words, program } of ENDS) {
  Deno.test(`parse() ends options ${what}`, () => {
    const parsed = request(...words);
    assertEquals([parsed.program, ...parsed.args], program);
  });
}

interface ValueCase {
  readonly what: string;
  readonly words: readonly string[];
  readonly want: Partial<RunRequest>;
}

const VALUES: readonly ValueCase[] = [
  {
    what: "a list at commas",
    words: ["--allow-read=/a,/b"],
    want: { flags: { allowAll: false, read: { allow: ["/a", "/b"] } } },
  },
  {
    what: "two commas as one in a name",
    words: ["-W=/a,,b,c"],
    want: { flags: { allowAll: false, write: { allow: ["/a,b", "c"] } } },
  },
  {
    what: "a flag without a list as everything",
    words: ["-N", "-E"],
    want: {
      flags: { allowAll: false, net: { allow: true }, env: { allow: true } },
    },
  },
  {
    what: "letters that stand together",
    words: ["-RW=/x"],
    want: {
      flags: {
        allowAll: false,
        read: { allow: true },
        write: { allow: ["/x"] },
      },
    },
  },
  {
    what: "a flag that is repeated as one list",
    words: ["--allow-run=/a", "--allow-run=/b"],
    want: { flags: { allowAll: false, run: { allow: ["/a", "/b"] } } },
  },
  {
    what: "an allow with and without a list as the list",
    words: ["-R", "--allow-read=/a"],
    want: { flags: { allowAll: false, read: { allow: ["/a"] } } },
  },
  {
    what: "a deny with and without a list as everything",
    words: ["--deny-read=/a", "--deny-read"],
    want: { flags: { allowAll: false, read: { deny: true } } },
  },
  {
    what: "ignore beside -A",
    words: ["--ignore-read=/etc/shadow", "-A"],
    want: { flags: { allowAll: true, read: { ignore: ["/etc/shadow"] } } },
  },
  {
    what: "text that is not ASCII",
    words: [fromBytes(new TextEncoder().encode("-R=/tmp/é"))],
    want: { flags: { allowAll: false, read: { allow: ["/tmp/é"] } } },
  },
  {
    what: "policies in order",
    words: ["-p", "a", "--policy=b.yaml", "--policy", "c", "-pd"],
    want: { policies: ["a", "b.yaml", "c", "d"] },
  },
  { what: "-P without a name", words: ["-P"], want: { permissionSet: true } },
  { what: "-P with a name", words: ["-P=ci"], want: { permissionSet: "ci" } },
  { what: "an engine", words: ["--engine=ptrace"], want: { engine: "ptrace" } },
  { what: "asking", words: ["--on-deny=ask"], want: { onDeny: "ask" } },
  { what: "--on-deny", words: ["--on-deny", "kill"], want: { onDeny: "kill" } },
  { what: "a root directory", words: ["--root=box"], want: { root: "box" } },
  {
    what: "descriptors",
    words: ["--keep-fd=3", "--keep-fd", "9"],
    want: { keepFds: [3, 9] },
  },
  {
    what: "a numeric name as text",
    words: ["--audit=12"],
    want: { audit: "12" },
  },
  {
    what: "a name with an equals sign",
    words: ["--audit=a=b"],
    want: { audit: "a=b" },
  },
  {
    what: "a dotted value",
    words: ["-p", "./x.y"],
    want: { policies: ["./x.y"] },
  },
  { what: "an empty --cwd as none", words: ["--cwd="], want: {} },
  {
    what: "a second --cwd from the first",
    words: ["--cwd=/a", "--cwd=b"],
    want: { cwd: "/a/b" },
  },
  {
    what: "an absolute --cwd as itself",
    words: ["--cwd=/a", "--cwd=/b"],
    want: { cwd: "/b" },
  },
  {
    what: "switches",
    words: ["--report", "--wait-all", "--audit=/a", "--audit-optional"],
    want: { report: true, waitAll: true, audit: "/a", auditOptional: true },
  },
];

for (const { what, words, want } of VALUES) {
  Deno.test(`parse() takes ${what}`, () => {
    const parsed = request(...words, "--", "prog");
    assertEquals(parsed, { ...request("prog"), ...want });
  });
}

Deno.test("parse() keeps arguments byte for byte", () => {
  assertEquals(request("x\xff", "a\xfe\xff", "")["args"], ["a\xfe\xff", ""]);
});

interface ErrorCase {
  readonly words: readonly string[];
  readonly message: string;
  readonly hint?: string;
  readonly missing?: true;
}

const ERRORS: readonly ErrorCase[] = [
  {
    words: [],
    message: "Cannot run anything: no program was named",
    hint: "write jail -- ls -l, or see jail --help",
  },
  {
    words: ["--"],
    message: "Cannot run anything: no program was named",
    hint: "write jail -- ls -l, or see jail --help",
  },
  {
    words: ["help", "nothing"],
    message: 'Cannot help with "nothing": it is no command',
    hint:
      "write jail help, or jail help and one of check, plan, doctor, policies, help",
  },
  {
    words: ["--allow-raed"],
    message: 'Cannot understand the option "--allow-raed"',
    hint: 'did you mean "--allow-read"?',
  },
  {
    words: ["--polcy=x", "ls"],
    message: 'Cannot understand the option "--polcy"',
    hint: 'did you mean "--policy"?',
  },
  {
    words: ["--read=.", "ls"],
    message: 'Cannot understand the option "--read"',
    hint: 'did you mean "--allow-read"?',
  },
  {
    words: ["-r", "ls"],
    message: 'Cannot understand the option "-r"',
    hint: 'did you mean "-R"?',
  },
  {
    words: ["-a", "ls"],
    message: 'Cannot understand the option "-a"',
    hint: "see jail --help",
  },
  {
    words: ["-Z"],
    message: 'Cannot understand the option "-Z"',
    hint: "see jail --help",
  },
  {
    words: ["--zzzzzzzzzzzz"],
    message: 'Cannot understand the option "--zzzzzzzzzzzz"',
    hint: "see jail --help",
  },
  {
    words: ["--\x1b[2J"],
    message: 'Cannot understand the option "--\\x1b[2J"',
    hint: "see jail --help",
  },
  {
    words: ["--__proto__=x", "ls"],
    message: 'Cannot understand the option "--__proto__"',
    hint: "see jail --help",
  },
  {
    words: ["-R/etc", "ls"],
    message: 'Cannot understand the option "-/"',
    hint: "see jail --help",
  },
  {
    words: ["--policy"],
    message: "Cannot use --policy: it needs a value",
    hint: "write --policy=NAME|FILE",
  },
  {
    words: ["-P=strict", "-P", "ls"],
    message: "Cannot take two permission sets",
    hint: "write a set that has what both say, or take policies by -p",
  },
  {
    words: ["--audit", "--", "ls"],
    message: "Cannot use --audit: it needs a value",
    hint: "write --audit=FILE",
  },
  {
    words: ["--allow-ffi", "ls"],
    message: 'Cannot understand the option "--allow-ffi"',
    hint: "leave it out: it is about what code in JavaScript loads",
  },
  {
    words: ["--allow-hrtime", "ls"],
    message: 'Cannot understand the option "--allow-hrtime"',
    hint:
      "leave it out: a program has the time, unless a policy says sys: {time: deny}",
  },
  {
    words: ["--allow-scripts=npm:x", "ls"],
    message: 'Cannot understand the option "--allow-scripts"',
    hint: "leave it out: it is about what Deno installs",
  },
  {
    words: ["--allow-al", "ls"],
    message: 'Cannot understand the option "--allow-al"',
    hint: 'did you mean "--allow-read"?',
  },
  {
    words: ["--no-prompt", "ls"],
    message: 'Cannot understand the option "--no-prompt"',
    hint: "leave it out: --on-deny=ask asks, nothing else does",
  },
  {
    words: ["--policy=", "ls"],
    message: "Cannot use --policy: its value is empty",
    hint: "write its value, or leave the option out",
  },
  {
    words: ["--allow-read=", "ls"],
    message: "Cannot use --allow-read: its value is empty",
    hint: "write its value, or leave the option out",
  },
  {
    words: ["--allow-read=/a,", "ls"],
    message: 'Cannot use --allow-read: a value in "/a," is empty',
    hint: 'take the comma out, or write ",," for one in a name',
  },
  {
    words: ["--allow-read=,/a", "ls"],
    message: 'Cannot use --allow-read: a value in ",/a" is empty',
    hint: 'take the comma out, or write ",," for one in a name',
  },
  {
    words: ["--allow-read=/a\xff", "ls"],
    message: 'Cannot use --allow-read: "/a\\xff" is not UTF-8',
  },
  {
    words: ["-A=x", "ls"],
    message: "Cannot use -A: it takes no value",
    hint: "write -A alone",
  },
  {
    words: ["-A", "-R", "ls"],
    message:
      "Cannot use --allow-all beside --allow-read: it allows that already",
    hint: "leave out one of them",
  },
  {
    words: ["--engine=fast", "ls"],
    message:
      'Cannot use --engine="fast": it must be one of "auto", "seccomp", "ptrace", "kernel"',
    hint: "write one of them, such as --engine=auto",
  },
  {
    words: ["--on-deny=kil", "ls"],
    message:
      'Cannot use --on-deny="kil": it must be one of "errno", "kill", "ask"',
    hint: 'did you mean "kill"?',
  },
  {
    words: ["--audit-optional", "ls"],
    message: "Cannot use --audit-optional without --audit",
    hint: "write --audit=FILE --audit-optional",
  },
  {
    words: ["--keep-fd=-1", "ls"],
    message: 'Cannot use --keep-fd="-1": it must be a whole number',
    hint: "write the number of a descriptor, such as --keep-fd=3",
  },
  {
    words: ["--keep-fd=1e3", "ls"],
    message: 'Cannot use --keep-fd="1e3": it must be a whole number',
    hint: "write the number of a descriptor, such as --keep-fd=3",
  },
  {
    words: ["--json", "ls"],
    message: "Cannot use --json without --stats",
    hint: "write --stats --json",
  },
  {
    words: ["--timeout=3x", "ls"],
    message: 'Cannot use --timeout: unknown unit "x"',
    hint: 'did you mean "s"?',
  },
  {
    words: ["--timeout=30", "ls"],
    message: 'Cannot use --timeout: a duration is expected, not "30"',
    hint: "write a number and a unit, such as --timeout=60s",
  },
  {
    words: ["learn", "--", "ls"],
    message: 'Cannot do "jail learn": it does not exist yet',
    hint: "write jail -- learn to run a program of that name",
    missing: true,
  },
  {
    words: ["--cwd=/", "replay"],
    message: 'Cannot do "jail replay": it does not exist yet',
    hint: "write jail -- replay to run a program of that name",
    missing: true,
  },
  {
    words: ["plan", "x.yaml", "ls", "-l"],
    message: 'Cannot use "-l": jail plan takes one policy',
    hint: "write jail plan policy.yaml, jail plan policy.yaml program, " +
      "or jail plan and what a run has: jail plan -R=. -- program",
  },
  {
    words: ["check", "-p", "readonly"],
    message: 'Cannot use "-p": jail check takes no options',
    hint: "write jail check POLICY...",
  },
  {
    words: ["doctor", "--json"],
    message: 'Cannot use "--json": jail doctor takes no options',
    hint: "write jail doctor",
  },
];

for (const { words, message, hint, missing } of ERRORS) {
  Deno.test(`parse() refuses ${JSON.stringify(words)}`, () => {
    const error = missing
      ? assertThrows(() => parse(words), UnsupportedError)
      : assertThrows(() => parse(words), UsageError);
    assertEquals([error.message, error.hint], [message, hint]);
  });
}

Deno.test("parse() knows a subcommand behind the task's --cwd", () => {
  assertEquals(parse(["--cwd=/a", "policies", "x"]), {
    kind: "subcommand",
    name: "policies",
    words: ["x"],
    cwd: "/a",
  });
});

for (
  const [words, long] of [
    [["-h"], false],
    [["--help"], true],
    [["-Ah", "--", "--help"], false],
    [["help"], true],
    [["help", "--help"], true],
  ] as const
) {
  Deno.test(`parse() shows help for ${words.join(" ")}`, () => {
    assertEquals(parse(words), { kind: "help", long });
  });
}

for (
  const [words, name] of [
    [["plan", "-h"], "plan"],
    [["plan", "-R", "--help"], "plan"],
    [["check", "--help"], "check"],
    [["check", "x.yaml", "-h"], "check"],
    [["help", "doctor"], "doctor"],
    [["help", "help"], "help"],
  ] as const
) {
  Deno.test(`parse() shows help of ${name} alone for ${words.join(" ")}`, () => {
    const args = parse(words);
    assertEquals(args.kind === "help" && args.about?.name, name);
  });
}

for (
  const [words, as, named] of [
    [["plan", "x.yaml"], ["-p", "x.yaml", "true"], false],
    [["plan", "x.yaml", "ls"], ["-p", "x.yaml", "ls"], true],
    [["plan", "-R=/x"], ["-R=/x", "true"], false],
    [["--cwd=/a", "plan", "--cwd=b", "--", "ls", "-l"], [
      "--cwd=/a/b",
      "--",
      "ls",
      "-l",
    ], true],
  ] as const
) {
  Deno.test(`parse() takes ${words.join(" ")} for what a run has`, () => {
    assertEquals(parse(words), { ...parse(as), kind: "plan", named });
  });
}

Deno.test("parse() shows the version for -V", () => {
  assertEquals(parse(["-V"]), { kind: "version" });
});
