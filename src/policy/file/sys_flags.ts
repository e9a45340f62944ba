/** Deno's kinds of facts about the system, as flags name them, made rules. */

import { fromText, printable } from "../../abi/bytes.ts";
import { UnsupportedError } from "../../errors.ts";
import type { RuleRef } from "../decision.ts";
import { GlobError } from "../path/glob.ts";
import { EFFECTS } from "../policy.ts";
import { allHidden, allReal, denied, mergeSys, type SysRules } from "../sys.ts";
import { type FlagOptions, type FlagValues, listOf } from "./flags.ts";
import { didYouMean } from "./similar.ts";
import { understood } from "./understood.ts";

/** What a program sees of one kind. */
type Kind =
  /** Rules of its own, picked from those that say all. */
  | {
    readonly facts: readonly (keyof SysRules)[];
    readonly fields: readonly (keyof NonNullable<SysRules["uname"]>)[];
    /** The kinds that one and the same call tells. */
    readonly together?: readonly string[];
  }
  /** Nothing that jail could hide or show, and what to write in its place. */
  | { readonly instead: string };

const MACHINE = ["osUptime", "loadavg", "systemMemoryInfo"];
const machine: Kind = { facts: ["sysinfo"], fields: [], together: MACHINE };

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["hostname", { facts: [], fields: ["nodename", "domainname"] }],
  ["osRelease", { facts: [], fields: ["release", "version"] }],
  ["osUptime", machine],
  ["loadavg", machine],
  ["systemMemoryInfo", machine],
  ["uid", { facts: ["uid"], fields: [] }],
  ["gid", { facts: ["gid"], fields: [] }],
  ["cpus", { facts: ["cpus"], fields: [] }],
  ["getegid", { instead: "gid is both the real and the effective one" }],
  ["networkInterfaces", { instead: "--allow-net and --deny-net decide" }],
  ["username", { instead: "--deny-read=/etc/passwd and --deny-env decide" }],
  ["userInfo", { instead: "--deny-read=/etc/passwd, and uid and gid" }],
  ["homedir", {
    instead: "--deny-env=HOME and --deny-read=/etc/passwd decide",
  }],
  ["statfs", { instead: "--deny-read decides" }],
  ["getPriority", { instead: 'a policy with "calls: {deny: [getpriority]}"' }],
  ["setPriority", { instead: 'a policy with "calls: {deny: [setpriority]}"' }],
  ["inspector", { instead: "a native program has none" }],
]);

/**
 * Makes rules of what flags say of the system.
 *
 * A list of what is allowed hides the rest, as far as that can be hidden: the
 * time and what is random cannot. `deny` and `ignore` are the same here: a call
 * that tells several facts cannot fail for one of them.
 *
 * @param values the values of the flags
 * @param all whether everything is allowed
 * @param ref where a value stands
 * @param options whether they are a file's
 * @returns the rules; `undefined` where nothing is said
 * @throws {UsageError} for a kind that Deno does not know
 * @throws {UnsupportedError} for one that jail can neither hide nor show
 * @throws {Fault} for either, where they are a file's
 */
export function sysFlags(
  values: FlagValues | undefined,
  all: boolean,
  ref: NonNullable<FlagOptions["ref"]>,
  options: Pick<FlagOptions, "ref">,
): SysRules | undefined {
  const said: SysRules[] = [];
  if (all && values?.allow === undefined) {
    said.push(allReal(ref("all", "allow", undefined, "")));
  }
  for (const effect of EFFECTS) {
    const list = listOf(values, effect);
    if (list === undefined) continue;
    const from = effect === "allow"
      ? allReal
      : (ref: RuleRef): SysRules => denied(allHidden(ref));
    if (list === true) {
      said.push(from(ref("sys", effect, undefined, "")));
      continue;
    }
    const [first] = list;
    // An empty list says something beside --allow-all alone.
    if (first === undefined && !all) continue;
    if (effect === "allow") {
      const index = first === undefined ? undefined : 0;
      said.push(allHidden(ref("sys", effect, index, first ?? "")));
    }
    list.forEach((name, index) => {
      const at = ref("sys", effect, index, name);
      const kind = understood(at, options, () => kindOf(name));
      const held = understood(
        at,
        options,
        () => ruledOf(kind, list),
        UnsupportedError,
      );
      said.push(pick(from(at), held));
    });
  }
  return said.length === 0 ? undefined : mergeSys(said);
}

type RuledKind = Exclude<Kind, { readonly instead: string }>;

function kindOf(name: string): Kind {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  throw new GlobError(
    `there is no such fact as ${printable(fromText(name))}`,
    didYouMean(name, KINDS.keys()) ??
      `those are known: ${[...ruled()].join(", ")}`,
  );
}

function ruledOf(kind: Kind, list: readonly string[]): RuledKind {
  if ("instead" in kind) {
    throw new GlobError(
      "jail does not decide about it by itself",
      kind.instead,
    );
  }
  if (kind.together?.every((one) => list.includes(one)) ?? true) return kind;
  throw new GlobError(
    `one call tells ${MACHINE.join(", ")} at once`,
    `name all of them: ${MACHINE.join(",")}`,
  );
}

function ruled(): string[] {
  return [...KINDS].flatMap(([name, kind]) => "facts" in kind ? [name] : []);
}

/** The rules that are of a kind. */
function pick(rules: SysRules, { facts, fields }: RuledKind): SysRules {
  const names = Object.entries(rules.uname ?? {}).filter(([field]) =>
    (fields as readonly string[]).includes(field)
  );
  return {
    ...Object.fromEntries(facts.map((name) => [name, rules[name]])),
    uname: Object.fromEntries(names),
  };
}
