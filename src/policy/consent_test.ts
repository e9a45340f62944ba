import { assertEquals } from "@std/assert";
import type { Call, Use } from "./call.ts";
import { type Answer, Consent, type Question } from "./consent.ts";
import { compile } from "./compile.ts";
import type { Decision } from "./decision.ts";
import { parsePolicy } from "./file/parse.ts";
import { mergeLayers } from "./merge.ts";
import { withNetQuestions } from "./net/net.ts";

function use(access: Use["access"], path: string, kind?: Use["kind"]): Use {
  return { access, path, kind: kind ?? "file" };
}

function call(name: Call["name"], ...uses: Use[]): Call {
  return { name, uses };
}

function moves(from: string, to: string): Call {
  return {
    ...call("rename", use("write", from), use("write", to, "missing")),
    moves: [{ from, to, tree: false }],
  };
}

function connects(last: number, stream: boolean | undefined = true): Call {
  return {
    name: "connect",
    uses: [],
    net: [{
      access: "connect",
      endpoint: { family: "inet", address: [10, 0, 0, last], port: 80 },
      stream,
    }],
  };
}

/**
 * A policy that allows what is in /ok, denies what is in /no, denies 10.0.0.9, and
 * says no more.
 */
const TEXT = JSON.stringify({
  read: { allow: ["/ok"], deny: ["/no"] },
  write: { allow: ["/ok"], deny: ["/no"] },
  run: { allow: ["/ok"], deny: ["/no"] },
  net: { connect: { deny: ["10.0.0.9"] } },
});

/** Decides by a policy, and by what a person says. */
async function consenting(
  text = TEXT,
): Promise<{ decide: (call: Call) => Decision; consent: Consent }> {
  const layer = await parsePolicy(text, { source: "p", variables: {} });
  const engine = compile(withNetQuestions(mergeLayers([layer])));
  return {
    decide: (call) => engine.decide(call),
    consent: new Consent((said) => engine.heed(said)),
  };
}

/**
 * Calls one after the other, with answers; what was asked, and what came of it.
 * A call of somebody else comes with who that is.
 */
async function run(
  calls: readonly (Call | readonly [call: Call, asker: object])[],
  answers: readonly Answer[],
  text?: string,
): Promise<string[]> {
  const { decide, consent } = await consenting(text);
  const left = [...answers];
  const told: string[] = [];
  const ask = ({ access, path }: Question): Answer => {
    told.push(`${access} ${path}?`);
    return left.shift() ?? "none";
  };
  for (const made of calls) {
    const [one, asker] = "name" in made ? [made, MINE] : made;
    for (let asked = true; asked;) {
      const policy = decide(one);
      if (policy.kind === "allow") consent.pass(one, asker);
      const decision = policy.kind === "allow"
        ? policy
        : consent.consult(one, policy, decide, ask, asker);
      asked = decision === "again";
      if (decision === "again") continue;
      told.push(
        decision.kind === "allow" ? "allowed" : `refused ${decision.use}`,
      );
    }
  }
  return told;
}

const MINE = {};
const THEIRS = {};

/** A directory whose name is twice as long as a pattern. */
const LONG = `/${"*".repeat(2000)}/${"[".repeat(2000)}`;

const READ = call("openat", use("read", "/a"));
const WRITE = call("openat", use("write", "/a"));
const STAT = call("stat", use("stat", "/a"));

for (
  const [promise, calls, answers, told] of [
    [
      "asks each time where the answer is once",
      [READ, READ],
      ["once", "no"],
      ["read /a?", "allowed", "read /a?", "refused 0"],
    ],
    [
      "asks no more after a no",
      [READ, READ],
      ["no"],
      ["read /a?", "refused 0", "refused 0"],
    ],
    [
      "asks again after no answer",
      [READ, READ],
      ["none", "none"],
      ["read /a?", "refused 0", "read /a?", "refused 0"],
    ],
    [
      "lets a look come before the use that it is for",
      [STAT, call("faccessat2", use("stat", "/a"), use("read", "/a")), READ],
      ["once"],
      ["read /a?", "allowed", "allowed", "allowed"],
    ],
    [
      "takes what one may do once for no permission of another",
      [STAT, [READ, THEIRS], READ],
      ["once", "none"],
      ["read /a?", "allowed", "read /a?", "refused 0", "allowed"],
    ],
    [
      "takes what one program may do once for no permission of the next",
      [STAT, call("execve", use("run", "/ok/x")), READ],
      ["once", "no"],
      ["read /a?", "allowed", "allowed", "read /a?", "refused 0"],
    ],
    [
      "asks once for a file that a call names twice",
      [call("rename", use("write", "/a"), use("write", "/a"))],
      ["once"],
      ["write /a?", "allowed"],
    ],
    [
      "lets what was used be seen, and what is on the way",
      [
        call("openat", use("read", "/x/y")),
        call("stat", use("stat", "/x/y")),
        call("stat", use("stat", "/x", "directory")),
        call("stat", use("stat", "/xy")),
      ],
      ["once", "no"],
      [
        "read /x/y?",
        "allowed",
        "allowed",
        "allowed",
        "read /xy?",
        "refused 0",
      ],
    ],
    [
      "takes one kind of use for no other",
      [READ, WRITE],
      ["all", "no"],
      ["read /a?", "allowed", "write /a?", "refused 0"],
    ],
    [
      "asks for nothing of a kind that is allowed",
      [READ, call("openat", use("read", "/b")), STAT],
      ["all"],
      ["read /a?", "allowed", "allowed", "allowed"],
    ],
    [
      "takes always for the file and what is beneath",
      [
        READ,
        READ,
        call("openat", use("read", "/a/b")),
        call("openat", use("read", "/ab")),
      ],
      ["always", "no"],
      [
        "read /a?",
        "allowed",
        "allowed",
        "allowed",
        "read /ab?",
        "refused 0",
      ],
    ],
    [
      "asks for every file of a call, and takes its answer for no other call",
      [
        call("rename", use("write", "/a"), use("write", "/b")),
        call("rename", use("write", "/ok/x"), use("write", "/b")),
        WRITE,
      ],
      ["once", "no", "no"],
      [
        "write /a?",
        "write /b?",
        "refused 1",
        "refused 1",
        "write /a?",
        "refused 0",
      ],
    ],
    [
      "never asks where a rule says no",
      [call("openat", use("read", "/no/a"))],
      ["all"],
      ["refused 0"],
    ],
    [
      "never asks to read what is not there",
      [call("openat", use("read", "/a", "missing"))],
      ["all"],
      ["refused 0"],
    ],
    [
      "asks to make what is not there",
      [call("openat", use("write", "/a", "missing"))],
      ["once"],
      ["write /a?", "allowed"],
    ],
    [
      "never asks for a link",
      [call("symlink", use("write", "/a", "missing"))],
      ["all"],
      ["refused 0"],
    ],
    [
      "asks where a stream may go, each time where the answer is once",
      [connects(1), connects(1), connects(2)],
      ["once", "no", "always"],
      [
        "connect 10.0.0.1:80?",
        "allowed",
        "connect 10.0.0.1:80?",
        "refused -1",
        "connect 10.0.0.2:80?",
        "allowed",
      ],
    ],
    [
      "asks for datagrams, and for nothing where the socket is not known",
      [connects(1, false), {
        ...connects(2),
        net: connects(2).net?.map(({ access, endpoint }) => ({
          access,
          endpoint,
        })) ?? [],
      }],
      ["once", "all"],
      ["connect 10.0.0.1:80?", "allowed", "refused -1"],
    ],
    [
      "never asks where a rule says no to an address",
      [connects(1), connects(2), connects(9)],
      ["all"],
      ["connect 10.0.0.1:80?", "allowed", "allowed", "refused -1"],
    ],
    [
      "asks for a program and its loader alike",
      [call("execve", use("run", "/a"), use("load", "/ld"))],
      ["once", "once"],
      ["run /a?", "run /ld?", "allowed"],
    ],
  ] as const
) {
  Deno.test(`Consent ${promise}`, async () => {
    assertEquals(await run(calls, answers), [...told]);
  });
}

Deno.test("Consent keeps no answer for the next call, where a call could not use it", async () => {
  const { decide, consent } = await consenting();
  const asked: string[] = [];
  const ask = ({ path }: Question): Answer => {
    asked.push(path);
    return "once";
  };
  const refused = decide(READ);
  assertEquals(consent.consult(READ, refused, decide, ask, MINE), "again");
  // By now it is another file, which the policy allows.
  consent.pass(call("openat", use("read", "/ok/a")), MINE);
  assertEquals(consent.consult(READ, refused, decide, ask, MINE), "again");
  assertEquals(asked, ["/a", "/a"]);
});

for (
  const [what, text, made] of [
    [
      "that removes a link by which a rule refuses something",
      "read: {deny: [/w/last]}",
      call("unlink", use("write", "/w/last", "link")),
    ],
    [
      "that moves a socket to where a rule lets it be reached",
      'write: [/w]\nnet: {connect: ["unix:/w/agent"]}',
      {
        ...call(
          "rename",
          use("write", "/x/agent", "socket"),
          use("write", "/w/agent", "missing"),
        ),
        moves: [{ from: "/x/agent", to: "/w/agent", tree: false }],
      },
    ],
  ] as const
) {
  Deno.test(`Consent to a file lets no call be made ${what}`, async () => {
    const { decide, consent } = await consenting(text);
    const refused = decide(made);
    const once = (): Answer => "once";
    const consult = (): Decision | "again" =>
      consent.consult(made, refused, decide, once, MINE);
    const decision = consult();
    const last = decision === "again" ? consult() : decision;
    assertEquals(typeof last === "object" && last.kind, "refuse");
  });
}

for (
  const [promise, text, calls, answers, told] of [
    [
      "moves nothing that a rule refuses to where it allows all",
      "read: {deny: [/no]}",
      [READ, WRITE, moves("/no/a", "/b")],
      ["all", "all"],
      ["read /a?", "allowed", "write /a?", "allowed", "refused 0"],
    ],
    [
      "moves nothing that it does not allow to where it does",
      "write: [/w]",
      [call("openat", use("read", "/w/d")), moves("/w/a", "/w/d/a")],
      ["always"],
      ["read /w/d?", "allowed", "refused 0"],
    ],
    [
      "puts no link where it allows something, for the next run to follow",
      "write: [/w]",
      [
        call("openat", use("read", "/w/a")),
        call("symlink", use("write", "/w/a", "missing")),
      ],
      ["always"],
      ["read /w/a?", "allowed", "refused 0"],
    ],
    [
      "does not undo a no",
      "write: [/w]",
      [
        READ,
        call("openat", use("read", "/b")),
        READ,
        call("openat", use("read", "/a/b")),
      ],
      ["no", "all"],
      ["read /a?", "refused 0", "read /b?", "allowed", "refused 0", "allowed"],
    ],
    [
      "is kept for the longest path of characters that a pattern acts on",
      "write: [/w]",
      ["a", "a", "b", "b"].map((name) =>
        call("openat", use("read", `${LONG}/${name}`))
      ),
      ["no", "always"],
      [
        ...[`read ${LONG}/a?`, "refused 0", "refused 0"],
        ...[`read ${LONG}/b?`, "allowed", "allowed"],
      ],
    ],
    [
      "is kept for what has no path as well",
      "write: [/w]",
      ["no", "always", "all"].map((last) =>
        call("execve", use("run", `pipe:[${last}]`, "object"))
      ).flatMap((one) => [one, one]),
      ["no", "always", "all"],
      [
        ...["run pipe:[no]?", "refused 0", "refused 0"],
        ...["run pipe:[always]?", "allowed", "allowed"],
        ...["run pipe:[all]?", "allowed", "allowed"],
      ],
    ],
    [
      "means no device but the one that was asked about",
      "write: [/w]",
      [
        call("openat", use("read", "/dev/sda", "device")),
        call("openat", use("read", "/dev/sdb", "device")),
        call("stat", use("stat", "/dev/sdb", "device")),
        READ,
      ],
      ["all"],
      ["read /dev/sda?", "allowed", "refused 0", "allowed", "allowed"],
    ],
  ] as const
) {
  Deno.test(`Consent for a whole run ${promise}`, async () => {
    assertEquals(await run(calls, answers, text), [...told]);
  });
}
