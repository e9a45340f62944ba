/** Asks the person at the terminal, in the form that users of Deno know. */

import { namedPath } from "../policy/call.ts";
import {
  type Answer,
  type AskedAccess,
  isNetAccess,
  type Question,
} from "../policy/consent.ts";
import type { converse, Terminal } from "../sys/terminal.ts";
import type { Caller } from "../trace/options.ts";
import { callText, fileText, programText } from "./question.ts";
import { safe } from "./report.ts";

/** How long a person has for an answer, in milliseconds. */
const PATIENCE_MS = 60_000;

/** How long nothing must be typed before an answer counts, in milliseconds. */
const QUIET_MS = 400;

/** How many questions there are in a minute at most. */
const MOST_IN_A_MINUTE = 20;

/**
 * The program may have left the terminal in any state. tmux, for one, heeds no
 * soft reset (DECSTR), and shows nothing until a string that was begun is over.
 */
const SANE = [
  // A string that was begun, of which nothing is shown.
  "\x18\x1b\\",
  // The language of a VT52; a printer that gets all in place of the screen, which
  // GNU screen heeds; a line of status; a page that is not the one that is shown.
  "\x1b<\x1b[4i\x1b[0$}\x1b[?64h",
  // Rows that are held back.
  "\x1b[?2026l",
  // Rows and columns that alone scroll. To let go of them moves the cursor.
  "\x1b7\x1b[?69l\x1b[r\x1b8",
  // Modes: long lines that are cut, letters that push others away.
  "\x1b[!p\x1b[?7h\x1b[4l",
  // Letters that cannot be seen, and another character set.
  "\x1b[0m\x1b(B\x0f",
  // Colours: all may be the same one. The first is for the console of Linux.
  "\x1b]R\x1b\\\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\",
].join("");

/**
 * Takes away what the program has put beside the question, and below it; and that
 * letters of that row are too large for it.
 */
const CLEAR = "\x1b[J\x1b#5";

/** Takes away pictures that lie over letters, of which kitty and others know. */
const NO_PICTURES = "\x1b_Ga=d,d=A,q=2\x1b\\";

/** More than a terminal answers that is asked where its cursor is. */
const LONGEST_ANSWER = 16;

/**
 * How many places a terminal is asked for that may hold back what it shows: the program
 * may have asked it for each place there is, over and over, and cannot for each row of
 * so many.
 */
const MARKS = 8;

/** What a terminal answers that is asked where its cursor is. */
const ANSWER_REGEXP = /[^ -~]\[\d{1,4};\d{1,4}R/;

/** Said where that answers nothing, as where a script types. */
const NOT_SHOWN =
  "The terminal did not say where its cursor is, so no answer counted: " +
  "TERM=dumb is for one that never does.";

/** Where an answer is kept for the next run. */
export interface Saver {
  /** The policy file, as the user named it. */
  readonly name: string;
  /**
   * Adds a rule to it.
   *
   * @returns why that cannot be done, where it cannot
   */
  save(question: Question): string | undefined;
}

/** What it takes to ask; tests bring their own. */
export interface Surroundings {
  /** Talks to the person. */
  readonly converse: typeof converse;
  /**
   * Whether the program writes to a pipe. What is in it already may be shown at
   * any time, also over a question, though the program stands still.
   */
  readonly piped: boolean;
  /**
   * Whether the terminal may show pictures, or heeds no word of them. To others that
   * word is a title.
   */
  readonly pictures: boolean;
  /**
   * Whether the terminal may hold back what is written, as GNU screen does while it
   * shows a message of the program's, and a slow line does. It says where its cursor
   * is.
   */
  readonly holds: boolean;
  /** The time, in milliseconds. */
  readonly now: () => number;
  /** Tells what is no question. */
  readonly tell: (text: string) => void;
  /** Sends Ctrl-C to whom it was meant for. */
  readonly interrupt: (group: number) => void;
}

/** Asks one question after the other. */
export class Questioner {
  readonly #saver: Saver | undefined;
  readonly #around: Surroundings;
  readonly #asked: number[] = [];
  #silent = false;
  #flooded = false;

  /**
   * Makes one.
   *
   * @param saver where rules can be saved, if anywhere
   * @param around what it takes to ask
   */
  constructor(saver: Saver | undefined, around: Surroundings) {
    this.#saver = saver;
    this.#around = around;
  }

  /** Asks one; "none" where nobody answers. */
  ask(question: Question, caller: Caller): Answer {
    if (this.#around.piped) {
      return this.#cannot(
        "the program writes to a pipe, and what is in it could hide the question",
        "let it write to the terminal, or to a file",
      );
    }
    if (this.#isFlood()) return "none";
    let group = 0;
    const answer = this.#around.converse(
      (group) => caller.hasMember(group),
      (terminal) => {
        // Nothing of the program may write over the question, nor read the answer.
        caller.quiet();
        group = terminal.group;
        return this.#talk(terminal, question, caller);
      },
    );
    if (answer === undefined) return this.#cannot("there is no terminal");
    if (answer !== "interrupt") return answer;
    this.#around.interrupt(group);
    return "none";
  }

  /** Nobody is asked, which is told once. */
  #cannot(why: string, hint?: string): Answer {
    if (!this.#silent) {
      const text = `jail: Cannot ask: ${why}, so the answer is no`;
      this.#around.tell(hint === undefined ? text : `${text}\n\nhint: ${hint}`);
    }
    this.#silent = true;
    return "none";
  }

  /** Whether there were too many questions to be read with care. */
  #isFlood(): boolean {
    const now = this.#around.now();
    while ((this.#asked[0] ?? now) < now - 60_000) this.#asked.shift();
    const flood = this.#asked.length >= MOST_IN_A_MINUTE;
    if (flood && !this.#flooded) {
      this.#around.tell(
        `jail: Cannot ask more than ${MOST_IN_A_MINUTE} questions in a minute: until it is over the answer is no`,
      );
    }
    this.#flooded = flood;
    return flood;
  }

  #talk(
    terminal: Terminal,
    question: Question,
    caller: Caller,
  ): Answer | "interrupt" {
    this.#asked.push(this.#around.now());
    const pictures = this.#around.pictures ? NO_PICTURES : "";
    const marks = new Marks(this.#around.holds ? MARKS : 0);
    const text = this.#text(question, caller);
    terminal.write(`${SANE}${pictures}\n${CLEAR}${text}`);
    // A time limit waits for nobody.
    const until = this.#around.now() + Math.min(PATIENCE_MS, caller.left);
    const isLetBe = this.#settle(terminal, until);
    terminal.write(`┗ Allow? ${this.#keys(question)} > `);
    if (!isLetBe) {
      terminal.write("^C\n");
      return "interrupt";
    }
    // Asked only where its answers are read: a shell would take them for letters.
    terminal.write(marks.question);
    let typed = "";
    while (this.#around.now() < until && !terminal.over) {
      for (const key of marks.typed(terminal.read())) {
        if (key === "\x03") {
          terminal.write("^C\n");
          return "interrupt";
        }
        if (key === "\x04") return this.#done(terminal, question, "no");
        if (key === "\x7f" || key === "\b") {
          if (typed !== "") terminal.write("\b \b");
          typed = typed.slice(0, -1);
          continue;
        }
        if (key !== "\n") {
          if (!/^[\x20-\x7e]$/.test(key) || typed.length > 70) continue;
          typed += key;
          terminal.write(key);
          continue;
        }
        const answer = this.#answerOf(typed.trim());
        if (answer !== undefined) {
          return this.#done(terminal, question, answer);
        }
        typed = "";
        const keys = this.#keys(question);
        terminal.write(`\n┗ Unrecognized answer. Allow? ${keys} > `);
      }
    }
    terminal.write(marks.areShown ? "\n" : `\n${NOT_SHOWN}\n`);
    return this.#done(terminal, question, "none");
  }

  /**
   * Waits until nothing is typed any more, and forgets what was: who answers the
   * program, letter by letter, types on for a moment.
   *
   * @returns false where that was Ctrl-C
   */
  #settle(terminal: Terminal, until: number): boolean {
    let since = this.#around.now();
    for (let now = since; now < since + QUIET_MS && now < until;) {
      if (terminal.over) return true;
      const keys = terminal.read();
      now = this.#around.now();
      if (keys.includes("\x03")) return false;
      if (keys !== "") since = now;
    }
    return true;
  }

  #answerOf(typed: string): Answer | "save" | undefined {
    switch (typed) {
      case "y":
      case "Y":
        return "once";
      case "n":
      case "N":
        return "no";
      case "A":
        return "all";
      case "s":
      case "S":
        return this.#saver === undefined ? undefined : "save";
    }
    return undefined;
  }

  #done(
    terminal: Terminal,
    question: Question,
    answer: Answer | "save",
  ): Answer {
    const what = describe(question);
    if (answer === "save" && this.#saver !== undefined) {
      const failed = this.#saver.save(question);
      if (failed === undefined) {
        terminal.write(`\n✅ Granted ${what}, in ${safe(this.#saver.name)}.\n`);
        return "always";
      }
      terminal.write(`\n✅ Granted ${what} once: ${safe(failed)}.\n`);
      return "once";
    }
    switch (answer) {
      case "once":
        terminal.write(`\n✅ Granted ${what}, once.\n`);
        break;
      case "all":
        terminal.write(`\n✅ Granted all ${kindOf(question.access)}.\n`);
        break;
      case "none":
        terminal.write(`❌ Denied ${what}: there was no answer.\n`);
        break;
      default:
        terminal.write(`\n❌ Denied ${what}.\n`);
    }
    return answer === "save" ? "none" : answer;
  }

  #text(question: Question, caller: Caller): string {
    const program = programText(caller.program);
    const net = isNetAccess(question.access);
    const flag = `--allow-${net ? "net" : question.access}`;
    return [
      `┏ ⚠️  ${program} requests ${describe(question)}.`,
      `┠─ Requested by ${callText(caller.text)} of process ${caller.pid}.`,
      `┠─ Run again with ${flag} to bypass this prompt.`,
      "",
    ].join("\n");
  }

  #keys({ access }: Question): string {
    const keys = "y = yes, once; n = no; A = allow all of this kind";
    if (this.#saver === undefined) return `[y/n/A] (${keys})`;
    // A rule for a directory means what is in it, too.
    const beneath = isNetAccess(access) ? "" : " with all beneath";
    return `[y/n/A/s] (${keys}; s = yes${beneath}, and save the rule)`;
  }
}

/**
 * Places for the cursor that the program cannot know. The terminal that is asked where
 * that is shows by then what was written before.
 */
class Marks {
  /** What asks the terminal. */
  readonly question: string;
  readonly #count: number;
  readonly #awaited: string;
  /** The last of what it has answered. */
  readonly #answers: string[] = [];
  #early = "";

  constructor(count: number) {
    const places = Array.from({ length: count }, () => {
      const [one = 0, other = 0] = crypto.getRandomValues(new Uint8Array(2));
      // Small windows have these as well.
      return `${1 + one % 5};${1 + other % 20}`;
    });
    this.question = places.map((at) => `\x1b7\x1b[${at}H\x1b[6n\x1b8`).join("");
    this.#count = count;
    this.#awaited = places.map((at) => `\x1b[${at}R`).join("");
  }

  /**
   * What was typed once all was shown: before, it was meant for something else, but
   * for Ctrl-C.
   */
  typed(keys: string): string {
    if (this.areShown) return keys;
    if (keys.includes("\x03")) return "\x03";
    this.#early += keys;
    while (!this.areShown) {
      const answer = ANSWER_REGEXP.exec(this.#early);
      if (answer === null) {
        this.#early = this.#early.slice(-LONGEST_ANSWER);
        return "";
      }
      const [text] = answer;
      this.#early = this.#early.slice(answer.index + text.length);
      // Nobody else asks between two questions of jail's: its answers are in a row.
      if (this.#answers.push(text) > this.#count) this.#answers.shift();
    }
    return this.#early;
  }

  /** Whether the terminal has said of each that its cursor was there. */
  get areShown(): boolean {
    return this.#answers.join("") === this.#awaited;
  }
}

function describe(question: Question): string {
  const { access } = question;
  const to = access === "listen" ? "to listen at" : "to";
  return `${isNetAccess(access) ? "net" : access} access ${to} ${
    fileText(namedPath(question))
  }`;
}

/** All that an answer for all of a kind allows. */
function kindOf(access: AskedAccess): string {
  switch (access) {
    case "connect":
      return "net access to other ends";
    case "listen":
      return "net access to listen";
    default:
      return `${access} access`;
  }
}
