import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { fromText } from "../abi/bytes.ts";
import type { Answer, Question } from "../policy/consent.ts";
import type { Caller } from "../trace/options.ts";
import { Questioner, type Saver } from "./ask.ts";

const QUESTION: Question = { access: "read", path: fromText("/home/me/x") };

interface Person {
  /** What is typed, a piece at a time; nothing more comes after the last. */
  readonly types: string[];
  /** The same before an answer is asked for. */
  readonly early: string[];
  /** What appeared. */
  shown: string;
  /** Whether everything else stood still at the first word. */
  quiet: boolean;
  /** The milliseconds that went by. */
  time: number;
  /** The group that was interrupted. */
  interrupted: number;
  /** After how many milliseconds jail is asked to end. */
  over?: number;
  /** What was told besides. */
  readonly told: string[];
}

function person(...types: string[]): Person {
  return {
    ...{ types, early: [], told: [] },
    ...{ shown: "", quiet: false, time: 0, interrupted: 0 },
  };
}

function questioner(
  who: Person,
  saver?: Saver,
  group = 7,
  piped = false,
  pictures = true,
  holds = false,
): Questioner {
  return new Questioner(saver, {
    ...{ piped, pictures, holds },
    now: () => who.time,
    tell: (text) => who.told.push(text),
    interrupt: (group) => {
      who.interrupted = group;
    },
    converse: (may, talk) =>
      may(group)
        ? talk({
          group,
          get over(): boolean {
            return who.time >= (who.over ?? Infinity);
          },
          write: (text) => {
            who.shown += text;
          },
          read: () => {
            who.time += 200;
            // Nobody types before he is asked to.
            const isAsked = /Allow\?[^┏]*$/.test(who.shown);
            return (isAsked ? who.types : who.early).shift() ?? "";
          },
        })
        : undefined,
  });
}

function callerFor(who: Person, left = Infinity): Caller {
  return {
    pid: 12,
    program: fromText("/usr/bin/cat"),
    text: 'openat("x", O_RDONLY)',
    asker: who,
    left,
    quiet: () => {
      who.quiet ||= who.shown === "";
    },
    hasMember: (group) => group === 7,
  };
}

function ask(who: Person, saver?: Saver, question = QUESTION): Answer {
  return questioner(who, saver).ask(question, callerFor(who));
}

for (
  const [typed, answer] of [
    [["y\n"], "once"],
    [["Y", "\n"], "once"],
    [["n\n"], "no"],
    [["A\n"], "all"],
    [["a\n", "n\n"], "no"],
    [["\n", "y\n"], "once"],
    [["x\x7fy\n"], "once"],
    [["\x04"], "no"],
    [["s\n", "y\n"], "once"],
    [[], "none"],
    [["y"], "none"],
  ] as const
) {
  Deno.test(`a question is answered ${answer} by ${JSON.stringify(typed)}`, () => {
    assertEquals(ask(person(...typed)), answer);
  });
}

Deno.test("a question waits a minute for its answer, and not longer", () => {
  const who = person();
  ask(who);
  assertEquals(Math.round(who.time / 1000), 60);
});

Deno.test("a question waits no longer than there is time for the program", () => {
  const who = person();
  const answer = questioner(who).ask(QUESTION, callerFor(who, 3000));
  assertEquals([answer, Math.round(who.time / 1000)], ["none", 3]);
});

Deno.test("a question waits no longer once jail is asked to end", () => {
  const who = { ...person(), over: 1000 };
  assertEquals([ask(who), Math.round(who.time / 1000)], ["none", 1]);
});

Deno.test("a question is asked while the whole jail stands still", () => {
  const who = person("y\n");
  ask(who);
  assertEquals(who.quiet, true);
});

Deno.test("a question shows no character that a terminal would act on", () => {
  const who = person("n\n");
  const path = fromText("/a\n┗ Allow? y\x1b[2A\u202e");
  ask(who, undefined, { access: "write", path });
  assertMatch(
    who.shown,
    /write access to "\/a\\n\\u\{2517\} Allow\? y\\x1b\[2A\\u\{202e\}"/,
  );
});

Deno.test("a question comes after what ends all that could hide it", () => {
  const who = person("n\n");
  ask(who);
  const [before = ""] = who.shown.split("┏");
  const wanted = {
    "a string": "\x18\x1b\\",
    "the language of another terminal": "\x1b<",
    "a printer": "\x1b[4i",
    "a line of status": "\x1b[0$}",
    "a page that is not shown": "\x1b[?64h",
    "rows that are held back": "\x1b[?2026l",
    "rows that alone scroll": "\x1b7\x1b[?69l\x1b[r\x1b8",
    "long lines that are cut": "\x1b[?7h",
    "letters that push others away": "\x1b[4l",
    "letters that cannot be seen": "\x1b[0m",
    "another character set": "\x1b(B\x0f",
    "colours that are one": "\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\",
    "colours of the console": "\x1b]R\x1b\\",
    "pictures over it": "\x1b_Ga=d,d=A,q=2\x1b\\",
    "what is beside it": "\n\x1b[J",
    "letters of twice the height": "\x1b#5",
  };
  const missing = Object.entries(wanted)
    .filter(([, sequence]) => !before.includes(sequence));
  assertEquals(missing, []);
  assertEquals(before.startsWith("\x18\x1b\\"), true);
});

Deno.test("a question gives a terminal no title that takes pictures for one", () => {
  const who = person("n\n");
  questioner(who, undefined, 7, false, false).ask(QUESTION, callerFor(who));
  assertEquals(who.shown.includes("\x1b_"), false);
});

Deno.test("a question takes no answer of who is still typing something else", () => {
  const who = person();
  who.early.push("y", "", "y", "\n", "", "A\n");
  assertEquals(ask(who), "none");
  assertEquals([who.early.length, who.shown.includes("Granted")], [0, false]);
  const other = person("y\n");
  other.early.push("n\n", "", "n\n");
  assertEquals(ask(other), "once");
  const third = person("y\n");
  third.early.push("x", "\x03");
  assertEquals([ask(third), third.interrupted], ["none", 7]);
});

Deno.test("a question that is interrupted at once has the terminal answer nothing", () => {
  const who = person();
  who.early.push("\x03");
  const asker = questioner(who, undefined, 7, false, true, true);
  assertEquals(asker.ask(QUESTION, callerFor(who)), "none");
  assertEquals([who.interrupted, who.shown.includes("\x1b[6n")], [7, false]);
});

Deno.test("a question takes no answer for its own that the program asked the terminal for", () => {
  const everywhere = Array.from(
    { length: 100 },
    (_, at) => `\x1b[${1 + at % 5};${1 + Math.floor(at / 5)}R`,
  ).join("");
  const who = person(everywhere.repeat(8), "y\n", "y\n");
  const asker = questioner(who, undefined, 7, false, true, true);
  assertEquals(asker.ask(QUESTION, callerFor(who)), "none");
  // What is typed between the answers of the terminal is no matter.
  const other = person(everywhere);
  const typing = questioner(other, undefined, 7, false, true, true);
  Object.assign(other.types, {
    shift: () =>
      other.time < 2000
        ? everywhere
        : other.time < 2200
        ? [...other.shown.matchAll(/\[(\d+;\d+)H/g)]
          .map(([, place]) => `y\n\x1b[${place}R`).join("")
        : "n\n",
  });
  assertEquals(typing.ask(QUESTION, callerFor(other)), "no");
});

Deno.test("a question says why no answer counted of who types without a terminal", () => {
  const ask = (holds: boolean): string => {
    const who = person("x", "\n", "");
    questioner(who, undefined, 7, false, true, holds)
      .ask(QUESTION, callerFor(who));
    return who.shown;
  };
  assertEquals(ask(true).includes("so no answer counted: TERM=dumb"), true);
  assertEquals(ask(false).includes("no answer counted"), false);
});

Deno.test("a question takes no answer that was typed before it was shown", () => {
  const answers = (late: readonly string[]): Answer => {
    const who = person("y\n", "\x1b[9;9R\x1b[9;9Ry\n");
    const asker = questioner(who, undefined, 7, false, true, true);
    // What GNU screen answers, once it has shown a message of the program's.
    const says = (): string =>
      [...who.shown.matchAll(/\[(\d+;\d+)H/g)]
        .map(([, place]) => `\x1b[${place}R`).join("");
    const types = who.types.splice(0);
    Object.assign(who.types, {
      shift: () =>
        types.length > 0
          ? types.shift()
          : who.time < 2000
          ? ""
          : [says(), ...late][Math.round((who.time - 2000) / 200)] ?? "",
    });
    return asker.ask(QUESTION, callerFor(who));
  };
  assertEquals(answers([]), "none");
  assertEquals(answers(["n\n"]), "no");
  assertEquals(answers(["y", "\n"]), "once");
});

Deno.test("Ctrl-C at a question refuses, and reaches who was in the foreground", () => {
  const who = person("\x03");
  assertEquals([ask(who), who.interrupted], ["none", 7]);
});

Deno.test("a question is not asked where somebody else has the terminal", () => {
  const who = person("y\n");
  const asker = questioner(who, undefined, 8);
  assertEquals(asker.ask(QUESTION, callerFor(who)), "none");
  assertEquals([who.shown, who.told.length], ["", 1]);
});

Deno.test("a question is not asked where what is in a pipe could hide it", () => {
  const who = person("y\n");
  const asker = questioner(who, undefined, 7, true);
  assertEquals(asker.ask(QUESTION, callerFor(who)), "none");
  assertEquals(asker.ask(QUESTION, callerFor(who)), "none");
  assertEquals([who.shown, who.told.length], ["", 1]);
});

Deno.test("the answer is no after twenty questions in a minute, until it is over", () => {
  const who = person(...Array.from({ length: 30 }, () => "y\n"));
  const asker = questioner(who);
  const answers = Array.from(
    { length: 22 },
    () => asker.ask(QUESTION, callerFor(who)),
  );
  assertEquals(answers.filter((answer) => answer === "once").length, 20);
  assertEquals([answers.at(-1), who.told.length], ["none", 1]);
  who.time += 60_000;
  assertEquals(asker.ask(QUESTION, callerFor(who)), "once");
});

Deno.test("s saves the rule, and says in which file", () => {
  const who = person("s\n");
  const saved: Question[] = [];
  const answer = ask(who, {
    name: "my.yaml",
    save: (question) => {
      saved.push(question);
      return undefined;
    },
  });
  assertEquals([answer, saved], ["always", [QUESTION]]);
  assertMatch(who.shown, /, in my\.yaml\./);
});

Deno.test("s allows it once where the rule cannot be saved, and says why", () => {
  const who = person("s\n");
  const answer = ask(who, { name: "my.yaml", save: () => "the disk is full" });
  assertEquals(answer, "once");
  assertMatch(who.shown, /once: the disk is full/);
});

Deno.test("a question says that a rule for a file means all beneath", () => {
  const saver = { name: "my.yaml", save: (): undefined => undefined };
  const file = person("n\n");
  ask(file, saver);
  assertMatch(file.shown, /s = yes with all beneath, and save the rule/);
  const net = person("n\n");
  ask(net, saver, { access: "connect", path: "192.0.2.1:443" });
  assertMatch(net.shown, /s = yes, and save the rule/);
});

Deno.test("s is not offered where no policy is a file", () => {
  const who = person("n\n");
  ask(who);
  assertNotMatch(who.shown, /save/);
});

Deno.test("what keeps jail from asking is told once, as every message with its hint", () => {
  const who = person();
  const asks = questioner(who, undefined, 7, true);
  for (const path of ["/a", "/b"]) {
    assertEquals(asks.ask({ access: "read", path }, callerFor(who)), "none");
  }
  const [told = "", ...more] = who.told;
  assertMatch(told, /^jail: Cannot ask: [^\n]+\n\nhint: [^\n]+$/);
  assertEquals([more, who.shown], [[], ""]);
});
