/**
 * What a person says of files and addresses that no rule covers, and what that
 * means for calls.
 */

import { type Call, namedPath, type Use } from "./call.ts";
import type { Engine } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { CONSENT, placesLink } from "./fixed.ts";
import { endpointText, type NetAccess, type NetUse } from "./net/endpoint.ts";
import { isWithin } from "./path/within.ts";

/** The ways of using a file or an address that a person is asked about. */
export type AskedAccess = "read" | "write" | "run" | NetAccess;

/** What a person is asked: may this be done to this file, or with this address? */
export interface Question {
  /** What would be done. */
  readonly access: AskedAccess;
  /** The real path, a byte string; or the address and port, as a policy has it. */
  readonly path: string;
}

/** What a person says. */
export type Answer =
  /** It may be done this time. */
  | "once"
  /** It may be done to that file, and to all beneath it, for the whole run. */
  | "always"
  /** The same, to every file. */
  | "all"
  /** It may not be done, in the whole run. */
  | "no"
  /** Nothing was said: it may not be done this time. */
  | "none";

/** What one asker is allowed once, and has not used yet. */
interface Once {
  /** What the call is for that has to be looked at again. */
  readonly now: Set<string>;
  /** What a look was allowed, which comes before the use. */
  readonly looked: Set<string>;
}

/** Remembers what a person has said in one run. */
export class Consent {
  readonly #heed: Engine["heed"];
  readonly #all = new Set<AskedAccess>();
  readonly #always = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #once = new WeakMap<object, Once>();
  readonly #seen = new Set<string>();

  /**
   * Makes one.
   *
   * @param heed takes what is said of files for the whole run, as a rule
   */
  constructor(heed: Engine["heed"]) {
    this.#heed = heed;
  }

  /**
   * Decides a call that the policy refuses, by asking where no rule speaks.
   *
   * While a person thinks, files move. So what was allowed by an answer has to
   * be looked at and consulted again, which then takes the answer from memory.
   *
   * What is allowed once is for that call alone, or after a look for a later use
   * by the same asker: another one could be what the person would have refused.
   *
   * @param call the call
   * @param refused what the policy says of it
   * @param decide asks the policy
   * @param ask asks the person
   * @param asker stands for the task that makes the call, while it lives
   * @returns a refusal; or that it is allowed; or that somebody was asked for it
   * just now and the call has to be looked at again
   */
  consult(
    call: Call,
    refused: Decision,
    decide: (call: Call) => Decision,
    ask: (question: Question) => Answer,
    asker: object,
  ): Decision | "again" {
    const once = this.#onceOf(asker);
    const again = [...once.now];
    once.now.clear();
    // Where a link is put, more is refused than the use of the file.
    if (placesLink(call)) return refused;
    let decision = refused;
    let uses = call.uses;
    let ends = call.net?.map((use, index) => ({ use, index }));
    const used: string[] = [];
    let asked = false;
    const looks = isLook(call);
    const permits = (question: Question, use?: Use): boolean => {
      const key = keyOf(question);
      if (this.#isCovered(question, use)) return true;
      if (this.#refused.has(key)) return false;
      if (![...again, ...used].includes(key) && !once.looked.has(key)) {
        // Nothing is there: programs look in a dozen places for one file.
        if (use?.kind === "missing" && use.access !== "write") return false;
        const answer = ask(question);
        if (!this.#note(question, answer, use?.kind === "device")) return false;
        asked = true;
        if (answer !== "once") return true;
        if (looks) once.looked.add(key);
      }
      // A look at a file does not use up what was said of the file.
      if (!looks) used.push(key);
      return true;
    };
    while (decision.kind === "refuse") {
      const found = uses[decision.use];
      const end = ends?.[decision.end ?? -1];
      const question = found !== undefined
        ? { access: askedOf(found), path: found.path }
        : end && netQuestion(end.use);
      const permitted = decision.uncovered === true &&
        question !== undefined && permits(question, found);
      if (!permitted) {
        return {
          ...decision,
          ...end === undefined ? {} : { end: end.index },
        };
      }
      // It stays one of the call's: what else is refused may depend on it.
      uses = uses.map((use) => use === found ? { ...use, agreed: true } : use);
      ends = ends?.filter((one) => one !== end);
      decision = decide({
        ...call,
        uses,
        ...ends === undefined ? {} : { net: ends.map(({ use }) => use) },
      });
    }
    if (asked) {
      for (const key of used) once.now.add(key);
      return "again";
    }
    for (const key of used) once.looked.delete(key);
    this.pass(call, asker);
    return { kind: "allow", rule: CONSENT };
  }

  /**
   * A call is allowed: what was said of the call before is over, and after an
   * exec another program runs.
   *
   * @param call the call
   * @param asker who makes it
   */
  pass({ name }: Call, asker: object): void {
    if (name === "execve" || name === "execveat") this.#once.delete(asker);
    else this.#once.get(asker)?.now.clear();
  }

  #onceOf(asker: object): Once {
    let once = this.#once.get(asker);
    if (once === undefined) {
      once = { now: new Set(), looked: new Set() };
      this.#once.set(asker, once);
    }
    return once;
  }

  /** Whether nobody needs to be asked, since more was allowed than this. */
  #isCovered(question: Question, use: Use | undefined): boolean {
    return this.#all.has(question.access) ||
      this.#always.has(keyOf(question)) ||
      use?.access === "stat" && this.#isSeen(use.path);
  }

  /** Remembers an answer; whether it allows. */
  #note(question: Question, answer: Answer, isDevice: boolean): boolean {
    const { access, path } = question;
    // No rule is about what has no path, such as a pipe that is executed.
    const ruled = !isNetAccess(access) && path.startsWith("/");
    switch (answer) {
      case "none":
        return false;
      case "no":
        if (ruled) this.#heed({ effect: "deny", section: access, path });
        else this.#refused.add(keyOf(question));
        return false;
      case "once":
        if (ruled) this.#seen.add(path);
        return true;
      case "always":
        if (ruled) {
          const all = namedPath(question);
          this.#heed({ effect: "allow", section: access, path: all });
        } else this.#always.add(keyOf(question));
        return true;
      case "all":
        if (isNetAccess(access)) this.#all.add(access);
        else {
          this.#heed({ effect: "allow", section: access, path: "/" });
          // All means no device but the one that the question was about.
          if (isDevice) this.#heed({ effect: "allow", section: access, path });
        }
        return true;
    }
  }

  /** Whether a path is what a person has allowed to use, or on the way there. */
  #isSeen(path: string): boolean {
    if (this.#seen.has(path)) return true;
    for (const seen of this.#seen) if (isWithin(seen, path)) return true;
    return false;
  }
}

function keyOf({ access, path }: Question): string {
  return `${access} ${path}`;
}

function askedOf({ access }: Use): AskedAccess {
  switch (access) {
    case "read":
    case "stat":
      return "read";
    case "write":
      return "write";
    case "run":
    case "load":
      return "run";
  }
}

/**
 * What is asked about an address: of the internet, and of a socket that is known.
 * One for datagrams listens to all that come, so nobody is asked about that.
 */
function netQuestion(
  { access, endpoint, stream }: NetUse,
): Question | undefined {
  const internet = endpoint.family === "inet" || endpoint.family === "inet6";
  const known = access === "connect" ? stream !== undefined : stream === true;
  return internet && known
    ? { access, path: endpointText({ ...endpoint, names: undefined }) }
    : undefined;
}

/** Whether a question is about the network. */
export function isNetAccess(access: AskedAccess): access is NetAccess {
  return access === "connect" || access === "listen";
}

/** Whether a call only looks: what it finds is used by another. */
function isLook({ name, uses }: Call): boolean {
  return name === "access" || name === "faccessat" || name === "faccessat2" ||
    uses.length > 0 && uses.every(({ access }) => access === "stat");
}
