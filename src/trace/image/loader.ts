/** Dynamic loaders as commands: `ld.so prog` runs prog. */

import type { Words } from "../look/words.ts";

const LOADER_REGEXP =
  /^ld-(?:linux|musl)[^/]*\.so(?:\.[0-9]+)*$|^ld(?:64)?\.so(?:\.[0-9]+)*$/;

/** Whether a file has the name of a dynamic loader. Others may be one, too. */
export function hasLoaderName(path: string): boolean {
  return LOADER_REGEXP.test(path.slice(path.lastIndexOf("/") + 1));
}

/** Why a dynamic loader does not run another: its arguments would be that one's. */
export const LOADER_OF_LOADER = "a dynamic loader would run another one";

const WITH_VALUE: ReadonlySet<string> = new Set([
  "--library-path",
  "--inhibit-rpath",
  "--audit",
  "--preload",
  "--argv0",
  "--glibc-hwcaps-prepend",
  "--glibc-hwcaps-mask",
]);
const WITHOUT_VALUE: ReadonlySet<string> = new Set([
  "--list",
  "--verify",
  "--inhibit-cache",
  "--list-tunables",
  "--list-diagnostics",
  "--help",
  "--version",
]);

/**
 * Which argument of a dynamic loader is the program that it runs.
 *
 * @param argv the loader's arguments
 * @param knows whether this loader has an option: glibc before 2.33 takes one
 *   that it does not know for the program
 * @returns the argument's index; how many there are where there is none; -1
 *   where that is not sure
 */
export function loadedProgram(
  { words, whole }: Words,
  knows: (option: string) => boolean,
): number {
  let i = 1;
  for (; i < words.length; i++) {
    const word = words[i] as string;
    const valued = WITH_VALUE.has(word);
    if (valued || WITHOUT_VALUE.has(word)) {
      if (!knows(word)) return -1;
      if (valued) i++;
      continue;
    }
    if (word.startsWith("--")) return -1;
    // A name without a slash is searched for like a library.
    return word.includes("/") ? i : -1;
  }
  return whole ? words.length : -1;
}

/** Options whose names musl has without their dashes. */
const OF_MUSL: ReadonlySet<string> = new Set([
  "--list",
  "--library-path",
  "--preload",
  "--argv0",
]);

/**
 * Whether a loader has an option, by the strings in its file.
 *
 * @param file all of the file, a byte string
 * @param option the option, with its dashes
 */
export function hasOption(file: string, option: string): boolean {
  return file.includes(`${option}\0`) ||
    OF_MUSL.has(option) && file.includes(`\0${option.slice(2)}\0`);
}
