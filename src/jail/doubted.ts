/** What doubts about rules are found and said with. */

import type { Decision, RuleRef } from "../policy/decision.ts";
import { compile, type Engine } from "../policy/decide.ts";
import {
  EMPTY_LAYER,
  type PathSection,
  type Policy,
} from "../policy/policy.ts";
import { presetNamed } from "../policy/presets.ts";
import type { View } from "../sys/view.ts";

/** A name that no rule has, in a directory. */
export const ANY_NAME = "\x01";

/** How many names are looked at for one doubt. */
export const MOST_LOOKS = 1000;

/** Says what a policy decides about a use of a file. */
export type FileDecider = (access: PathSection, path: string) => Decision;

/**
 * Makes what says that of a policy, which is compiled once it is asked.
 *
 * @param policy the merged policy
 * @param view where paths begin
 */
export function fileDecider(policy: Policy, view: View): FileDecider {
  let engine: Engine | undefined;
  return (access, path) => {
    // What is said of calls by name is no matter here.
    const { calls } = EMPTY_LAYER;
    engine ??= compile({ ...policy, calls }, {
      realpath: (path) => view.meant(path),
    });
    const uses = [{ access, path, kind: "file" }] as const;
    return engine.decide({ name: "openat", uses });
  };
}

/** Whether a rule is one of a built-in policy. */
export function isBuiltIn({ source }: RuleRef): boolean {
  return presetNamed(source) !== undefined;
}

/** A rule, and where it stands; a flag says that itself. */
export function named({ source, text }: RuleRef): string {
  return source.startsWith("--") ? text : `${source}: ${text}`;
}

/** Whose answer may take long, or who would mount something for each name. */
const FAR_REGEXP = /^(?:9p|afs|autofs|ceph|cifs|fuse|gluster|lustre|nfs|smb)/;

/** Where something is mounted that may be far away. */
export function farIn(view: View): ReadonlySet<string> {
  const far = view.mounts().filter(({ type }) => FAR_REGEXP.test(type));
  return new Set(far.map(({ point }) => point));
}
