import { assert, assertEquals } from "@std/assert";
import {
  LaunchError,
  PolicyError,
  SystemCallError,
  UnsupportedError,
  UsageError,
} from "../errors.ts";
import type { Use } from "../policy/call.ts";
import type { Decision, Refusal, RuleRef } from "../policy/decision.ts";
import type { Observation } from "../trace/options.ts";
import { Denials } from "./denials.ts";
import { COLORED, PLAIN } from "./paint.ts";
import {
  denialText,
  errorCode,
  errorText,
  killText,
  limitText,
  ruleText,
} from "./report.ts";

const RULE: RuleRef = {
  source: "build.yaml",
  keys: ["read", "deny", 0],
  text: "/etc/shadow",
};
const AT = { file: "build.yaml", line: 14, column: 11 };

function denial(
  change: Partial<Observation> = {},
  refusal?: Refusal,
): Observation {
  const decision: Decision = {
    kind: "refuse",
    refusal: refusal ?? { kind: "errno", errno: "EACCES" },
    rule: RULE,
    use: 0,
  };
  return {
    time: 0,
    pid: 7,
    tid: 7,
    program: "/usr/bin/cat",
    call: {
      name: "openat",
      uses: [{ access: "read", path: "/etc/shadow", kind: "file" }],
    },
    text: 'openat("/etc/shadow", O_RDONLY)',
    decision,
    ...change,
  };
}

Deno.test("denialText() shows the call, its errno and the rule's line", () => {
  assertEquals(
    denialText(denial(), AT, PLAIN),
    'jail: denied openat("/etc/shadow", O_RDONLY) with EACCES\n' +
      "  build.yaml:14  deny: /etc/shadow",
  );
});

Deno.test("denialText() shows the real path where the call has another", () => {
  assertEquals(
    denialText(denial({ text: 'openat("../shadow", O_RDONLY)' }), AT, PLAIN),
    'jail: denied openat("../shadow", O_RDONLY) with EACCES\n' +
      '  real path "/etc/shadow"\n' +
      "  build.yaml:14  deny: /etc/shadow",
  );
});

const FLAGS: readonly (readonly [use: Partial<Use>, flag: string])[] = [
  [{ access: "stat" }, "--allow-read"],
  [{ access: "read" }, "--allow-read"],
  [{ access: "load" }, "--allow-read"],
  [{ access: "write" }, "--allow-write"],
  [{ access: "run" }, "--allow-run"],
];

for (const [change, flag] of FLAGS) {
  Deno.test(`denialText() says that ${flag} would allow to ${change.access}`, () => {
    const { call, decision } = denial();
    const uses = call.uses.map((use) => ({ ...use, ...change }));
    const event = denial({
      call: { ...call, uses },
      decision: { ...decision, uncovered: true } as Decision,
    });
    const last = denialText(event, AT, PLAIN).split("\n").at(-1);
    assertEquals(
      last,
      `  build.yaml:14  deny: /etc/shadow; no rule allows it, ${flag} would`,
    );
  });
}

interface RefusalCase {
  readonly refusal: Refusal;
  readonly end: string;
}

const REFUSALS: readonly RefusalCase[] = [
  { refusal: { kind: "errno", errno: "ENOENT" }, end: "with ENOENT" },
  { refusal: { kind: "kill" }, end: "with SIGSYS for the whole jail" },
  {
    refusal: { kind: "signal", signal: "SIGTERM" },
    end: "with EPERM and SIGTERM",
  },
  { refusal: { kind: "return", value: 0 }, end: "and returned 0" },
];

for (const { refusal, end } of REFUSALS) {
  Deno.test(`denialText() says ${end}`, () => {
    const [first] = denialText(denial({}, refusal), AT, PLAIN).split("\n");
    assertEquals(first, `jail: denied openat("/etc/shadow", O_RDONLY) ${end}`);
  });
}

Deno.test("denialText() says which of two paths is refused", () => {
  const paths = ["/srv/a", "/srv/b"];
  const uses = paths.map((path): Use => ({
    ...{ access: "write", path, kind: "file" },
  }));
  const text = 'rename("/srv/a", "/srv/b")';
  for (const [use, path] of paths.entries()) {
    const event = denial({ text, call: { name: "rename", uses } });
    const decision = { ...event.decision, use } as Decision;
    assertEquals(
      denialText({ ...event, decision }, AT, PLAIN).split("\n")[1],
      `  real path "${path}"`,
    );
  }
});

Deno.test("denialText() lets no control character through", () => {
  const text = denialText(
    denial({ text: 'openat("\x1b[2J\u202e\r")' }),
    { ...AT, file: "a\x1b.yaml" },
    COLORED,
  );
  // deno-lint-ignore no-control-regex
  const plain = text.replace(/\x1b\[\d+m/g, "");
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x09\x0b-\x1f\u202e]/.test(plain), plain);
});

interface RuleCase {
  readonly rule: RuleRef;
  readonly want: string;
}

const RULES: readonly RuleCase[] = [
  {
    rule: { source: "--deny-read", keys: [0], text: "/etc" },
    want: "--deny-read=/etc",
  },
  { rule: { source: "--deny-net", keys: [], text: "" }, want: "--deny-net" },
  {
    rule: { source: "--deny-run", keys: [], text: "--deny-run" },
    want: "--deny-run",
  },
  {
    rule: { source: "default", keys: ["read", 3], text: "/usr" },
    want: "default  read: /usr",
  },
  {
    rule: { source: "jail", keys: ["default"], text: "no rule allows it" },
    want: "jail  no rule allows it",
  },
];

for (const { rule, want } of RULES) {
  Deno.test(`ruleText() words ${want}`, () => {
    assertEquals(ruleText(rule, undefined, PLAIN), want);
  });
}

interface ErrorCase {
  readonly what: string;
  readonly error: unknown;
  readonly want: string;
  readonly code?: number;
}

const ERRORS: readonly ErrorCase[] = [
  {
    what: "a policy's mistake with its line",
    error: new PolicyError(
      'Cannot read policy "build.yaml": unknown key "wirte"',
      {
        position: { file: "build.yaml", line: 9, column: 3 },
        snippet: "  wirte: [build]",
        length: 5,
        hint: 'did you mean "write"?',
      },
    ),
    want: `\
jail: Cannot read policy "build.yaml": unknown key "wirte" at line 9, column 3

    9 |   wirte: [build]
          ^^^^^

hint: did you mean "write"?`,
  },
  {
    what: "a policy's mistake without a place",
    error: new PolicyError('Cannot find the policy "x"'),
    want: 'jail: Cannot find the policy "x"',
  },
  {
    what: "tabs and control characters in the line one cell each",
    error: new PolicyError("Cannot read it", {
      position: { file: "x", line: 12345, column: 3 },
      snippet: "\t\x1bab",
      length: 99,
    }),
    want: `\
jail: Cannot read it at line 12345, column 3

12345 |  \u00b7ab
          ^^`,
  },
  {
    what: "what is around the mistake in a long line",
    error: new PolicyError("Cannot read it", {
      position: { file: "x", line: 1, column: 1001 },
      snippet: " ".repeat(1000) + "!" + "x".repeat(1000),
    }),
    want: `\
jail: Cannot read it at line 1, column 1001

    1 | ${" ".repeat(20)}!${"x".repeat(51)}
        ${" ".repeat(20)}^`,
  },
  {
    what: "a call of our own that failed",
    error: new SystemCallError(
      "attach to process 4242",
      "ptrace(PTRACE_SEIZE)",
      "EPERM",
      "another tracer may hold it",
    ),
    want: `\
jail: Cannot attach to process 4242: ptrace(PTRACE_SEIZE) failed with EPERM

hint: another tracer may hold it`,
  },
  {
    what: "a program that is not there",
    error: new LaunchError('"x"', "execve", "ENOENT", 127),
    want: 'jail: Cannot start "x": execve failed with ENOENT',
    code: 127,
  },
  {
    what: "a command line that makes no sense",
    error: new UsageError("Cannot use it"),
    want: "jail: Cannot use it",
  },
  {
    what: "what cannot be done",
    error: new UnsupportedError("Cannot do it"),
    want: "jail: Cannot do it",
  },
  {
    what: "a newline in a name in one line",
    error: new UsageError('Cannot use "a\nb\\c"'),
    want: 'jail: Cannot use "a\\nb\\c"',
  },
  {
    what: "a mistake of its own",
    error: "boom",
    want: `\
jail: Cannot go on: boom

hint: this is a mistake in jail: report it with the line above`,
  },
];

for (const { what, error, want, code } of ERRORS) {
  Deno.test(`errorText() shows ${what}`, () => {
    assertEquals(errorText(error, PLAIN), want);
    assertEquals(errorCode(error), code ?? 125);
  });
}

Deno.test("limitText() names who used it, and no program that has none", () => {
  const ended = (pid: number, program: string): string =>
    limitText({
      ...{ kind: "limited", limit: "time", most: 1000, used: 1000 },
      ...{ rule: { source: "--timeout", keys: [], text: "1s" }, pid, program },
    }, PLAIN);
  const start = "jail: ended at its time limit of 1 s (--timeout): 1 s used";
  assertEquals(ended(7, "/bin/cat"), `${start} by "/bin/cat" (process 7)`);
  assertEquals(ended(7, ""), `${start} by process 7`);
  assertEquals(ended(0, ""), start);
});

Deno.test("killText() shows the call that ended the jail, and its rule", () => {
  const outcome = {
    kind: "killed-by-policy" as const,
    call: 'open("\u202ea")',
    rule: RULE,
    ...{ position: AT, program: "/bin/cat", pid: 7 },
  };
  assertEquals(
    killText(outcome, PLAIN),
    'jail: ended by the policy: open("\\u{202e}a")\n' +
      "  build.yaml:14  deny: /etc/shadow",
  );
});

Deno.test("killText() shows the real path that a link or a relative name hides", () => {
  const outcome = {
    kind: "killed-by-policy" as const,
    ...{ call: 'open("../a")', path: "/etc/shadow\n", rule: RULE },
    ...{ position: AT, program: "/bin/cat", pid: 7 },
  };
  assertEquals(
    killText(outcome, PLAIN),
    'jail: ended by the policy: open("../a")\n' +
      '  real path "/etc/shadow\\n"\n' +
      "  build.yaml:14  deny: /etc/shadow",
  );
});

Deno.test("Denials shows a refusal once and counts it", () => {
  const denials = new Denials(PLAIN);
  assert(denials.add(denial(), AT) !== undefined);
  assertEquals(denials.add(denial(), AT), undefined);
  assertEquals(denials.add(denial({ pid: 8 }), AT), undefined);
  assertEquals(
    denials.summary(),
    'jail: denied openat("/etc/shadow", O_RDONLY) with EACCES, 3 times in all',
  );
});

Deno.test("Denials says nothing of what is allowed", () => {
  const denials = new Denials(PLAIN);
  const decision: Decision = { kind: "allow", rule: RULE };
  assertEquals(denials.add(denial({ decision }), AT), undefined);
  assertEquals(denials.summary(), undefined);
});

Deno.test("Denials ends a flood of different refusals", () => {
  const denials = new Denials(PLAIN);
  let shown = 0;
  for (let i = 0; i < 5000; i++) {
    if (denials.add(denial({ text: `open("${i}")` }), AT)) shown++;
  }
  assertEquals(shown, 1001);
  assertEquals(
    denials.summary(),
    "jail: denied calls 4000 times without showing them",
  );
});
