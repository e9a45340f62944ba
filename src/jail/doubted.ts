/** What doubts about rules are found and said with. */

import type { Decision, RuleRef } from "../policy/decision.ts";
import { compile } from "../policy/compile.ts";
import type { Engine } from "../policy/decide.ts";
import {
  EMPTY_LAYER,
  type PathSection,
  type Policy,
} from "../policy/policy.ts";
import { remembered } from "../policy/path/remembered.ts";
import { presetNamed } from "../policy/presets.ts";
import type { View } from "../sys/view.ts";

/** A name that no rule has, in a directory. */
export const ANY_NAME = "\x01";

/** How many names are looked at for one doubt. */
export const MOST_LOOKS = 1000;

/** Says what a policy decides about a use of a file. */
export type FileDecider = (access: PathSection, path: string) => Decision;

/**
 * Makes what says that of a policy, of which what is asked for is compiled once it is:
 * what may be written, or run, is no matter of most rules about reading.
 *
 * @param policy the merged policy
 * @param view where paths begin
 */
export function fileDecider(policy: Policy, view: View): FileDecider {
  const realpath = remembered((path) => view.meant(path));
  const compiled = (access: PathSection): Engine => {
    // What is said of calls by name is no matter here.
    const { calls } = EMPTY_LAYER;
    // What is hidden is neither written nor run.
    const { ignore } = policy.read;
    const read = access === "read"
      ? policy.read
      : { ...EMPTY_LAYER.read, ignore };
    return compile({ ...policy, calls, read }, { realpath });
  };
  const engines = new Map<PathSection, Engine>();
  return (access, path) => {
    const engine = engines.get(access) ?? compiled(access);
    engines.set(access, engine);
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
