/** What `${cwd}` and the like stand for, and a rule's text made a pattern. */

import { fromText } from "../../abi/bytes.ts";
import { escapeGlob, GlobError, parseGlob } from "../path/glob.ts";
import { didYouMean } from "./similar.ts";

/** The values of the variables, as byte strings: absolute paths. */
export interface Variables {
  /** `${cwd}`: where the program starts. */
  readonly cwd?: string | undefined;
  /** `${home}`: the user's home directory. */
  readonly home?: string | undefined;
  /** `${tmp}`: where temporary files go; a function is asked when it is named. */
  readonly tmp?: string | (() => string) | undefined;
  /** `${program}`: the program that is run; looked for when it is named. */
  readonly program?: string | (() => string) | undefined;
  /** `${policy-dir}`: where the policy file is. */
  readonly "policy-dir"?: string | undefined;
}

/** The names of the variables. */
export const VARIABLES = [
  "cwd",
  "home",
  "tmp",
  "program",
  "policy-dir",
] as const satisfies readonly (keyof Variables)[];

/**
 * What may be several paths, held together as in PATH or in a flag. A drive of Wine
 * is none.
 */
const SEVERAL_REGEXP = /(?:[,;]\s*|[^/:]{2}:)(?:[/~]|\$\{)|[,;]$/;

/**
 * Paths between blanks, or in lines: a name with a blank at its end is hardly
 * meant.
 */
const BETWEEN_BLANKS_REGEXP = /\s(?:~?\/|\$\{)/;

/** What only a shell with `extglob` acts on: all but these, for one. */
const EXTGLOB_REGEXP = /(?:^|[/.*])[!@+]\([^/()|]*\)/;

/** A directory, and what is no name in it: the slash between them is missing. */
const NO_SLASH_REGEXP = /(\$\{(?:cwd|home|tmp|policy-dir)\})[A-Za-z0-9.*?[]/;

/** Quotes of a word processor, U+2018 to U+201E, which YAML takes for letters. */
const TYPESET_REGEXP = /^\xe2\x80[\x98-\x9e]/;

/**
 * Makes a pattern of a rule's text.
 *
 * The value of a variable is taken as it is: a `*` in the name of a directory
 * is no wildcard.
 *
 * @param text the rule as it is written in a policy
 * @param variables what the variables stand for
 * @returns the pattern, a byte string that `parseGlob` takes
 * @throws {GlobError} when the text makes no sense
 */
export function toPattern(text: string, variables: Variables): string {
  const plain = text.replace(/\\[^]/g, "_");
  if (/\s$/.test(plain)) {
    throw new GlobError(
      "a path ends with a blank",
      `take it out, or write "\\" before it where the name has one`,
    );
  }
  const [, directory] = NO_SLASH_REGEXP.exec(plain) ?? [];
  if (directory !== undefined) {
    throw new GlobError(
      `a "/" is missing behind "${directory}"`,
      `write "${directory}/…", or "${directory}/../…" for what is beside it`,
    );
  }
  // Between braces a comma is one of a choice.
  if (SEVERAL_REGEXP.test(plain) && !/(?<!\$)\{/.test(plain)) throw several();
  const pattern = substitute(
    expandHome(text),
    variables,
    (value) => escapeGlob(value === "/" ? "" : value) || "/",
  );
  mustBeAbsolute(pattern);
  parseGlob(pattern);
  return pattern;
}

/**
 * Refuses the text of a rule that would refuse nothing, and is hardly meant so.
 *
 * @param text the rule as it is written in a policy
 * @throws {GlobError} where it may be meant for several paths, or for all but one
 */
export function mustRefuse(text: string): void {
  const plain = text.replace(/\\[^]/g, "_");
  if (BETWEEN_BLANKS_REGEXP.test(plain)) throw several();
  if (!EXTGLOB_REGEXP.test(plain)) return;
  throw new GlobError(
    `"!(…)" and its like mean themselves here`,
    'write an item for each name, or "\\(" for the character itself',
  );
}

function several(): GlobError {
  return new GlobError(
    "it may be meant for several paths",
    'write an item for each, or "\\" before what a name ends with',
  );
}

/**
 * Makes the path of a directory of a policy's text: no wildcards.
 *
 * @param text the path as it is written in a policy
 * @param variables what the variables stand for
 * @returns the path, a byte string
 * @throws {GlobError} when it is not absolute, or names what is not known
 */
export function toDirectory(text: string, variables: Variables): string {
  const path = toValue(expandHome(text), variables);
  mustBeAbsolute(path);
  return path;
}

function mustBeAbsolute(path: string): void {
  if (path.startsWith("/")) return;
  throw new GlobError(
    "a path must be absolute or start with a variable",
    TYPESET_REGEXP.test(path)
      ? `write plain quotes, as in "/usr"`
      : `write "\${cwd}/…" for where the program starts, or "\${policy-dir}/…" for where this file is`,
  );
}

/**
 * Makes the value of an environment variable of a policy's text.
 *
 * @param text the value as it is written in a policy
 * @param variables what the variables stand for
 * @returns the value, a byte string
 * @throws {GlobError} when it names what is not known
 */
export function toValue(text: string, variables: Variables): string {
  if (text.includes("\0")) throw new GlobError("a value cannot have a NUL");
  return substitute(text, variables, (value) => value, withDollars);
}

/** Text of a value with what stands for a "$" made one; no other escape means any. */
function withDollars(text: string): string {
  return text.replace(/\\[^]/g, (pair) => pair === "\\$" ? "$" : pair);
}

/** `~` at the start is the home directory. */
function expandHome(text: string): string {
  if (text === "~" || text.startsWith("~/")) return "${home}" + text.slice(1);
  if (text.startsWith("~")) {
    throw new GlobError(
      "the home directory of another user is not known",
      `write "~/…" for your own, or the whole path`,
    );
  }
  return text;
}

/** Puts the values of variables into a text, and makes what is between them plain. */
function substitute(
  text: string,
  variables: Variables,
  made: (value: string) => string,
  plain = (text: string): string => text,
): string {
  let pattern = "";
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "\\") at++;
    if (char !== "$") continue;
    const after = text[at + 1] ?? "";
    if (/[A-Za-z_]/.test(after)) {
      throw new GlobError(
        "variables of the environment are not known here",
        `write "\${home}" or "\${cwd}", or "\\$" for the character itself`,
      );
    }
    if (after !== "{") continue;
    const close = text.indexOf("}", at);
    if (close === -1) {
      throw new GlobError(
        `"\${" is not closed`,
        `close it with "}", or write "\\$" for the character itself`,
      );
    }
    pattern += fromText(plain(text.slice(from, at)));
    pattern += made(valueOf(text.slice(at + 2, close), variables));
    at = close;
    from = close + 1;
  }
  return pattern + fromText(plain(text.slice(from)));
}

/** The value of a variable. */
function valueOf(name: string, variables: Variables): string {
  const known = VARIABLES.find((one) => one === name);
  if (known === undefined) {
    throw new GlobError(
      `unknown variable "\${${name}}"`,
      didYouMean(name, VARIABLES) ??
        `the variables are ${VARIABLES.map((one) => `\${${one}}`).join(" ")}`,
    );
  }
  const given = variables[known];
  const value = typeof given === "function" ? given() : given;
  // The others are not the user's to give.
  const hint = known === "home" ? "set HOME to an absolute path" : undefined;
  if (value === undefined) {
    throw new GlobError(`variable "\${${name}}" has no value here`, hint);
  }
  if (!value.startsWith("/")) {
    throw new GlobError(`variable "\${${name}}" is not an absolute path`, hint);
  }
  return value;
}
