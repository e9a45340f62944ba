/** A policy and a call in, a decision out: the only place where decisions are made. */

import type { SyscallName } from "../abi/syscalls.ts";
import type { Call, Move, Use } from "./call.ts";
import { callSettings } from "./calls.ts";
import type { Decision, Refusal, RuleRef } from "./decision.ts";
import { namesNoFile, writesEverything } from "./everything.ts";
import * as fixed from "./fixed.ts";
import type { NetUse } from "./net/endpoint.ts";
import { judgeNet, type NetJudge } from "./net/judge.ts";
import type { InterfaceIndex } from "./net/match.ts";
import { FileRules } from "./path/file_rules.ts";
import { ALL_SLOTS } from "./path/match.ts";
import { HARMLESS, WIDER } from "./path/move.ts";
import {
  ALLOW_SLOTS,
  type CompiledRule,
  perUse,
  READ,
  type Realpath,
  type RuleLink,
  RUN,
  type Said,
  WRITE,
} from "./path/rules.ts";
import { type DefaultRule, EFFECTS, type Policy } from "./policy.ts";
import { presetNamed } from "./presets.ts";

/** A policy, ready to decide. */
export interface Engine {
  /** The policy. */
  readonly policy: Policy;
  /**
   * Decides one call by what it names. It allows what names nothing that is refused,
   * also what no program makes: calls that are forbidden by their number (ptrace(2)),
   * and those about the network where `net` is none. The filter refuses these before
   * anybody is asked.
   */
  decide(call: Call): Decision;
  /** Takes what a person has said for a whole run as a rule. */
  heed(said: Said): void;
}

const ENOENT: Refusal = { kind: "errno", errno: "ENOENT" };
const EACCES: Refusal = { kind: "errno", errno: "EACCES" };
const EPERM: Refusal = { kind: "errno", errno: "EPERM" };
const EEXIST: Refusal = { kind: "errno", errno: "EEXIST" };
const EXDEV: Refusal = { kind: "errno", errno: "EXDEV" };
const EOPNOTSUPP: Refusal = { kind: "errno", errno: "EOPNOTSUPP" };

/** What a policy has to know of the machine that it is for. */
interface Machine {
  readonly interfaceIndex: InterfaceIndex;
  readonly settings: readonly string[];
  readonly folding: readonly string[];
}

/** The engine that `compile()` makes. */
export class CompiledPolicy implements Engine {
  readonly policy: Policy;
  readonly #files: FileRules;
  readonly #calls: ReadonlyMap<SyscallName, Decision>;
  readonly #otherwise: (use: number) => Decision;
  readonly #hidden: (use: number) => Decision;
  readonly #hidesUnseen: boolean;
  readonly #everything: boolean;
  readonly #namesNoFile: boolean;
  readonly #net: NetJudge | undefined;
  readonly #links: readonly RuleLink[];
  readonly #settings: readonly string[];
  readonly #agreed = allow(fixed.CONSENT);
  readonly #held = allow(fixed.HELD);
  readonly #noFile = allow(fixed.NO_FILE);
  readonly #onTheWay = allow(fixed.ON_THE_WAY);

  constructor(
    policy: Policy,
    realpath: Realpath,
    links: readonly RuleLink[],
    { interfaceIndex, settings, folding }: Machine,
  ) {
    this.policy = policy;
    this.#links = links;
    this.#settings = settings;
    this.#files = new FileRules(policy, realpath, folding);
    this.#calls = callDecisions(policy);
    this.#everything = writesEverything(policy);
    this.#namesNoFile = namesNoFile(policy);
    this.#otherwise = uncovered(
      policy.default ?? { refusal: EACCES, ref: fixed.NO_RULE },
    );
    this.#hidden = policy.unseen === undefined
      ? this.#otherwise
      : uncovered(policy.unseen);
    const unseen = policy.unseen?.refusal;
    this.#hidesUnseen = unseen?.kind === "errno" && unseen.errno === "ENOENT";
    this.#net = judgeNet(policy, {
      ...{ realpath, interfaceIndex, folding },
      file: (path, kind) => this.#use({ access: "write", path, kind }, -1),
      closed: (path) => this.#closed(path, -1),
      otherwise: this.#otherwise(-1),
    });
  }

  /** Whether a directory may be changed. */
  readonly mayWrite = (path: string): boolean =>
    this.#use({ access: "write", path, kind: "directory" }, 0).kind === "allow";

  heed(said: Said): void {
    this.#files.heed(said);
  }

  decide(call: Call): Decision {
    const byName = this.#calls.get(call.name);
    if (byName !== undefined) return byName;
    const { uses, moves } = call;
    if (call.net !== undefined && this.#net !== undefined) {
      const unseen = this.#unseen(uses);
      if (unseen !== undefined) return unseen;
      const decision = this.#net.decide(call.net);
      return decision.kind === "refuse"
        ? decision
        : this.#told(uses) ?? decision;
    }
    let allowed: Decision | undefined;
    for (let i = 0; i < uses.length; i++) {
      const use = uses[i] as Use;
      if (use.told === true) continue;
      const decision = this.#use(use, i);
      if (decision.kind === "refuse") {
        const failure = this.#harmless(call, use, decision);
        return failure === undefined
          ? decision
          : { ...refuse(decision.rule, failure, i), quiet: true };
      }
      allowed ??= decision;
    }
    const closed = call.net && this.#closedSocket(uses, call.net);
    if (closed !== undefined) return closed;
    if (call.setsId === true && !this.#everything) {
      return refuse(fixed.SETS_ID, EPERM, -1);
    }
    if (call.folds === true && !this.#namesNoFile) {
      return refuse(fixed.FOLDS, EOPNOTSUPP, -1);
    }
    if (fixed.placesLink(call)) {
      const decision = this.#link(call);
      if (decision !== undefined) return decision;
    }
    if (fixed.removesLink(call)) {
      const decision = this.#unlink(call);
      if (decision !== undefined) return decision;
    }
    if (moves !== undefined) {
      for (const move of moves) {
        const same = movesOfSame(move, moves);
        const decision = this.#move(move, uses, same, fixed.renames(call));
        if (decision !== undefined) return decision;
      }
    }
    return this.#told(uses) ?? allowed ?? this.#noFile;
  }

  /**
   * How a refused call fails that is harmless: one that asks for a name, or would
   * make what is there to be seen, which fails so anywhere.
   */
  #harmless(
    call: Call,
    use: Use,
    { refusal, uncovered }: Extract<Decision, { readonly kind: "refuse" }>,
  ): Refusal | undefined {
    if (fixed.asksForNames(call) && uncovered === true) return ENOENT;
    if (!fixed.makesName(call) || refusal.kind !== "errno") return undefined;
    const { path, kind } = use;
    const isThere = kind !== "missing" &&
      this.#use({ access: "stat", path, kind }, 0).kind === "allow";
    return isThere ? EEXIST : undefined;
  }

  /** Refuses what names something that must not be seen. */
  #unseen(uses: readonly Use[]): Decision | undefined {
    for (let i = 0; i < uses.length; i++) {
      const use = uses[i] as Use;
      if (use.access !== "stat" || use.told === true) continue;
      const decision = this.#use(use, i);
      if (decision.kind === "refuse") return decision;
    }
    return undefined;
  }

  /**
   * Refuses what would fail by telling how far a path leads. This comes last: how a
   * call is refused that no rule allows must not tell that either.
   */
  #told(uses: readonly Use[]): Decision | undefined {
    for (let i = 0; i < uses.length; i++) {
      const use = uses[i] as Use;
      if (use.told !== true) continue;
      const decision = this.#use(use, i);
      if (decision.kind === "refuse") return decision;
    }
    return undefined;
  }

  /**
   * Refuses to reach a socket that a rule closes to be read, where none about the
   * network names it: what comes from there is read. Where its file may not be written
   * that says how it is refused, as for a name where there is no socket. Who connects
   * may find one by then where there is none yet.
   */
  #closedSocket(
    uses: readonly Use[],
    net: readonly NetUse[],
  ): Decision | undefined {
    const connects = net.some(({ access }) => access === "connect");
    for (let i = 0; i < uses.length; i++) {
      const { access, path, kind } = uses[i] as Use;
      if (access !== "write" || !connects && kind !== "socket") continue;
      const closed = this.#closed(path, i);
      if (closed !== undefined) return closed;
    }
    return undefined;
  }

  /** What a rule says that closes a path to be read, if one does. */
  #closed(path: string, index: number): Decision | undefined {
    return this.#files.closing(path)?.decision(index);
  }

  /** Decides one use of one file. */
  #use(use: Use, index: number): Decision {
    if (use.agreed === true) return this.#agreed;
    const closed = fixed.closedBy(use);
    if (closed !== undefined) return refuse(closed, EACCES, index);
    const { access } = use;
    switch (access) {
      case "read":
        return this.#ruled(READ, use, index);
      case "write":
        return this.#ruled(WRITE, use, index);
      case "run":
        return this.#run(use, index);
      case "load":
        return this.#load(use, index);
      case "stat":
        if (use.told === true) {
          const closing = this.#files.closing(use.path);
          return closing === undefined
            ? this.#onTheWay
            : this.#byRule(closing, use.path, index);
        }
        return fixed.isHeld(use) ? this.#held : this.#stat(use, index);
    }
  }

  /** Decides a use that has rules of its own. */
  #ruled(access: number, use: Use, index: number): Decision {
    if (fixed.isHeld(use)) return this.#held;
    const rule = this.#files.find(access, use.path);
    if (rule === undefined) return this.#uncovered(access, use, index);
    if (access === RUN && fixed.isUnnamed(use, rule.rule.pattern)) {
      return this.#otherwise(index);
    }
    if (rule.effect === "allow") {
      const closed = use.kind === "device"
        ? fixed.deviceClosedBy(use, rule.root)
        : fixed.settingClosedBy(use, rule.root, this.#settings);
      if (closed !== undefined) return refuse(closed, EACCES, index);
    }
    return access === WRITE
      ? rule.decision(index)
      : this.#byRule(rule, use.path, index);
  }

  /** What a rule says to who would look at a path, or read or run it. */
  #byRule(rule: CompiledRule, path: string, index: number): Decision {
    const decision = rule.decision(index);
    return decision.kind === "refuse" && this.#isAbsent(rule, path)
      ? { ...decision, refusal: ENOENT }
      : decision;
  }

  /**
   * Whether what a built-in policy closes is as absent as all around it: where no
   * other rule lets it be used but to run, and that fails so. Tools go on without
   * settings that are not there, and not without those that are closed.
   */
  #isAbsent({ effect, rule }: CompiledRule, path: string): boolean {
    return effect === "deny" && rule.refusal === undefined &&
      this.#hidesUnseen && presetNamed(rule.ref.source) !== undefined &&
      !this.#files.isShown(path);
  }

  /**
   * Refuses what no rule covers, as absent where it may not be seen. For who would
   * read, a directory alone is there: by one that cannot be listed a path leads on.
   */
  #uncovered(access: number, use: Use, index: number): Decision {
    const isThere = access === WRITE ||
      (access === RUN || use.kind === "directory") &&
        this.#stat(use, index).kind === "allow";
    return isThere ? this.#otherwise(index) : this.#hidden(index);
  }

  /**
   * Decides whether a file may be run. How that fails where there is none must not
   * tell what a rule about reading says must not be seen.
   */
  #run(use: Use, index: number): Decision {
    const run = this.#ruled(RUN, use, index);
    const isFile = use.kind === "file" || use.kind === "object";
    if (run.kind === "refuse" || isFile) return run;
    const seen = this.#files.seeing(use.path, use.kind === "directory");
    // As closed, and not as absent: a file that is there, and no program, fails so.
    return typeof seen === "object" && seen.effect !== "allow"
      ? seen.decision(index)
      : run;
  }

  /** Decides whether a file may load another: one that may be read or run may. */
  #load(use: Use, index: number): Decision {
    const read = this.#ruled(READ, use, index);
    if (read.kind === "allow" || read.uncovered !== true) return read;
    const run = this.#ruled(RUN, use, index);
    return run.kind === "allow" ? run : read;
  }

  /** Decides whether a file may be seen. */
  #stat({ path, kind }: Use, index: number): Decision {
    const rule = this.#files.seeing(path, kind === "directory");
    if (rule === "on the way") return this.#onTheWay;
    return rule === undefined
      ? this.#hidden(index)
      : this.#byRule(rule, path, index);
  }

  /** Refuses a link at a place that a rule names, or on the way there. */
  #link(call: Call): Decision | undefined {
    const path = writtenPaths(call).find((path) =>
      this.#files.isNamed(path, ALL_SLOTS) ||
      this.#net?.hasRuleAt(path, EFFECTS) || this.#hasLinkAt(path)
    );
    return path === undefined
      ? undefined
      : refuse(fixed.LINK_AT_RULE, EACCES, indexOf(path, call.uses, "write"));
  }

  /** Refuses to remove a link that must stay. */
  #unlink(call: Call): Decision | undefined {
    const path = writtenPaths(call).find((path) =>
      this.#files.isNamed(path, ALL_SLOTS & ~ALLOW_SLOTS) ||
      this.#net?.hasRuleAt(path, ["deny", "ignore"]) ||
      this.#hasLinkAt(path, true)
    );
    return path === undefined
      ? undefined
      : refuse(fixed.LINK_OF_RULE, EACCES, indexOf(path, call.uses, "write"));
  }

  /**
   * Whether a rule leads through a link there or beneath; through one that must stay,
   * perhaps.
   */
  #hasLinkAt(path: string, stays = false): boolean {
    return this.#links.some((link) =>
      (link.stays || !stays) && this.#files.leadsTo(path, link.path)
    );
  }

  /**
   * Whether a rule closes what moves to be read, and none does at its new place: a
   * socket could be reached there; and who may write there sees where a link leads,
   * how large a file is that he may not open, and when a directory was changed.
   */
  #opens({ from, to }: Move): boolean {
    return this.#files.closing(from) !== undefined &&
      this.#files.closing(to) === undefined;
  }

  /**
   * Whether one of several names of what moves lets it be seen, or a socket be reached,
   * where none did before: it may be moved by one, and not be written by another.
   */
  #shows(
    { to, tree }: Move,
    uses: readonly Use[],
    same: readonly Move[],
  ): boolean {
    if (same.length === 1) return false;
    const kind = tree
      ? "directory"
      : same.find(({ kind }) => kind !== undefined)?.kind ?? "file";
    const gains = (may: (path: string) => boolean): boolean =>
      may(to) && !same.some(({ from, hidden }) => hidden !== true && may(from));
    const sees = (path: string): boolean =>
      this.#stat({ access: "stat", path, kind }, -1).kind === "allow";
    return gains(sees) ||
      !tree && same.some((move) => hasSocket(move, uses)) &&
        gains((path) => this.#reaches(path));
  }

  /** Whether a socket can be reached by a path. */
  #reaches(path: string): boolean {
    const kind = "socket";
    const call: Call = {
      name: "connect",
      uses: [{ access: "write", path, kind }],
      net: [{ access: "connect", endpoint: { family: "unix", path, kind } }],
    };
    return this.decide(call).kind === "allow";
  }

  /** Refuses a move that lets more be done than before. */
  #move(
    move: Move,
    uses: readonly Use[],
    same: readonly Move[],
    renames: boolean,
  ): Decision | undefined {
    if (move.tree) {
      // A link in it would then be where a rule begins.
      const named = this.#files.isNamed(move.to, ALLOW_SLOTS) ||
        this.#net?.hasRuleAt(move.to, ["allow"]) ||
        this.#hasLinkAt(move.to) || this.#files.isAbove(move.to, ALL_SLOTS) ||
        this.#net?.hasRuleBeneath(move.to, EFFECTS);
      if (named) {
        return refuse(fixed.LINK_AT_RULE, EXDEV, indexOf(move.to, uses));
      }
    }
    if (move.tree && this.#hasLinkAt(move.from, true)) {
      return refuse(fixed.LINK_OF_RULE, EXDEV, indexOf(move.from, uses));
    }
    const reached = hasSocket(move, uses) && this.#net?.widens(move) ||
      this.#opens(move) || this.#shows(move, uses, same);
    const found = reached ? WIDER : this.#files.obstacle(move);
    if (found === HARMLESS) {
      return !move.tree && renames && this.#files.uncovers(move)
        ? refuse(fixed.UNCOVERS, EXDEV, indexOf(move.from, uses))
        : undefined;
    }
    return refuse(
      this.#files.at(found)?.rule.ref ?? fixed.WIDENS,
      // As for a file system of its own: mv then copies, under the rules.
      move.tree ? EXDEV : EACCES,
      indexOf(move.from, uses),
    );
  }
}

/** All moves of what one of them moves: first by its own name, then by others. */
function movesOfSame(move: Move, moves: readonly Move[]): readonly Move[] {
  const at = moves.indexOf(move);
  const isOwn = ({ kind }: Move): boolean => kind === undefined;
  const first = moves.slice(0, at + 1).findLastIndex(isOwn);
  const next = moves.slice(at + 1).findIndex(isOwn);
  return moves.slice(
    Math.max(0, first),
    next < 0 ? moves.length : at + 1 + next,
  );
}

/** Whether what moves is a socket, or may have one in it. */
function hasSocket(move: Move, uses: readonly Use[]): boolean {
  return move.tree || move.kind === "socket" ||
    uses.some(({ path, kind }) => path === move.from && kind === "socket");
}

/** The use of a path, so or in any way: -1 where that is another name of what is used. */
function indexOf(
  path: string,
  uses: readonly Use[],
  access?: Use["access"],
): number {
  return uses.findIndex((use) =>
    use.path === path && (access === undefined || use.access === access)
  );
}

/** All names of what a call writes. */
function writtenPaths({ uses, names = [] }: Call): string[] {
  const written = uses.filter(({ access }) => access === "write")
    .map(({ path }) => path);
  return [...written, ...names];
}

function allow(rule: RuleRef): Decision {
  return { kind: "allow", rule };
}

/** The decisions about what no rule covers. */
function uncovered({ refusal, ref }: DefaultRule): (use: number) => Decision {
  return perUse((use) => ({
    ...{ kind: "refuse", refusal, rule: ref, use, uncovered: true },
  }));
}

function refuse(
  rule: RuleRef,
  refusal: Refusal,
  use: number,
): Extract<Decision, { readonly kind: "refuse" }> {
  return { kind: "refuse", refusal, rule, use };
}

/** The decisions for calls that the policy refuses by name. */
function callDecisions(policy: Policy): Map<SyscallName, Decision> {
  const decisions = new Map<SyscallName, Decision>();
  for (const [name, setting] of callSettings(policy)) {
    if (setting.kind === "allow") continue;
    decisions.set(name, refuse(setting.ref, setting.refusal, -1));
  }
  return decisions;
}
