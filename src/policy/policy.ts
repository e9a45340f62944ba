/** A policy as data: what a program may do, and where each rule stands. */

import type { Group, SyscallName } from "../abi/syscalls.ts";
import type { Refusal, RuleRef } from "./decision.ts";
import type { Limits } from "./limits.ts";
import type { Net, NetRules } from "./net/net.ts";
import type { SysRules } from "./sys.ts";

/** One rule about files. */
export interface PathRule {
  /**
   * What it covers, as a byte string in the language of `path/glob.ts`: absolute,
   * variables put in. Without a wildcard it means that path and all beneath it.
   */
  readonly pattern: string;
  /** Where it stands. */
  readonly ref: RuleRef;
  /** How to refuse, where the rule says; only in `deny`. */
  readonly refusal?: Refusal | undefined;
}

/** What may be done to files in one way: read, written or run. */
export interface PathRules {
  /** What may. */
  readonly allow: readonly PathRule[];
  /** What may not, whatever is allowed: EACCES unless the rule says otherwise. */
  readonly deny: readonly PathRule[];
  /** What looks as if it were not there: ENOENT. */
  readonly ignore: readonly PathRule[];
}

/** One rule about names of environment variables. */
export interface NameRule {
  /** The name, or a pattern with `*` and `?`, as a byte string. */
  readonly pattern: string;
  /** Where it stands. */
  readonly ref: RuleRef;
  /** Whether everything is meant, and not what a wildcard means. */
  readonly all?: boolean | undefined;
}

/** One environment variable that a policy gives a value. */
export interface ValueRule {
  /** Its name, as a byte string. */
  readonly name: string;
  /** Its value, as a byte string. */
  readonly value: string;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** Which environment variables the program gets. */
export interface EnvRules {
  /** Those that it gets: by a wildcard none that looks like a secret. */
  readonly allow: readonly NameRule[];
  /** Those that it does not get, whatever is allowed. */
  readonly deny: readonly NameRule[];
  /** The same: a variable that is not there and one that is hidden look alike. */
  readonly ignore: readonly NameRule[];
  /** Those that get a value, whatever is denied; of two the last one holds. */
  readonly set: readonly ValueRule[];
}

/** One rule about a system call, or about a group of them. */
export interface CallRule {
  /** A call's name, or `@` and a group's. */
  readonly name: SyscallName | `@${Group}`;
  /** Where it stands. */
  readonly ref: RuleRef;
  /** How it is refused; without one, as the policy's `default` says. */
  readonly refusal?: Refusal | undefined;
}

/** What a policy says of calls by name. */
export interface CallRules {
  /** Calls that are otherwise forbidden and may be made. It opens no file. */
  readonly allow: readonly CallRule[];
  /** Calls that are refused before anything else is looked at. */
  readonly refuse: readonly CallRule[];
}

/** What happens where no rule matches. */
export interface DefaultRule {
  /** How to refuse. */
  readonly refusal: Refusal;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** Which directory the program has as its root. */
export interface RootRule {
  /** The directory, an absolute path outside, as a byte string. */
  readonly path: string;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** The text that rules came from, kept so that a message can show the line. */
export interface PolicyText {
  /** What {@linkcode RuleRef.source} calls it. */
  readonly name: string;
  /** The text as it was read. */
  readonly text: string;
}

/** Everything, or nothing: all that can be said of some things. */
export type AllOrNone = "all" | "none";

/** The sections that a policy and each of its layers have. */
export interface Sections {
  /** One sentence on what it is for. */
  readonly description?: string | undefined;
  /** What may be read. */
  readonly read: PathRules;
  /** What may be created, changed and removed. */
  readonly write: PathRules;
  /** What may be executed. */
  readonly run: PathRules;
  /** Which environment variables the program gets. */
  readonly env: EnvRules;
  /** How much it may use; of the layers' limits the smallest ones. */
  readonly limits: Limits;
  /** What is said of calls by name. */
  readonly calls: CallRules;
  /** How calls are refused that no rule covers, if the policy says so. */
  readonly default?: DefaultRule | undefined;
  /**
   * How a call is refused that would look at, run or read what may not be seen: as
   * `default` says, unless the layer says something else. By ENOENT what a built-in
   * policy closes is not there either, where no rule lets it be read or written.
   */
  readonly unseen?: DefaultRule | undefined;
  /** What it does not run without: so far `landlock` alone. */
  readonly require: readonly RuleRef[];
  /** Where it says that no rule may be a best effort, if it does. */
  readonly strict?: RuleRef | undefined;
  /** The root directory that all its other paths are meant in, if it has one. */
  readonly root?: RootRule | undefined;
  /** Where the rules came from. */
  readonly sources: readonly PolicyText[];
}

/** One layer: a policy file, the flags, or a permission set, before merging. */
export interface Layer extends Sections {
  /** What it extends, in order; nothing any more once that was loaded before it. */
  readonly extends: readonly Reference[];
  /** What may be done with the network, if the layer says. */
  readonly net?: Net | undefined;
  /** What the program sees of the system, as far as the layer says. */
  readonly sys?: SysRules | undefined;
  /**
   * Where it says `false` of what layers before it may allow, and takes nothing
   * back.
   */
  readonly nothing?: readonly SaidNothing[] | undefined;
}

/** A `false` of a layer. */
export interface SaidNothing {
  /** The keys of a policy that it is about, from the section on. */
  readonly keys: RuleRef["keys"];
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** The name of another policy, and where it is asked for. */
export interface Reference {
  /** A built-in policy's name, or a file. */
  readonly name: string;
  /** Where it stands. */
  readonly ref: RuleRef;
}

/** A whole policy: all layers merged. */
export interface Policy extends Sections {
  /** What may be done with the network. */
  readonly net: Net;
  /** The rules of which `net` is all: what they deny nobody is asked about. */
  readonly netRules?: NetRules | undefined;
  /** What the program sees of the system; what is not mentioned is real. */
  readonly sys: SysRules;
}

/** The ways in which files can be used that have rules of their own. */
export const PATH_SECTIONS = ["read", "write", "run"] as const;

/** One of {@linkcode PATH_SECTIONS}. */
export type PathSection = "read" | "write" | "run";

/** What a rule does with what it matches. */
export const EFFECTS = ["allow", "deny", "ignore"] as const;

/** One of {@linkcode EFFECTS}. */
export type Effect = "allow" | "deny" | "ignore";

/** No rules about files. */
const NO_PATHS: PathRules = { allow: [], deny: [], ignore: [] };

/** No rules about variables. */
const NO_NAMES: EnvRules = { allow: [], deny: [], ignore: [], set: [] };

/** A layer that says nothing. */
export const EMPTY_LAYER: Layer = {
  extends: [],
  read: NO_PATHS,
  write: NO_PATHS,
  run: NO_PATHS,
  env: NO_NAMES,
  limits: {},
  calls: { allow: [], refuse: [] },
  require: [],
  sources: [],
};
