/** Values of flags, or of a permission set in a file, that make no sense. */

import { type UnsupportedError, UsageError } from "../../errors.ts";
import type { RuleRef } from "../decision.ts";
import { GlobError } from "../path/glob.ts";
import { asFault } from "./fault.ts";
import type { FlagOptions } from "./flags.ts";

/**
 * Does something with a value, or says what is wrong with it.
 *
 * @param ref where it stands
 * @param options whether that is a file, whose lines a message can name
 * @param use what to do
 * @param Wrong the error that a flag gets
 * @returns what `use` returned
 * @throws {Fault} where `use` throws a `GlobError`, and the value is a file's
 * @throws {UsageError} or the other error, where it is a flag's
 */
export function understood<Result>(
  ref: RuleRef,
  options: Pick<FlagOptions, "ref">,
  use: () => Result,
  Wrong: typeof UsageError | typeof UnsupportedError = UsageError,
): Result {
  try {
    return use();
  } catch (error) {
    if (!(error instanceof GlobError)) throw error;
    if (options.ref !== undefined) throw asFault(error, ref.keys);
    throw new Wrong(`Cannot use ${ref.text}: ${error.message}`, error.hint);
  }
}
