/** Rules that refuse less on this machine than who reads them would think. */

import { fromText, printable, toText } from "../abi/bytes.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { twinsOf } from "../abi/twins.ts";
import { SystemCallError } from "../errors.ts";
import { callSettings } from "../policy/calls.ts";
import { compile } from "../policy/compile.ts";
import { isProc, rootOf } from "../policy/floor/grants.ts";
import { type Glob, parseGlob } from "../policy/path/glob.ts";
import { realGlobs } from "../policy/path/rules.ts";
import { matchSegment } from "../policy/path/segment.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import { planCalls } from "../policy/plan/plan.ts";
import {
  type Layer,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy/policy.ts";
import { isPreset } from "../policy/presets.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";
import {
  ANY_NAME,
  farIn,
  type FileDecider,
  isBuiltIn,
  MOST_LOOKS,
  named,
} from "./doubted.ts";

/** What rules are looked at for. */
export interface DoubtOptions {
  /** Where their paths begin. */
  readonly view: View;
  /** Where somebody looks first: where the program works, and his home. */
  readonly near: readonly string[];
  /** What all layers together say of a file. */
  readonly decide: FileDecider;
}

/** What ends a path for other programs, or holds two together, and is part of it here. */
const ODD_REGEXP = /[ \t\n\r:;,|&#"'`<>()=\\[\]{}%!?*^$@]+/g;

/** What lies at the top, and seldom where somebody works. */
const TOP_REGEXP =
  /^\/(?:dev|etc|home|media|mnt|opt|root|run|srv|tmp|usr|var)\//;

/**
 * Finds rules of somebody's own that refuse something, and leave open what a reader
 * may take for refused: what is beneath a directory that a wildcard means, or a path
 * of which theirs is a longer spelling.
 *
 * @param layers all that a policy is made of
 * @param options where to look
 * @returns a text for each
 */
export function doubts(
  layers: readonly Layer[],
  { view, near, decide }: DoubtOptions,
): string[] {
  const realpath = (path: string): string | undefined => view.meant(path);
  const isOpen = (access: PathSection, directory: string): boolean =>
    decide(access, pathIn(directory, ANY_NAME)).kind === "allow";
  const isClear = (glob: Glob): boolean => {
    const { path, plain } = rootOf(glob);
    if (!plain) return glob.beneath;
    return path.search(ODD_REGEXP) < 0 && otherForms(path).length === 0 &&
      withoutSlash(path, near) === undefined;
  };
  const found = new Set<string>();
  const look = (section: PathSection, { pattern, ref }: PathRule): void => {
    // Most rules are plain, and nobody looks for what they mean once more.
    if (parseGlob(pattern).every(isClear)) return;
    for (const glob of realGlobs(pattern, realpath)) {
      const { path, plain } = rootOf(glob);
      if (isProc(path)) continue;
      const left = plain || glob.beneath
        ? undefined
        : directoriesOf(glob, view, near).find((one) => isOpen(section, one));
      const meant = plain ? likelyMeant(path, view, near) : undefined;
      if (left !== undefined) {
        found.add(
          `${named(ref)} means the directory ${printable(left)} alone, ` +
            "and leaves open what is beneath",
        );
      } else if (meant !== undefined && isOpen(section, meant)) {
        found.add(
          `${named(ref)} is not there, and refuses nothing of ${
            printable(meant)
          }, which is`,
        );
      }
    }
  };
  for (const layer of layers) {
    if (isPreset(layer)) continue;
    for (const section of PATH_SECTIONS) {
      const { deny, ignore } = layer[section];
      for (const rule of [...deny, ...ignore]) {
        try {
          look(section, rule);
        } catch (error) {
          // Where nobody says what there is, there is nothing to doubt.
          if (!(error instanceof SystemCallError)) throw error;
        }
      }
    }
  }
  return [...found];
}

/** Addresses of documentation, one of each kind. */
const EXAMPLES = [
  { family: "inet", address: [192, 0, 2, 1] },
  {
    family: "inet6",
    address: [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
    scope: 0,
  },
] as const;

/**
 * Finds rules that refuse every address of one kind, where those of the other may be
 * reached: few mean that.
 *
 * @param policy the merged policy
 * @returns a text for each
 */
export function netDoubts(policy: Policy): string[] {
  const { net } = policy;
  if (typeof net === "string") return [];
  const { deny, ignore } = net.connect;
  return [...deny, ...ignore].flatMap(({ patterns: [pattern], ref }) => {
    if (pattern?.kind !== "address" || pattern.bits > 0) return [];
    const { address: { length }, ports } = pattern;
    const other = EXAMPLES.find(({ address }) => address.length !== length);
    if (other === undefined) return [];
    const endpoint = { ...other, port: ports.first };
    const ends = [{ access: "connect", endpoint }] as const;
    const call = { name: "connect", uses: [], net: ends } as const;
    const kind = length === 4 ? "IPv6" : "IPv4";
    return compile(policy, { interfaceIndex }).decide(call).kind === "allow"
      ? [
        `${
          named(ref)
        } leaves open all addresses of ${kind}, which "*" means too`,
      ]
      : [];
  });
}

/**
 * Finds calls that a policy refuses by their names, and others that do the same and
 * may be made.
 *
 * @param policy the merged policy
 * @returns a text for each
 */
export function callDoubts(policy: Policy): string[] {
  const settings = callSettings(policy);
  const plan = planCalls(policy, { observe: false });
  const isMade = (name: SyscallName): boolean => {
    const action = plan.get(name)?.action.kind;
    return settings.get(name)?.kind !== "refuse" &&
      (action === "allow" || action === "trace");
  };
  return [...settings].flatMap(([name, { kind, ref }]) => {
    // A group has them all, and built-in policies mean what they say.
    if (
      kind !== "refuse" || ref.text !== name || isBuiltIn(ref)
    ) return [];
    const made = twinsOf(name).filter(isMade);
    return made.length === 0
      ? []
      : [`${named(ref)} is refused, and may be made as ${made.join(", ")}`];
  });
}

/** Directories that a pattern means, of those that are soon found. */
function directoriesOf(
  { segments }: Glob,
  view: View,
  near: readonly string[],
): string[] {
  const found: string[] = [];
  const far = farIn(view);
  let left = MOST_LOOKS;
  const look = (path: string, at: number): void => {
    const segment = segments[at];
    if (left-- <= 0 || isProc(path) || far.has(path)) return;
    if (segment === undefined) {
      if (isDirectory(path, view)) found.push(path);
      return;
    }
    switch (segment.kind) {
      case "name":
        return look(`${path}/${segment.name}`, at + 1);
      case "any-depth":
        for (const one of new Set([path, ...near])) {
          if (isWithin(one, path || "/")) look(one, at + 1);
        }
        return;
      case "pattern":
        for (const name of view.names(path || "/")) {
          if (!matchSegment(segment.pattern, name, 0, name.length)) continue;
          look(`${path}/${name}`, at + 1);
        }
    }
  };
  look("", 0);
  return found;
}

/**
 * What a path may be meant for that has no file, such as `/secret:ro`, `etc/secret`
 * or `a,b`: what is in front of something odd, or behind it, or is left without it.
 */
function likelyMeant(
  path: string,
  view: View,
  near: readonly string[],
): string | undefined {
  const isThere = (path: string): boolean => view.realpath(path) !== undefined;
  const odd = [...path.matchAll(ODD_REGEXP)];
  const top = withoutSlash(path, near);
  const others = otherForms(path);
  const isClear = odd.length === 0 && others.length === 0 && top === undefined;
  if (isClear || isThere(path)) return undefined;
  const likely = odd.flatMap(({ 0: text, index }) => {
    const [before, after] = [
      path.slice(0, index),
      path.slice(index + text.length),
    ];
    const behind = after === "" ? [] : [`${parentOf(before)}/${after}`];
    return before.endsWith("/") ? behind : [before, ...behind];
  });
  if (top !== undefined) likely.push(top);
  return [...likely, ...others, path.replaceAll(ODD_REGEXP, "")].find(isThere);
}

/** The same text in other bytes: a letter with its accent, or one behind the other. */
function otherForms(path: string): string[] {
  const text = /[\x80-\xff]/.test(path) ? toText(path) : undefined;
  if (text === undefined) return [];
  return ["NFC", "NFD"].map((form) => fromText(text.normalize(form)))
    .filter((one) => one !== path);
}

/** What `etc/x` may be meant for, the slash in front of it forgotten. */
function withoutSlash(
  path: string,
  near: readonly string[],
): string | undefined {
  return near.filter((one) => one !== "/" && isWithin(path, one))
    .map((one) => path.slice(one.length))
    .find((rest) => TOP_REGEXP.test(rest));
}
