/** The flags of the command, as data: parser, help and README come from it. */

/** What kind of thing a flag sets, in the order that help shows. */
export type Category =
  | "policy"
  | "permissions"
  | "refusals"
  | "program"
  | "jail";

/** One flag. */
export interface Flag {
  /** The long name, without dashes. */
  readonly name: string;
  /** The letter for it, if it has one. */
  readonly short?: string;
  /**
   * Whether it takes a value: never, always (`--cwd=DIR` or `--cwd DIR`), or
   * only after `=` (`--allow-read` or `--allow-read=PATH,…`).
   */
  readonly takes: "nothing" | "value" | "optional";
  /** What help calls the value. */
  readonly value?: string;
  /** Where help shows it. */
  readonly category: Category;
  /** One line for `-h`. */
  readonly doc: string;
  /** What `--help` says beyond that. */
  readonly more?: string;
}

/** What a permission is about, by Deno's names. */
export type PermissionName = "read" | "write" | "run" | "net" | "env" | "sys";

/** What a permission flag does with what it lists. */
export type PermissionVerb = "allow" | "deny" | "ignore";

/** The permissions, in the order of Deno's help. */
export const PERMISSIONS: readonly PermissionName[] = [
  "read",
  "write",
  "run",
  "net",
  "env",
  "sys",
];

/** The verbs of permission flags. */
export const VERBS: readonly PermissionVerb[] = ["allow", "deny", "ignore"];

// What the three flags of one permission say. `short` is Deno's letter.
interface Permission {
  readonly short?: string;
  readonly value: string;
  readonly allow: string;
  readonly deny: string;
  readonly ignore: string;
}

const PERMISSION_DOCS: Readonly<Record<PermissionName, Permission>> = {
  read: {
    short: "R",
    value: "PATH,…",
    allow: "Let it read these, and all beneath; or everything",
    deny: "Refuse to read these (EACCES)",
    ignore: "Make these look as if they were not there",
  },
  write: {
    short: "W",
    value: "PATH,…",
    allow: "Let it create, change and remove these; or all",
    deny: "Refuse to change these (EACCES)",
    ignore: "Refuse to change these (ENOENT)",
  },
  run: {
    value: "PATH,…",
    allow: "Let it execute these programs; or every program",
    deny: "Refuse to execute these (EACCES)",
    ignore: "Refuse to execute these (ENOENT)",
  },
  net: {
    short: "N",
    value: "HOST,…",
    allow: "Let it reach these and listen; or everything",
    deny: "Refuse these addresses (EACCES)",
    ignore: "Make these addresses look absent",
  },
  env: {
    short: "E",
    value: "NAME,…",
    allow: "Hand it these environment variables; or all",
    deny: "Leave out these variables",
    ignore: "Leave out these variables",
  },
  sys: {
    short: "S",
    value: "NAME,…",
    allow: "Show it only these facts of the system; or all",
    deny: "Hide these facts of the system",
    ignore: "Hide these facts of the system",
  },
};

function permissionFlag(name: PermissionName, verb: PermissionVerb): Flag {
  const { short, value, [verb]: doc } = PERMISSION_DOCS[name];
  return {
    name: `${verb}-${name}`,
    ...(short !== undefined && verb === "allow" ? { short } : {}),
    takes: "optional",
    value,
    category: "permissions",
    doc,
  };
}

/** Every flag, in the order that help shows. */
export const FLAGS: readonly Flag[] = [
  {
    name: "policy",
    short: "p",
    takes: "value",
    value: "NAME|FILE",
    category: "policy",
    doc: "Run under this policy; later ones add to it",
    more:
      "A name with a slash in it, or .yaml, .yml or .json at its end, is a file; " +
      "any other is a built-in policy (see jail policies). With no policy and no permission flag the " +
      "built-in policy default holds; flags alone add to minimal, which lets the " +
      "program itself start.",
  },
  {
    name: "permission-set",
    short: "P",
    takes: "optional",
    value: "NAME",
    category: "policy",
    doc: "Take a permission set of the nearest deno.json",
    more:
      'Sets stand under "permissions" there. Without a name, the set "default".',
  },
  {
    name: "allow-all",
    short: "A",
    takes: "nothing",
    category: "permissions",
    doc: "Allow everything that a jail can allow",
    more:
      "Deny and ignore flags still hold beside it; allow flags make no sense " +
      "beside it and are refused, as in Deno.",
  },
  ...PERMISSIONS.flatMap((name) =>
    VERBS.map((verb) => permissionFlag(name, verb))
  ),
  {
    name: "on-deny",
    takes: "value",
    value: "errno|kill|ask",
    category: "refusals",
    doc: "Let a refused call fail, end the jail, or ask",
    more:
      "errno gives the errno that the rule says. kill sends SIGSYS to everything in the jail " +
      "where a file, an address or a name is refused; a call that is refused by its number or " +
      "its flags fails as it would without (calls has kill for those). " +
      "ask asks at the terminal where no rule speaks of a file or an address (of names of hosts " +
      "it does not ask): y once, n, A all of this kind, " +
      "s saves the rule, for all beneath as well, in the last policy that is a file. " +
      "No answer, and no terminal, is no. " +
      "It does without Landlock, which would hold whatever the answer is.",
  },
  {
    name: "report",
    takes: "nothing",
    category: "refusals",
    doc: "Show each refusal, and the rule that says so",
  },
  {
    name: "stats",
    takes: "nothing",
    category: "program",
    doc: "Show at the end what was used",
    more:
      "Time, processor time, the most memory at once, processes, stops and " +
      "refused calls of everything that the program started, on standard " +
      "error. With --engine=kernel, times alone: nobody is there to count.",
  },
  {
    name: "json",
    takes: "nothing",
    category: "program",
    doc: "Show --stats as one line of JSON",
    more: "Times are in milliseconds, memory in bytes.",
  },
  {
    name: "audit",
    takes: "value",
    value: "FILE",
    category: "refusals",
    doc: "Append each decision to FILE, as JSON lines",
    more: "A log that cannot be written ends the jail.",
  },
  {
    name: "audit-optional",
    takes: "nothing",
    category: "refusals",
    doc: "Go on when the log cannot be written, and say so",
  },
  {
    name: "cwd",
    takes: "value",
    value: "DIR",
    category: "program",
    doc: "Work in DIR, as if jail had been started there",
    more:
      "Names of policies and logs are looked up from there too. When it is " +
      "given again, the later one is looked up from the earlier one.",
  },
  {
    name: "root",
    takes: "value",
    value: "DIR",
    category: "program",
    doc: "Let the program see DIR as /, and nothing else",
    more:
      "All paths of the policy and of permission flags are meant in there, and " +
      "PATH too; names of policies and logs are not. Where the working directory " +
      "is not in DIR, it is /. As root, or where users may make namespaces, DIR " +
      "gets /proc, /sys and /dev where it has such directories. A policy's own " +
      "root gives way to it.",
  },
  {
    name: "keep-fd",
    takes: "value",
    value: "N",
    category: "program",
    doc: "Leave file descriptor N open for the program",
    more: "0, 1 and 2 are always left open, and all others are closed.",
  },
  {
    name: "wait-all",
    takes: "nothing",
    category: "program",
    doc: "Wait for everything that the program started",
    more: "Without it, what is still running when the program ends is killed.",
  },
  {
    name: "timeout",
    takes: "value",
    value: "TIME",
    category: "program",
    doc: "End everything after TIME, such as 30s (code 124)",
    more:
      "The units are ms, s, m and h. First comes SIGTERM, half a second later " +
      "SIGKILL. Of this and a policy's limits the smaller one holds.",
  },
  {
    name: "memory",
    takes: "value",
    value: "SIZE",
    category: "program",
    doc: "End everything above SIZE of memory (code 123)",
    more:
      "It is the memory in use of all that the program started, together. " +
      "One process may map no more than twice that and 1 GiB. " +
      "Of this and a policy's limits the smaller one holds.",
  },
  {
    name: "engine",
    takes: "value",
    value: "auto|seccomp|ptrace|kernel",
    category: "jail",
    doc: "How calls are caught; auto takes the fastest",
    more:
      "With kernel none is: mounts, namespaces and Landlock hold the policy, and " +
      "what is not allowed is not there. Not every policy can be held so " +
      "(see jail plan), and nothing is reported, logged or asked.",
  },
  {
    name: "no-landlock",
    takes: "nothing",
    category: "jail",
    doc: "Do without Landlock",
    more:
      "Every rule is enforced by jail itself. Landlock, where the kernel has " +
      "it, holds most of it a second time (see jail plan).",
  },
  {
    name: "help",
    short: "h",
    takes: "nothing",
    category: "jail",
    doc: "Show this; --help shows more than -h",
  },
  {
    name: "version",
    short: "V",
    takes: "nothing",
    category: "jail",
    doc: "Show the version",
  },
];

/** The flag with this long name, without dashes. */
export function flagByName(name: string): Flag | undefined {
  return FLAGS.find((flag) => flag.name === name);
}

/** The flag with this letter. */
export function flagByLetter(letter: string): Flag | undefined {
  return FLAGS.find((flag) => flag.short === letter);
}

/** A word that does something else than run a program. */
export interface Subcommand {
  /** The word. */
  readonly name: string;
  /** What follows it. */
  readonly args: string;
  /** One line for help. */
  readonly doc: string;
  /** What its own help says beyond that. */
  readonly more: string;
}

/** Every subcommand, in the order that help shows. */
export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "check",
    args: "POLICY...",
    doc: "Say what is wrong with a policy, and where",
    more:
      "Each POLICY is a file, or the name of a built-in policy. What it extends is " +
      "read as well, and nothing is run. Of a policy that is right nothing is " +
      "said. The exit code is 1 where one is wrong.",
  },
  {
    name: "plan",
    args: "POLICY [program]",
    doc: "What enforces each rule, of a policy or of a run's options",
    more:
      "A line for each rule: WHERE it stands, BY what it is enforced, its GRADE " +
      "(how well it stands a race), KERNEL (whether --engine=kernel holds it) and " +
      "LANDLOCK (how much of it that holds besides). Then how calls are treated, " +
      "and which of your environment variables the program would not get. The " +
      "options of a run may stand in place of a policy: jail plan -R=. -- " +
      "program. Nothing is run. The exit code is 1 where the policy is strict and " +
      "a rule of it is a best effort.",
  },
  {
    name: "doctor",
    args: "",
    doc: "What this machine can enforce",
    more:
      "It starts a few small programs, in jails and without, and says what was " +
      "found. The exit code is 1 where programs cannot be jailed here.",
  },
  {
    name: "policies",
    args: "[NAME]",
    doc: "The built-in policies, one line each, or what one says",
    more:
      "With a NAME it prints the policy as it is, to be read, copied or extended.",
  },
  {
    name: "help",
    args: "[COMMAND]",
    doc: "Show this, or more of one of these commands",
    more: "The same is shown by jail --help, and by jail COMMAND --help.",
  },
];

/** Words that will be subcommands, so that no program is run by them by mistake. */
export const RESERVED: readonly string[] = [
  "learn",
  "trace",
  "why",
  "test",
  "replay",
  "report",
];
