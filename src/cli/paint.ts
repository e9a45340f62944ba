/** Colours for a terminal, or none. */

// @ts-types="./colors.d.ts"
import * as colors from "@std/fmt/colors";

/** How parts of a message look. */
export interface Paint {
  /** The command's name in front of what went wrong. */
  readonly name: (text: string) => string;
  /** What is wrong in a line that is shown. */
  readonly mark: (text: string) => string;
  /** What to do about it. */
  readonly hint: (text: string) => string;
  /** Where something stands. */
  readonly place: (text: string) => string;
}

/** No colours. */
export const PLAIN: Paint = {
  name: String,
  mark: String,
  hint: String,
  place: String,
};

/** Colours. */
export const COLORED: Paint = {
  name: (text) => colors.bold(colors.red(text)),
  mark: colors.red,
  hint: colors.cyan,
  place: colors.dim,
};
