/** Rules that refuse less on this machine than who reads them would think. */

import { fromText, printable, toText } from "../abi/bytes.ts";
import type { SyscallName } from "../abi/syscalls.ts";
import { twinsOf } from "../abi/twins.ts";
import { SystemCallError } from "../errors.ts";
import { callSettings } from "../policy/calls.ts";
import type { RuleRef } from "../policy/decision.ts";
import { compile, type Engine } from "../policy/decide.ts";
import { isProc, rootOf } from "../policy/floor/grants.ts";
import { mergeLayers } from "../policy/merge.ts";
import { type Glob, parseGlob } from "../policy/path/glob.ts";
import { realGlobs } from "../policy/path/rules.ts";
import { matchSegment } from "../policy/path/segment.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import { planCalls } from "../policy/plan/plan.ts";
import {
  EMPTY_LAYER,
  type Layer,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy/policy.ts";
import { isPreset, PRESETS } from "../policy/presets.ts";
import { interfaceIndex } from "../sys/interfaces.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";

/** What rules are looked at for. */
export interface DoubtOptions {
  /** Where their paths begin. */
  readonly view: View;
  /** Where somebody looks first: where the program works, and his home. */
  readonly near: readonly string[];
}

/** How many paths are looked at for one pattern. */
const MOST_LOOKS = 1000;

/** A name that no rule has, in a directory. */
const ANY_NAME = "\x01";

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
  { view, near }: DoubtOptions,
): string[] {
  const realpath = (path: string): string | undefined => view.meant(path);
  const isAllowed = asker(layers, view);
  const isOpen = (access: PathSection, directory: string): boolean =>
    isAllowed(access, pathIn(directory, ANY_NAME));
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

/** Says of a file whether layers together allow something of it. */
function asker(
  layers: readonly Layer[],
  view: View,
): (access: PathSection, path: string) => boolean {
  let engine: Engine | undefined;
  return (access, path) => {
    // What is said of calls by name is no matter here.
    const { calls } = EMPTY_LAYER;
    engine ??= compile({ ...mergeLayers(layers), calls }, {
      realpath: (path) => view.meant(path),
    });
    const uses = [{ access, path, kind: "file" }] as const;
    return engine.decide({ name: "openat", uses }).kind === "allow";
  };
}

/** What should not lie in a directory that may be written. */
export interface Precious {
  /** The home directory, a real path. */
  readonly home: string | undefined;
  /** What jail is started from, real paths. */
  readonly code: readonly string[];
}

/**
 * Finds what lets the working directory be written where that is the home directory,
 * or holds it: programs outside run much of what is hidden there. Or it holds what
 * the next jail is started from.
 *
 * @param layers all that a policy is made of
 * @param cwd the working directory, a real path
 * @param precious what may lie in there
 * @param view where paths begin
 * @returns a text for each
 */
export function workingDoubts(
  layers: readonly Layer[],
  cwd: string,
  { home, code }: Precious,
  view: View,
): string[] {
  const isAllowed = asker(layers, view);
  const isOpen = (path: string): boolean =>
    isWithin(path, cwd) &&
    isAllowed("write", isDirectory(path, view) ? pathIn(path, ANY_NAME) : path);
  const said = [
    ...home !== undefined && isWithin(home, cwd)
      ? [
        "lets what is hidden in the home directory be written, which shells " +
        "and other programs outside run: start in a directory beneath it",
      ]
      : [],
    ...code.filter(isOpen).map((path) =>
      `lets ${
        printable(path)
      } be written, from which the next jail is started: put that elsewhere`
    ),
  ];
  // Who works at the top, and lets all be written, knows that.
  if (said.length === 0 || cwd === "/") return [];
  const found = layers.flatMap(({ write }) =>
    write.allow.filter(({ pattern }) =>
      parseGlob(pattern).map(rootOf).some(({ path, plain }) =>
        plain && path === cwd
      )
    ).flatMap(({ ref }) => said.map((text) => `${named(ref)} ${text}`))
  );
  return [...new Set(found)];
}

/**
 * Finds what is named to be written and a built-in policy closes, whoever allows it:
 * its `deny` beats every `allow`.
 *
 * @param layers all that a policy is made of
 * @param view where paths begin
 * @returns a text for each
 */
export function closedDoubts(layers: readonly Layer[], view: View): string[] {
  const own = {
    ...mergeLayers([EMPTY_LAYER]),
    write: mergeLayers(layers).write,
  };
  // Most policies close nothing of what they let be written.
  if (own.write.deny.length === 0) return [];
  const realpath = (path: string): string | undefined => view.meant(path);
  const engine = compile(own, { realpath });
  const closer = (path: string): RuleRef | undefined => {
    const uses = [{ access: "write", path, kind: "file" }] as const;
    const { kind, rule } = engine.decide({ name: "openat", uses });
    const isBuiltIn = PRESETS.some(({ name }) => name === rule.source);
    return kind !== "allow" && isBuiltIn ? rule : undefined;
  };
  const found = own.write.allow.flatMap(({ pattern, ref }) =>
    realGlobs(pattern, realpath).map(rootOf).flatMap(({ path, plain }) => {
      if (!plain) return [];
      const beneath = closer(pathIn(path, ANY_NAME));
      const rule = isDirectory(path, view) ? beneath : beneath && closer(path);
      return rule === undefined ? [] : [
        `${named(ref)} lets nothing be written: ${named(rule)} closes ${
          printable(path)
        }`,
      ];
    })
  );
  return [...new Set(found)];
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
      kind !== "refuse" || ref.text !== name ||
      PRESETS.some(({ name }) => name === ref.source)
    ) return [];
    const made = twinsOf(name).filter(isMade);
    return made.length === 0
      ? []
      : [`${named(ref)} is refused, and may be made as ${made.join(", ")}`];
  });
}

/** A rule, and where it stands; a flag says that itself. */
function named({ source, text }: RuleRef): string {
  return source.startsWith("--") ? text : `${source}: ${text}`;
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

/** Whose answer may take long, or who would mount something for each name. */
const FAR_REGEXP = /^(?:9p|afs|autofs|ceph|cifs|fuse|gluster|lustre|nfs|smb)/;

/** Where something is mounted that may be far away. */
function farIn(view: View): ReadonlySet<string> {
  const far = view.mounts().filter(({ type }) => FAR_REGEXP.test(type));
  return new Set(far.map(({ point }) => point));
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
