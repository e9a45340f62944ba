/** The words of a command line, and what they ask for. */

// @ts-types="./parse_args.d.ts"
import { parseArgs } from "@std/cli/parse-args";
import { printable, toText } from "../abi/bytes.ts";
import { UnsupportedError, UsageError } from "../errors.ts";
import type { RunRequest } from "../jail/run.ts";
import type { LimitName } from "../outcome.ts";
import { AmountError } from "../policy/file/amounts.ts";
import type { PermissionFlags } from "../policy/file/flags.ts";
import { didYouMean } from "../policy/file/similar.ts";
import { type Limit, type Limits, parseLimit } from "../policy/limits.ts";
import {
  FLAGS,
  type PermissionName,
  PERMISSIONS,
  type PermissionVerb,
  RESERVED,
  type Subcommand,
  SUBCOMMANDS,
  VERBS,
} from "./flags.ts";
import { split } from "./split.ts";

/** What a command line asks for. */
export type Args =
  /** Run a program. */
  | { readonly kind: "run"; readonly request: RunRequest }
  /** Show help, the long or the short one, or that of a subcommand alone. */
  | {
    readonly kind: "help";
    readonly long: boolean;
    readonly about?: Subcommand;
  }
  /** Show the version. */
  | { readonly kind: "version" }
  /** Do something else, with the words that follow, as byte strings. */
  | {
    readonly kind: "subcommand";
    readonly name: string;
    readonly words: readonly string[];
    readonly cwd: string | undefined;
  }
  /** Tell what would enforce a run, whether or not its program was named. */
  | {
    readonly kind: "plan";
    readonly request: RunRequest;
    readonly named: boolean;
  };

/**
 * Reads a command line.
 *
 * @param words what was typed after the command's own name, as byte strings
 * @returns what it asks for
 * @throws {UsageError} when it makes no sense
 * @throws {UnsupportedError} when it asks for what does not exist yet
 */
export function parse(words: readonly string[]): Args {
  const subcommand = parseSubcommand(words);
  if (subcommand !== undefined) return subcommand;
  const { options, program } = split(words);
  const values = new Values(options);
  if (values.has("help")) {
    const typed = words.slice(0, words.length - program.length);
    return { kind: "help", long: typed.includes("--help") };
  }
  if (values.has("version")) return { kind: "version" };
  const [name, ...args] = program;
  if (name === undefined) {
    throw new UsageError(
      "Cannot run anything: no program was named",
      "write jail -- ls -l, or see jail --help",
    );
  }
  return { kind: "run", request: toRequest(values, name, args) };
}

/**
 * A subcommand is only that when it comes first; the task's `--cwd=` may precede
 * it.
 */
function parseSubcommand(words: readonly string[]): Args | undefined {
  let at = 0;
  while (words[at]?.startsWith("--cwd=")) at++;
  const word = words[at];
  if (word !== undefined && RESERVED.includes(word)) {
    throw new UnsupportedError(
      `Cannot do "jail ${word}": it does not exist yet`,
      `write jail -- ${word} to run a program of that name`,
    );
  }
  const subcommand = subcommandNamed(word);
  if (subcommand === undefined) return undefined;
  const { name } = subcommand;
  const rest = words.slice(at + 1);
  if (name === "help") return helpAsked(rest);
  if (name === "plan") return toPlan(words.slice(0, at), rest);
  const { options } = split(words.slice(0, at));
  const cwd = workingDirectory(new Values(options).list("cwd"));
  const option = rest.find((each) => each.startsWith("-"));
  if (option === undefined) {
    return { kind: "subcommand", name, words: rest, cwd };
  }
  if (HELP.includes(option)) return helpAbout(subcommand);
  throw new UsageError(
    `Cannot use ${printable(option)}: jail ${name} takes no options`,
    `write ${["jail", name, subcommand.args].join(" ").trim()}`,
  );
}

const HELP: readonly string[] = ["-h", "--help"];

function subcommandNamed(word: string | undefined): Subcommand | undefined {
  return SUBCOMMANDS.find(({ name }) => name === word);
}

/** What `jail help` is asked: all of it, or of one other command. */
function helpAsked([word, ...others]: readonly string[]): Args {
  const about = subcommandNamed(word);
  const isHelp = word === undefined || HELP.includes(word);
  if (others.length === 0 && (isHelp || about !== undefined)) {
    return helpAbout(about);
  }
  const unknown = about === undefined ? word : others[0];
  throw new UsageError(
    `Cannot help with ${printable(unknown ?? "")}: it is no command`,
    `write jail help, or jail help and one of ${
      SUBCOMMANDS.map(({ name }) => name).join(", ")
    }`,
  );
}

function helpAbout(about: Subcommand | undefined): Args {
  return { kind: "help", long: true, ...about === undefined ? {} : { about } };
}

/** The program that is planned for where none is named. */
const ANY_PROGRAM = "true";

/**
 * What `jail plan` is asked: a policy, and perhaps a program; or what a run is
 * asked, where an option comes first.
 */
function toPlan(before: readonly string[], words: readonly string[]): Args {
  const [policy, ...others] = words;
  if (policy === undefined || (!policy.startsWith("-") && others.length > 1)) {
    throw new UsageError(
      policy === undefined
        ? "Cannot plan anything: no policy was named"
        : `Cannot use ${
          printable(others[1] ?? "")
        }: jail plan takes one policy`,
      "write jail plan policy.yaml, jail plan policy.yaml program, " +
        "or jail plan and what a run has: jail plan -R=. -- program",
    );
  }
  const { options, program } = split(
    policy.startsWith("-")
      ? [...before, ...words]
      : [...before, `--policy=${policy}`, "--", ...others],
  );
  const values = new Values(options);
  if (values.has("help")) return helpAbout(subcommandNamed("plan"));
  const [name = ANY_PROGRAM, ...args] = program;
  const request = toRequest(values, name, args);
  return { kind: "plan", request, named: program.length > 0 };
}

function toRequest(
  values: Values,
  program: string,
  args: readonly string[],
): RunRequest {
  const permissionSet = permissionSetOf(values);
  const audit = values.last("audit");
  const cwd = workingDirectory(values.list("cwd"));
  const root = values.last("root");
  return {
    program,
    args,
    policies: values.list("policy"),
    flags: permissionFlags(values),
    limits: limits(values),
    ...(permissionSet === undefined
      ? {}
      : { permissionSet: permissionSet === "" ? true : permissionSet }),
    engine: oneOf(values, "engine", ["auto", "seccomp", "ptrace", "kernel"]) ??
      "auto",
    onDeny: oneOf(values, "on-deny", ["errno", "kill", "ask"]) ?? "errno",
    report: values.has("report"),
    ...stats(values),
    ...(audit === undefined ? {} : { audit }),
    auditOptional: auditOptional(values),
    ...(cwd === undefined ? {} : { cwd }),
    ...(root === undefined ? {} : { root }),
    keepFds: values.list("keep-fd").map(toFd),
    waitAll: values.has("wait-all"),
    landlock: !values.has("no-landlock"),
  };
}

/** The permission set; of two, what one of them denies would be dropped. */
function permissionSetOf(values: Values): string | undefined {
  if (new Set(values.list("permission-set")).size > 1) {
    throw new UsageError(
      "Cannot take two permission sets",
      "write a set that has what both say, or take policies by -p",
    );
  }
  return values.text("permission-set");
}

/** The options' values, by the name of their flag. */
class Values {
  readonly #parsed: Readonly<Record<string, unknown>>;

  constructor(options: readonly string[]) {
    const valued = FLAGS.filter((flag) => flag.takes !== "nothing");
    this.#parsed = parseArgs([...options], {
      boolean: FLAGS.filter((flag) => flag.takes === "nothing")
        .map((flag) => flag.name),
      string: valued.map((flag) => flag.name),
      collect: valued.map((flag) => flag.name),
      stopEarly: true,
      unknown: (arg) => {
        throw new UsageError(`Cannot understand the option ${printable(arg)}`);
      },
    });
  }

  /** Whether a flag that takes nothing was given. */
  has(name: string): boolean {
    return this.#parsed[name] === true;
  }

  /** Every value that was given, in order; an empty one stands for none. */
  list(name: string): readonly string[] {
    return this.#parsed[name] as readonly string[];
  }

  /** The value that was given last. */
  last(name: string): string | undefined {
    return this.list(name).at(-1);
  }

  /** The value that was given last, as text. */
  text(name: string): string | undefined {
    const value = this.last(name);
    return value === undefined ? undefined : asText(name, value);
  }
}

function stats(values: Values): Pick<RunRequest, "stats"> {
  if (values.has("stats")) {
    return { stats: values.has("json") ? "json" : "text" };
  }
  if (!values.has("json")) return {};
  throw new UsageError(
    "Cannot use --json without --stats",
    "write --stats --json",
  );
}

/** Whether the log may fail; without one it would say nothing. */
function auditOptional(values: Values): boolean {
  if (!values.has("audit-optional")) return false;
  if (values.last("audit") !== undefined) return true;
  throw new UsageError(
    "Cannot use --audit-optional without --audit",
    "write --audit=FILE --audit-optional",
  );
}

/** The limits that have a flag. */
const LIMIT_FLAGS: readonly (readonly [flag: string, limit: LimitName])[] = [
  ["timeout", "time"],
  ["memory", "memory"],
];

/** What the flags of limits say. */
function limits(values: Values): Limits {
  const said: Partial<Record<LimitName, Limit>> = {};
  for (const [flag, name] of LIMIT_FLAGS) {
    const text = values.text(flag);
    if (text === undefined) continue;
    const ref = { source: `--${flag}`, keys: [], text: `--${flag}=${text}` };
    try {
      said[name] = { most: parseLimit(name, text), ref };
    } catch (error) {
      if (!(error instanceof AmountError)) throw error;
      throw new UsageError(
        `Cannot use --${flag}: ${error.message}`,
        error.hint?.replace(/such as "([^"]*)"/, `such as --${flag}=$1`),
      );
    }
  }
  return said;
}

/** What the permission flags say. */
function permissionFlags(values: Values): PermissionFlags {
  const allowAll = values.has("allow-all");
  const flags: Partial<Record<PermissionName, Lists>> = {};
  for (const name of PERMISSIONS) {
    const lists: Lists = {};
    for (const verb of VERBS) {
      const list = permissionList(values, verb, name);
      if (list === undefined) continue;
      if (allowAll && verb === "allow") {
        throw new UsageError(
          `Cannot use --allow-all beside --allow-${name}: it allows that already`,
          "leave out one of them",
        );
      }
      lists[verb] = list;
    }
    if (Object.keys(lists).length > 0) flags[name] = lists;
  }
  return { allowAll, ...flags };
}

type Lists = Partial<Record<PermissionVerb, string[] | true>>;

/**
 * What one permission flag lists, over all its uses, or `true` for everything.
 *
 * Where it is given both with and without a list, the stricter one counts:
 * Deno too takes `--allow-read --allow-read=/usr` for `/usr` alone.
 */
function permissionList(
  values: Values,
  verb: PermissionVerb,
  name: PermissionName,
): string[] | true | undefined {
  const flag = `${verb}-${name}`;
  const given = values.list(flag);
  if (given.length === 0) return undefined;
  const bare = given.includes("");
  const list = given.filter((value) => value !== "")
    .flatMap((value) => commaList(flag, asText(flag, value)));
  if (bare && (verb !== "allow" || list.length === 0)) return true;
  return list;
}

/** Splits at commas, as Deno does: two of them stand for one in a name. */
function commaList(flag: string, text: string): string[] {
  const items: string[] = [];
  let item = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (char !== ",") {
      item += char;
    } else if (text.charAt(at + 1) === ",") {
      item += char;
      at++;
    } else {
      items.push(item);
      item = "";
    }
  }
  items.push(item);
  if (items.includes("")) {
    throw new UsageError(
      `Cannot use --${flag}: a value in ${printable(text)} is empty`,
      'take the comma out, or write ",," for one in a name',
    );
  }
  return items;
}

function asText(flag: string, value: string): string {
  const text = toText(value);
  if (text !== undefined) return text;
  throw new UsageError(
    `Cannot use --${flag}: ${printable(value)} is not UTF-8`,
  );
}

function oneOf<T extends string>(
  values: Values,
  name: string,
  known: readonly T[],
): T | undefined {
  const value = values.last(name);
  if (value === undefined) return undefined;
  const found = known.find((word) => word === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `Cannot use --${name}=${printable(value)}: it must be one of ${
      known.map((word) => `"${word}"`).join(", ")
    }`,
    didYouMean(toText(value) ?? "", known) ??
      `write one of them, such as --${name}=${known[0]}`,
  );
}

// The kernel's own limit on descriptors (fs.nr_open) is far below.
const FD_REGEXP = /^[0-9]{1,9}$/;

function toFd(value: string): number {
  if (FD_REGEXP.test(value)) return Number(value);
  throw new UsageError(
    `Cannot use --keep-fd=${printable(value)}: it must be a whole number`,
    "write the number of a descriptor, such as --keep-fd=3",
  );
}

/** Each is looked up from the one before it, as `git -C` does. */
function workingDirectory(given: readonly string[]): string | undefined {
  let directory: string | undefined;
  for (const next of given) {
    directory = directory === undefined || next.startsWith("/")
      ? next
      : `${directory}/${next}`;
  }
  return directory;
}
