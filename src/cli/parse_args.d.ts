/** Types of `parseArgs()` of @std/cli, as far as they are used here. */

/** What words mean. */
export interface ParseOptions {
  /** Names that are true or false. */
  readonly boolean?: readonly string[];
  /** Names whose value stays text. */
  readonly string?: readonly string[];
  /** Names that add up to an array. */
  readonly collect?: readonly string[];
  /** Whether the first word that is no option ends the options. */
  readonly stopEarly?: boolean;
  /** Called for what is not declared. */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** Parses words. */
export function parseArgs(
  args: string[],
  options: ParseOptions,
): Readonly<Record<string, unknown>>;
