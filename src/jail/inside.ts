/** Whether what a policy means in the working directory is there. */

import { printable, toText } from "../abi/bytes.ts";
import { PolicyError, UsageError } from "../errors.ts";
import { parseGlob } from "../policy/path/glob.ts";
import { literalRoot, realRoot } from "../policy/path/rules.ts";
import { isWithin } from "../policy/path/within.ts";
import {
  type Layer,
  PATH_SECTIONS,
  type PathRule,
  type PathSection,
  type Policy,
} from "../policy/policy.ts";
import { isPreset } from "../policy/presets.ts";
import { readLink } from "../sys/files.ts";
import { OWN_VIEW, type View } from "../sys/view.ts";
import { normalize } from "../trace/path/place.ts";
import { currentDirectory } from "./directory.ts";
import { fromDirectory } from "./program.ts";

/**
 * Refuses a link that leads what a built-in policy allows beneath the working
 * directory out of it: whoever filled that may have put one there, and the policy
 * says where the program writes.
 *
 * @param layers the layers of policies
 * @param cwd the working directory, a real path
 * @param view where paths begin
 * @throws {PolicyError} where there is one
 */
export function mustStayInside(
  layers: readonly Layer[],
  cwd: string,
  view: View,
): void {
  for (const layer of layers) {
    if (!isPreset(layer)) continue;
    for (const section of PATH_SECTIONS) {
      for (const { pattern, ref } of layer[section].allow) {
        if (!ref.text.startsWith("${cwd}/")) continue;
        for (const real of outside(pattern, cwd, view)) {
          throw new PolicyError(
            `Cannot use policy "${ref.source}": "${ref.text}" leads to ${
              printable(real)
            }, out of the working directory`,
            { hint: "make it a directory, or extend another policy" },
          );
        }
      }
    }
  }
}

/** What may be done with a file, in words. */
const DONE = { read: "read", write: "written", run: "run" } as const;

/**
 * Says which links in the working directory lead what is allowed out of it. What
 * somebody has said himself is followed; that a checkout has such a link he may not
 * know.
 *
 * @param policy the merged policy
 * @param cwd the working directory, a real path
 * @param view where paths begin
 * @returns a text for each
 */
export function linksOut(
  policy: Pick<Policy, PathSection>,
  cwd: string,
  view: View,
): string[] {
  return PATH_SECTIONS.flatMap((section) => {
    const { allow } = policy[section];
    // A checkout can hold a copy, to be run, of all that may be read.
    const known = section === "run" ? [...allow, ...policy.read.allow] : allow;
    return allow.filter(({ pattern }) => isWithin(pattern, cwd)).flatMap((
      { pattern, ref },
    ) =>
      outside(pattern, cwd, view)
        // What others allow by its own path is no news.
        .filter((real) => !known.some((one) => covers(one, real)))
        .map((real) =>
          `${ref.text} is led out of the working directory by a link: ${
            printable(real)
          } may be ${DONE[section]}`
        )
    );
  });
}

/** Whether a rule means a path by itself, or by a directory around it. */
function covers({ pattern }: PathRule, real: string): boolean {
  return parseGlob(pattern).some((glob) =>
    glob.beneath && isWithin(real, `/${literalRoot(glob).join("/")}`)
  );
}

/**
 * Refuses an audit log that a link in the working directory leads out of it: whoever
 * filled that chose the file, and a program chooses words of each record.
 *
 * @param audit the log as it was named, a byte string
 * @returns its real path where it lies in the working directory, on which no link that
 *   comes by then is to be followed; `undefined` where it lies elsewhere
 * @throws {UsageError} where there is one
 */
export function logMustStayInside(audit: string): string | undefined {
  const { end, link } = endOf(audit);
  if (link === undefined) {
    // What is open already (/dev/fd/3) is reached by links of the kernel's alone.
    const isNamed = isWithin(end, currentDirectory()) &&
      !isWithin(end, "/proc");
    return isNamed ? end : undefined;
  }
  throw new UsageError(
    `Cannot use --audit: ${printable(link)} is a link that leads out of the ` +
      `working directory, to ${printable(end)}`,
    "if you mean that file, name it by its own path",
  );
}

/**
 * Says where a link leads the working directory of a run out of the one that jail was
 * started in: all that a policy means by it is elsewhere then.
 *
 * @param directory the directory as it was named, a byte string
 * @returns a text, where there is one
 */
export function cwdLedOut(directory: string): string | undefined {
  const { end, link } = endOf(directory);
  return link &&
    `--cwd=${
        toText(directory) ?? directory
      } is led out of the working directory by a link: ` +
      `the program works in ${printable(end)}`;
}

/** Where a path leads, and a link in the working directory that leads it out of that. */
function endOf(
  named: string,
): { readonly end: string; readonly link: string | undefined } {
  const cwd = currentDirectory();
  const path = fromDirectory(cwd, named);
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  const end = realRoot(names, (path) => OWN_VIEW.meant(path));
  if (isWithin(end, cwd)) return { end, link: undefined };
  const link = OWN_VIEW.links(path).find((place) =>
    isWithin(place, cwd) && typeof readLink(place) === "string"
  );
  // Somebody may have put one there for that moment.
  const hadLink = isWithin(normalize(path), cwd);
  return { end, link: link ?? (hadLink ? path : undefined) };
}

/** Where what a pattern begins with leads to, where that is not in a directory. */
function outside(pattern: string, directory: string, view: View): string[] {
  return parseGlob(pattern)
    .map((glob) => realRoot(literalRoot(glob), (path) => view.meant(path)))
    .filter((real) => !isWithin(real, directory));
}
