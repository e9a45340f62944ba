/** Names of hosts: how rules write them, and which ones a rule means. */

import { GlobError } from "../path/glob.ts";

/** The longest name, without the dot at its end: RFC 1035, 2.3.4. */
const MOST = 253;

/** Letters, digits, hyphens, and the underscore that services begin with. */
const LABEL_REGEXP = /^[A-Za-z0-9_-]{1,63}$/;

/** What the C library reads as an address, and URLs as well: `0x7f.1`, `1.2`. */
const NUMBER_REGEXP = /^(?:[0-9]+|0x[0-9a-f]*)$/i;

/** Names that a rule means. */
export interface HostPattern {
  /** The name, as {@linkcode hostName} writes it. */
  readonly name: string;
  /** Whether all names beneath it are meant as well. */
  readonly wildcard: boolean;
}

/**
 * The one way to write a name.
 *
 * @param text a name: upper case and a dot at its end make no difference
 * @returns it in lower case without the dot; `undefined` where it is no name of
 *   a host: too long, with other characters, or read as an address by some
 */
export function hostName(text: string): string | undefined {
  const name = text.replace(/\.$/, "");
  const labels = name.split(".");
  return name.length <= MOST &&
      labels.every((label) => LABEL_REGEXP.test(label)) &&
      !NUMBER_REGEXP.test(labels.at(-1) as string)
    ? name.toLowerCase()
    : undefined;
}

/**
 * Reads the host of a rule.
 *
 * @param text a name, or `*.` and a name
 * @returns the names that are meant; `undefined` where it is no name
 * @throws {GlobError} where it could be written as one
 */
export function parseHost(text: string): HostPattern | undefined {
  const wildcard = text.startsWith("*.");
  const plain = wildcard ? text.slice(2) : text;
  if (plain.includes("*")) {
    throw new GlobError(
      `"${text}" has a "*" where none can be`,
      `"*.example.org" means example.org and all names beneath it`,
    );
  }
  if (/^[0-9]+(?:\.[0-9]+)*(?:\.x)+$/i.test(plain)) {
    throw new GlobError(
      `"${text}" would be the name of a host`,
      "write addresses that begin alike by a prefix, such as 192.168.0.0/16",
    );
  }
  const name = hostName(plain);
  if (name !== undefined) return { name, wildcard };
  const ascii = asciiName(plain);
  if (ascii === undefined) return undefined;
  throw new GlobError(
    `"${text}" is not how DNS writes the name`,
    `write "${wildcard ? "*." : ""}${ascii}"`,
  );
}

/** A name with other letters, as DNS has it: RFC 5891. */
function asciiName(name: string): string | undefined {
  if (/^[\0-\x7f]*$/.test(name)) return undefined;
  const url = `http://${name}/`;
  return URL.canParse(url) ? hostName(new URL(url).hostname) : undefined;
}

/**
 * Whether a rule means a name. As with Deno, `*.example.org` means example.org
 * too.
 *
 * @param pattern what the rule says
 * @param name a name, as {@linkcode hostName} writes it
 */
export function isMeant(
  { name: own, wildcard }: HostPattern,
  name: string,
): boolean {
  return name === own || wildcard && name.endsWith(`.${own}`);
}
