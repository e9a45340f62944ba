/** Splits the words of a command line into options and a program. */

import { printable } from "../abi/bytes.ts";
import { UsageError } from "../errors.ts";
import { didYouMean } from "../policy/file/similar.ts";
import { type Flag, flagByLetter, flagByName, FLAGS } from "./flags.ts";

/** A command line, split. Every string is a byte string. */
export interface Split {
  /**
   * The options in one form: `--name` for a flag that takes nothing, and
   * `--name=value` for the others, where an empty value means none was given.
   */
  readonly options: readonly string[];
  /** The program and its arguments. */
  readonly program: readonly string[];
}

/**
 * Splits the words of a command line.
 *
 * Options end at `--` or at the first word that is none, and what follows
 * belongs to the program, whatever it looks like.
 *
 * @param words what was typed, as byte strings
 * @throws {UsageError} when an option is unknown or lacks its value
 */
export function split(words: readonly string[]): Split {
  const options: string[] = [];
  let at = 0;
  // The value of a flag that needs one, where it is a word of its own.
  const take = (spelt: string, flag: Flag): string => {
    const word = words[at++];
    if (word === undefined || word === "--") {
      throw new UsageError(
        `Cannot use ${spelt}: it needs a value`,
        `write ${spelt}=${flag.value ?? "VALUE"}`,
      );
    }
    return word;
  };
  while (at < words.length) {
    const word = words[at] as string;
    if (word === "--") return { options, program: words.slice(at + 1) };
    if (!word.startsWith("-") || word === "-") break;
    at++;
    if (word.startsWith("--")) {
      options.push(...longOption(word, take));
    } else {
      options.push(...shortOptions(word, take));
    }
  }
  return { options, program: words.slice(at) };
}

type Take = (spelt: string, flag: Flag) => string;

function longOption(word: string, take: Take): string[] {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const flag = flagByName(name);
  if (flag === undefined) throw unknown(`--${name}`);
  const value = equals < 0 ? undefined : word.slice(equals + 1);
  return option(`--${name}`, flag, value, take);
}

/** Letters one after another; one that takes a value takes the rest. */
function shortOptions(word: string, take: Take): string[] {
  const options: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const letter = word[at] as string;
    const flag = flagByLetter(letter);
    if (flag === undefined) throw unknown(`-${letter}`);
    const rest = word.slice(at + 1);
    const spelt = `-${letter}`;
    if (rest.startsWith("=")) {
      return [...options, ...option(spelt, flag, rest.slice(1), take)];
    }
    if (flag.takes === "value" && rest !== "") {
      return [...options, ...option(spelt, flag, rest, take)];
    }
    options.push(...option(spelt, flag, undefined, take));
  }
  return options;
}

function option(
  spelt: string,
  flag: Flag,
  value: string | undefined,
  take: Take,
): string[] {
  switch (flag.takes) {
    case "nothing":
      if (value !== undefined) {
        throw new UsageError(
          `Cannot use ${spelt}: it takes no value`,
          `write ${spelt} alone`,
        );
      }
      return [`--${flag.name}`];
    case "optional":
      if (value === "") throw emptyValue(spelt);
      return [`--${flag.name}=${value ?? ""}`];
    case "value": {
      const given = value ?? take(spelt, flag);
      // A task passes --cwd="$INIT_CWD", which may be unset.
      if (given === "" && flag.name === "cwd") return [];
      if (given === "") throw emptyValue(spelt);
      return [`--${flag.name}=${given}`];
    }
  }
}

function emptyValue(spelt: string): UsageError {
  return new UsageError(
    `Cannot use ${spelt}: its value is empty`,
    "write its value, or leave the option out",
  );
}

/** Options of Deno, and such as they could be, that mean nothing here. */
const FOREIGN: readonly (readonly [RegExp, string])[] = [
  [
    /^--(?:allow|deny|ignore)-(?:ffi|import)$/,
    "leave it out: it is about what code in JavaScript loads",
  ],
  [/^--allow-scripts$/, "leave it out: it is about what Deno installs"],
  [
    /^--(?:allow|deny)-hrtime$/,
    "leave it out: a program has the time, unless a policy says sys: {time: deny}",
  ],
  [/^--deny-all$/, "leave it out: what is not allowed is refused"],
  [/^--(?:no-)?prompt$/, "leave it out: --on-deny=ask asks, nothing else does"],
];

function unknown(spelt: string): UsageError {
  return new UsageError(
    `Cannot understand the option ${printable(spelt)}`,
    FOREIGN.find(([name]) => name.test(spelt))?.[1] ?? meant(spelt) ??
      "see jail --help",
  );
}

/** What was probably meant: "-R" by "-r", and "--allow-read" by "--read". */
function meant(spelt: string): string | undefined {
  // Nobody is led to allow more than was meant.
  const flags = FLAGS.filter((flag) => flag.name !== "allow-all");
  const names = flags.map((flag) => `--${flag.name}`);
  if (spelt.startsWith("--")) {
    const whole = spelt.replace("--", "--allow-");
    return didYouMean(names.includes(whole) ? whole : spelt, names);
  }
  const letter = flags.find(({ short }) =>
    short?.toLowerCase() === spelt.slice(1).toLowerCase()
  )?.short;
  return letter === undefined ? undefined : `did you mean "-${letter}"?`;
}
