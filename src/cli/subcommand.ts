/** The words that do something else than run a program. */

import { printable } from "../abi/bytes.ts";
import { PolicyError, UsageError } from "../errors.ts";
import { builtInPolicies, checkPolicy } from "../jail/policies.ts";
import { didYouMean } from "../policy/file/similar.ts";
import { print, stderrPaint, tell } from "./console.ts";
import { errorText, safe } from "./report.ts";
import { enter } from "./run.ts";

/**
 * Does what a subcommand asks for.
 *
 * @param name the subcommand
 * @param words what follows it, as byte strings
 * @param cwd the directory that names are looked up from, if not this one
 * @returns the exit code
 * @throws {UsageError} when its words make no sense
 */
export async function subcommand(
  name: string,
  words: readonly string[],
  cwd: string | undefined,
): Promise<number> {
  enter(cwd);
  switch (name) {
    case "policies":
      return policies(words);
    case "check":
      return await check(words);
    case "doctor":
      return await (await import("./doctor.ts")).doctor(words);
  }
  throw new Error(`Cannot do "jail ${name}": there is no code for it`);
}

/** Lists the built-in policies, each with its sentence, or shows what one says. */
function policies(words: readonly string[]): number {
  const all = builtInPolicies();
  const [word, more] = words;
  if (word !== undefined) {
    if (more !== undefined) {
      throw new UsageError(
        `Cannot use ${printable(more)}: jail policies shows one at a time`,
        "name one alone",
      );
    }
    const policy = all.find(({ name }) => name === word);
    if (policy === undefined) {
      throw new UsageError(
        `Cannot show ${printable(word)}: it is no built-in policy`,
        didYouMean(word, all.map(({ name }) => name)) ??
          "write jail policies alone, which lists them",
      );
    }
    print(policy.text.trimEnd());
    return 0;
  }
  const width = Math.max(...all.map(({ name }) => name.length));
  for (const { name, summary } of all) {
    print(`${name.padEnd(width)}  ${summary}`);
  }
  return 0;
}

/** Says what is wrong with each policy, and what is in doubt; 1 if something is wrong. */
async function check(words: readonly string[]): Promise<number> {
  if (words.length === 0) {
    throw new UsageError(
      "Cannot check anything: no policy was named",
      "write jail check policy.yaml",
    );
  }
  let code = 0;
  for (const word of words) {
    try {
      for (const doubt of await checkPolicy(word)) {
        tell(`${stderrPaint().name("jail:")} ${safe(doubt)}`);
      }
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      tell(errorText(error, stderrPaint()));
      code = 1;
    }
  }
  return code;
}
