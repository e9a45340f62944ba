/** Saves a rule that a person has agreed to in the policy file of the run. */

import { toText } from "../abi/bytes.ts";
import { namedPath } from "../policy/call.ts";
import { isNetAccess, type Question } from "../policy/consent.ts";
import { MAX_SIZE } from "../policy/file/text.ts";
import { escapeGlob } from "../policy/path/glob.ts";
import { parentOf } from "../policy/path/within.ts";
import { presetNamed } from "../policy/presets.ts";
import type { Saver } from "./ask.ts";

/**
 * Finds where rules can be saved: in the last policy of a run that is a file.
 *
 * @param policies the policies as the user named them, byte strings
 * @returns how to save one, or `undefined` where all policies are built in
 */
export async function saverFor(
  policies: readonly string[],
): Promise<Saver | undefined> {
  const name = policies.map(toText).findLast((policy) =>
    policy !== undefined && presetNamed(policy) === undefined
  );
  const file = name === undefined ? undefined : realPath(name);
  if (name === undefined || file === undefined) return undefined;
  // Nothing can be loaded any more while the program runs.
  const { hasRule, withRule } = await import("../policy/file/edit.ts");
  return {
    name,
    save: (question: Question): string | undefined => {
      const { access } = question;
      const path = namedPath(question);
      const pattern = isNetAccess(access)
        ? path
        : toText(escapeGlob(path).replaceAll("$", "\\$"))
          // What would be two paths, or a blank behind one, if a person wrote it.
          ?.replace(/[;:](?=\/)|[;\s]$/g, "\\$&");
      if (pattern === undefined) return "its name is not UTF-8";
      try {
        // In its place the program may have put a link to another policy, a pipe,
        // for which jail would wait, or gigabytes.
        const isSame = realPath(file) === file;
        const { isFile, size } = Deno.statSync(file);
        if (!isSame || !isFile || size > MAX_SIZE) {
          return `${name} is not what it was`;
        }
        const text = withRule(Deno.readTextFileSync(file), access, pattern);
        if (text === undefined) {
          // What stands for both ends would allow more with it.
          const section = isNetAccess(access)
            ? `net: {${access}: […]}`
            : `${access}: […]`;
          return `${name} says it otherwise than by "${section}", where a rule can be added`;
        }
        const unread = whyUnread(() => hasRule(text, access, pattern));
        if (unread !== undefined) return unread;
        replace(file, text);
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

/** Where a file really is, or `undefined` where there is none. */
function realPath(name: string): string | undefined {
  try {
    return Deno.realPathSync(name);
  } catch {
    return undefined;
  }
}

/** Why a policy could not be read any more: some names cannot be in one. */
function whyUnread(reads: () => boolean): string | undefined {
  let why = "it says something else";
  try {
    if (reads()) return undefined;
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  return `no policy can have this rule: ${why}`;
}

/** Replaces a file as a whole: on a full disk the old one stays. */
function replace(file: string, text: string): void {
  const { mode } = Deno.statSync(file);
  const directory = parentOf(file);
  const temporary = `${directory}/.jail-${crypto.randomUUID()}`;
  try {
    // By one descriptor: whoever may write there could put a link in its place.
    Deno.writeTextFileSync(temporary, text, {
      createNew: true,
      mode: mode === null ? 0o600 : mode & 0o7777,
    });
    Deno.renameSync(temporary, file);
  } catch (error) {
    if (realPath(temporary) !== undefined) Deno.removeSync(temporary);
    throw error;
  }
}
