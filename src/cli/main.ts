/** The command: words in, exit code out. */

import metadata from "../../deno.json" with { type: "json" };
import { fromText } from "../abi/bytes.ts";
import { UnsupportedError } from "../errors.ts";
import { exitCode, type Outcome } from "../outcome.ts";
import { ownArguments } from "../sys/proc.ts";
import { dieOf } from "../sys/signals.ts";
import { parse } from "./args.ts";
import { print, stderrPaint, tell } from "./console.ts";
import { help, helpOf } from "./help.ts";
import { errorCode, errorText, limitText } from "./report.ts";

/**
 * Does what a command line asks for.
 *
 * When a signal ended the program, this process ends by the same signal, and
 * the promise does not settle.
 *
 * @param words `Deno.args`
 * @returns the exit code
 */
export async function main(words: readonly string[]): Promise<number> {
  try {
    return await act(byteStrings(words));
  } catch (error) {
    tell(errorText(error, stderrPaint()));
    return errorCode(error);
  }
}

async function act(words: readonly string[]): Promise<number> {
  const args = parse(words);
  switch (args.kind) {
    case "help":
      print(
        (args.about === undefined ? help(args.long) : helpOf(args.about))
          .trimEnd(),
      );
      return 0;
    case "version":
      print(`jail ${metadata.version}`);
      return 0;
    case "subcommand": {
      const { subcommand } = await import("./subcommand.ts");
      return await subcommand(args.name, args.words, args.cwd);
    }
    case "plan": {
      const { plan } = await import("./plan.ts");
      return await plan(args.request, args.named);
    }
    case "run": {
      const { runProgram } = await import("./run.ts");
      return end(await runProgram(args.request));
    }
  }
}

/** Ends as the program did. */
function end(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      break;
    case "signaled":
      dieOf(outcome.signal);
      break;
    case "killed-by-policy":
      dieOf(exitCode(outcome) - 128);
      break;
    case "limited":
      tell(limitText(outcome, stderrPaint()));
      break;
    case "failed":
      tell(errorText(new UnsupportedError(outcome.reason), stderrPaint()));
      break;
  }
  return exitCode(outcome);
}

/** The words byte for byte. Deno puts U+FFFD where they are not UTF-8. */
function byteStrings(words: readonly string[]): readonly string[] {
  return words.some((word) => word.includes("\ufffd"))
    ? ownArguments(words.length)
    : words.map(fromText);
}
