/** What holds under every policy, `--allow-all` included. */

import type { Call, Use } from "./call.ts";
import type { RuleRef } from "./decision.ts";
import { isWithin } from "./path/within.ts";

/**
 * A rule that is part of jail itself.
 *
 * @param keys where it would stand if a policy said it
 * @param text what it says
 */
export function jailRule(keys: readonly string[], text: string): RuleRef {
  return { source: "jail", keys, text };
}

/** No rule said anything. */
export const NO_RULE: RuleRef = jailRule(["default"], "no rule allows it");

/** The call names no file, and nothing forbids it. */
export const NO_FILE: RuleRef = jailRule(["calls"], "it touches no file");

/** A directory on the way to something that a rule allows may be seen. */
export const ON_THE_WAY: RuleRef = jailRule(
  ["stat"],
  "it is on the way to what a rule allows",
);

/** A person was asked, and said so. */
export const CONSENT: RuleRef = jailRule(
  ["ask"],
  "whoever was asked allows it",
);

/** A person was asked, and said no. */
export const NO_CONSENT: RuleRef = jailRule(
  ["ask"],
  "whoever was asked refuses it",
);

/** A pipe, a memfd or a removed file: the program holds it already. */
export const HELD: RuleRef = jailRule(
  ["object"],
  "the program holds it already",
);

/** A socket that names nobody reaches nobody. */
export const NAMES_NOBODY: RuleRef = jailRule(["net"], "it names nobody");

/** Of netlink sockets, which are there to ask the kernel. */
export const KERNEL: RuleRef = jailRule(
  ["net"],
  "it is the kernel that is asked",
);

/** A port that the kernel chooses for who sends or connects, as without a bind. */
export const CHOSEN_PORT: RuleRef = jailRule(
  ["net"],
  "whoever sends or connects needs a port, and the kernel chooses it",
);

/** A rename would let more be done with a file than before. */
export const WIDENS: RuleRef = jailRule(
  ["move"],
  "the new place allows more than the old one",
);

/** What is moved could be a directory by then, which another jail puts there. */
export const UNCOVERS: RuleRef = jailRule(
  ["move"],
  "a directory in its place could have in it what the new place alone lets be read",
);

/**
 * No link may be put where a rule begins, nor on the way there: rules are
 * looked up on real paths, so the next run of the same policy would allow
 * whatever the link leads to, and a program outside would follow it past a
 * `deny`.
 */
export const LINK_AT_RULE: RuleRef = jailRule(
  ["link"],
  "a link where a rule begins",
);

/**
 * No link may be removed by which a rule that refuses something is meant: the
 * next run of the same policy would not know where it led. Nor may one that the
 * link of a rule leads through: what is put there the next run would take for what
 * the rule means, and no rule names it now.
 */
export const LINK_OF_RULE: RuleRef = jailRule(
  ["link"],
  "a link by which a rule refuses something, or leads on",
);

/** A file that runs as somebody else would carry the user's rights outside. */
export const SETS_ID: RuleRef = jailRule(
  ["mode"],
  "no file may run as its owner or group where not all may be written",
);

/** Rules mean names in their letters where a directory tells those as jail starts. */
export const FOLDS: RuleRef = jailRule(
  ["flags"],
  "no directory may come to tell no letters where rules name files",
);

/** A resolver, in whose place jail answers: it judges each question. */
export const RESOLVER: RuleRef = jailRule(
  ["net"],
  "jail answers in place of the resolver",
);

/** What finds names by itself would tell the program, and not jail. */
export const FINDS_NAMES: RuleRef = jailRule(
  ["net"],
  "where rules name hosts, names are found by DNS",
);

const OTHER_PROCESS: RuleRef = jailRule(
  ["proc"],
  "/proc of a process outside the jail",
);
const MEMORY: RuleRef = jailRule(["mem"], "/proc/self/mem is never written");
/** It is set for all of a session, jail and whoever started it among them. */
const SESSION: RuleRef = jailRule(
  ["proc"],
  "/proc/self/autogroup says how much time others get, too",
);
const DEVICE: RuleRef = jailRule(["device"], "a device that no rule names");
const SETTING: RuleRef = jailRule(
  ["setting"],
  "a setting of the kernel that no rule names",
);

const OTHER_PROCESS_REGEXP = /^\/proc\/[0-9]+(?:\/|$)/;
const MEMORY_REGEXP = /^\/proc\/self\/(?:task\/[^/]+\/)?mem$/;
const SESSION_REGEXP = /^\/proc\/self\/(?:task\/[^/]+\/)?autogroup$/;
/**
 * The files of a process, but for those of its network namespace, which is not its
 * own.
 */
const OWN_REGEXP = /^\/proc\/self(?!\/(?:task\/[^/]+\/)?net(?:\/|$))(?:\/|$)/;
const HARMLESS_DEVICE_REGEXP =
  /^\/dev\/(?:null|zero|full|random|urandom|tty|ptmx|pts\/[^/]+)$/;

/**
 * The fixed rule that closes a file for a use whatever the policy allows, if one
 * does.
 */
export function closedBy(use: Use): RuleRef | undefined {
  const { path } = use;
  if (!path.startsWith("/proc/")) return undefined;
  if (OTHER_PROCESS_REGEXP.test(path)) return OTHER_PROCESS;
  if (use.access !== "write") return undefined;
  if (MEMORY_REGEXP.test(path)) return MEMORY;
  return SESSION_REGEXP.test(path) ? SESSION : undefined;
}

/**
 * The fixed rule that closes a device, if one does.
 *
 * @param use what would be done with it
 * @param root the first names of the rule that allows it; a rule that begins
 * beneath /dev, or at the device itself, is taken to mean it
 */
export function deviceClosedBy(use: Use, root: string): RuleRef | undefined {
  if (HARMLESS_DEVICE_REGEXP.test(use.path)) return undefined;
  if (root.startsWith("/dev/") || root === use.path) return undefined;
  return DEVICE;
}

/**
 * Where the kernel has files by which it is set, beside those of each process; what
 * else is mounted has some elsewhere.
 */
export const SETTINGS = ["/proc", "/sys"] as const;

/**
 * The fixed rule that closes a setting of the kernel, if one does: what is written
 * there changes the machine, and may have it run a program outside.
 *
 * @param use what would be done
 * @param root the first names of the rule that allows it; one that begins where
 *   settings are is taken to mean them
 * @param places where settings of the kernel are
 */
export function settingClosedBy(
  { access, kind, path }: Use,
  root: string,
  places: readonly string[],
): RuleRef | undefined {
  if (access !== "write" || OWN_REGEXP.test(path)) return undefined;
  const place = places.find((one) =>
    path === one ? kind !== "directory" : isWithin(path, one)
  );
  // Nobody makes anything in procfs, and the kernel says so.
  if (place === "/proc" && kind === "missing") return undefined;
  return place === undefined || isWithin(root, place) ? undefined : SETTING;
}

/**
 * Whether a use is of a memfd, whose name the program chose, under a rule that
 * means files.
 *
 * @param use what would be done
 * @param pattern the rule's
 */
export function isUnnamed({ path, kind }: Use, pattern: string): boolean {
  return kind === "object" && path.startsWith("/memfd:") && pattern !== "/" &&
    !pattern.startsWith("/memfd:");
}

/** Sockets of nscd(8) and of systemd-resolved(8). */
const FINDS_NAMES_REGEXP =
  /^(?:\/var)?\/run\/(?:nscd\/socket|systemd\/resolve\/.*)$/;

/** Whether a unix socket is one that names can be found by. */
export function findsNames(path: string): boolean {
  return FINDS_NAMES_REGEXP.test(path);
}

/**
 * Whether a call asks such a socket for a name. Where no rule allows it, it looks
 * as if nobody ran there, so that names are found by DNS.
 */
export function asksForNames({ name, uses }: Call): boolean {
  return name === "connect" &&
    uses.every(({ path, told }) => told === true || findsNames(path));
}

/** Whether a pipe or the like may be used without asking a rule. */
export function isHeld(use: Use): boolean {
  return use.kind === "object" && use.access !== "run" &&
    use.access !== "load";
}

/** Whether a call makes a name, and fails where there is one (EEXIST). */
export function makesName({ name }: Call): boolean {
  switch (name) {
    case "mkdir":
    case "mkdirat":
    case "mknod":
    case "mknodat":
    case "symlink":
    case "symlinkat":
      return true;
    default:
      return false;
  }
}

/** Whether a call moves whatever has a name, a directory too. */
export function renames({ name }: Call): boolean {
  return name === "rename" || name === "renameat" || name === "renameat2";
}

/** Whether a call could put a symbolic link where there was none. */
export function placesLink(call: Call): boolean {
  switch (call.name) {
    case "symlink":
    case "symlinkat":
      return true;
    case "link":
    case "linkat":
    case "rename":
    case "renameat":
    case "renameat2":
      return call.uses.some((use) => use.kind === "link");
    default:
      return false;
  }
}

/** Whether a call removes a symbolic link. */
export function removesLink({ name, uses }: Call): boolean {
  return (name === "unlink" || name === "unlinkat") &&
    uses.some(({ kind }) => kind === "link");
}
