/** A policy file in, a layer out, or an error that says where the file is wrong. */

import { PolicyError } from "../../errors.ts";
import type { Layer } from "../policy.ts";
import { Fault } from "./fault.ts";
import { readLayer } from "./shape.ts";
import { placeOf, readPolicyText, TextFault } from "./text.ts";
import type { Variables } from "./variables.ts";

/** What {@linkcode parsePolicy} has to know besides the file. */
export interface ParseOptions {
  /** The file as the user named it, or the name of a built-in policy. */
  readonly source: string;
  /** What the variables stand for. */
  readonly variables: Variables;
  /** What they stand for in `root`; the same unless given. */
  readonly outside?: Variables | undefined;
  /**
   * Whether the text is jail's own. Any other is read by two parsers, and
   * refused where they could differ.
   */
  readonly trusted?: boolean | undefined;
  /** What a parser made of a text of jail's own; absent where none has read it. */
  readonly value?: unknown;
}

/**
 * Reads a policy, and none that it extends: {@linkcode loadPolicy} does.
 *
 * @param input the file, or its text
 * @param options whose it is
 * @returns the layer that it makes
 * @throws {PolicyError} when anything in it is not as it should be
 */
export async function parsePolicy(
  input: Uint8Array | string,
  options: ParseOptions,
): Promise<Layer> {
  const { source, variables, outside, trusted = false } = options;
  let text = typeof input === "string" ? input : "";
  try {
    const bytes = typeof input === "string"
      ? new TextEncoder().encode(input)
      : input;
    // What has been read before, of jail's own, need not be looked at again.
    text = options.value === undefined
      ? readPolicyText(bytes)
      : new TextDecoder().decode(bytes);
    const value = options.value ?? await readYaml(text, trusted);
    const layer = readLayer(value, { source, variables, outside });
    return { ...layer, sources: [{ name: source, text }] };
  } catch (error) {
    throw await asPolicyError(error, source, text);
  }
}

/** Reads a text; the parsers are loaded where one is needed. */
async function readYaml(text: string, trusted: boolean): Promise<unknown> {
  const { parseYaml } = await import("./yaml.ts");
  return trusted
    ? parseYaml(text)
    : (await import("./positions.ts")).readTwice(text, parseYaml);
}

/** The error that a person sees, with line and column. */
export async function asPolicyError(
  error: unknown,
  source: string,
  text: string,
): Promise<unknown> {
  if (error instanceof TextFault) return textError(error, source);
  if (error instanceof RangeError) {
    // The parser's own stack ran out.
    return textError(
      new TextFault("it is nested too deeply", text, undefined),
      source,
    );
  }
  const { locate, syntaxFault } = await import("./positions.ts");
  if (!(error instanceof Fault)) {
    return error instanceof SyntaxError
      ? textError(syntaxFault(error, text), source)
      : error;
  }
  const { message, hint } = error;
  const span = locate(text, error.keys, error.part);
  return textError(
    new TextFault(message, text, span?.offset, {
      length: span?.length ?? 1,
      hint,
    }),
    source,
  );
}

/** The same as {@linkcode asPolicyError} for what is known to the character. */
function textError(fault: TextFault, source: string): PolicyError {
  const { text, offset, length, hint } = fault;
  const message = `Cannot read policy "${source}": ${fault.message}`;
  if (offset === undefined || text === "") {
    return new PolicyError(message, { hint });
  }
  const { line, column, snippet } = placeOf(text, offset);
  return new PolicyError(message, {
    position: { file: source, line, column },
    snippet: snippet.length > 200 ? undefined : snippet,
    length,
    hint,
  });
}
