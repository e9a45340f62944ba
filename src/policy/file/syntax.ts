/** Errors of the parser of YAML, in words that help. */

import { shorten } from "./fault.ts";

/** What to do about errors of the parser, by how it words them. */
const SYNTAX_HINTS: readonly (readonly [RegExp, string])[] = [
  [/^Nested mappings/, 'put a text that has ": " in it in double quotes'],
  [
    /^Unexpected scalar/,
    "give each key a line of its own, all as far to the right",
  ],
  [/^Unexpected flow-/, "take it out, or open what it closes"],
];

/**
 * What a person has to know of an error that the parser found.
 *
 * @param code the kind of error
 * @param message how the parser words it
 * @param text the policy
 * @param offset the character where it is
 * @returns what is wrong, and what to do about it
 */
export function explain(
  code: string,
  message: string,
  text: string,
  offset: number,
): { message: string; hint?: string } {
  const rest =
    text.slice(text.lastIndexOf("\n", offset - 1) + 1).split("\n")[0] ??
      "";
  switch (code) {
    case "MULTIPLE_DOCS":
      return {
        message: "more than one document",
        hint: `write one policy per file, without "---" between`,
      };
    case "TAB_AS_INDENT":
      return { message: "a tab in the indentation", hint: "use spaces" };
    default: {
      // A list or a map that goes on to the end of the file, or further to the left.
      const end = /^Flow (?:map|sequence) .*end with an? ([\]}])$/.exec(
        message,
      );
      if (end !== null) {
        const [, close = ""] = end;
        const open = close === "]" ? "[" : "{";
        return {
          message: `"${open}" is not closed before here`,
          hint: `close it with "${close}"`,
        };
      }
      const [, quote] = /^Missing closing (["'])/.exec(message) ?? [];
      if (quote !== undefined) {
        return {
          message: "a text in quotes is not closed before here",
          hint: `close it with ${quote}`,
        };
      }
      const hint = /[[{,][^"']*\$\{/.test(rest) || /[:\-[,]\s*[@`%]/.test(rest)
        ? `put it in double quotes, as in ["\${cwd}/out"]`
        : SYNTAX_HINTS.find(([error]) => error.test(message))?.[1];
      const said = shorten(lowerFirst(message.split("\n")[0] ?? ""));
      return hint === undefined ? { message: said } : { message: said, hint };
    }
  }
}

/** A sentence of another's as it stands within one. */
export function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
