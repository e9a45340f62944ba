/** What it takes to start jail, beside Deno itself. */

import { DENO } from "../parts.ts";
import type { Place } from "./place.ts";
import { SOURCE, type Way } from "./ways.ts";

/** A file of Deno's that does nothing: what no command in it can start sooner than. */
const EMPTY = "empty.ts";

/** A policy in a file, which is read and checked at each start. */
const IN_FILE = "read.yaml";

/** Writes the files that {@linkcode startWays} run. */
export async function prepareStarts({ path }: Place): Promise<void> {
  await Deno.writeTextFile(`${path}/${EMPTY}`, "");
  await Deno.writeTextFile(
    `${path}/${IN_FILE}`,
    'extends: minimal\nread: ["${cwd}/data"]\nenv: [LANG]\n',
  );
}

/**
 * Ways to start a program that does nothing; the first is Deno alone.
 *
 * @param jail the words that run jail as it is measured
 * @param kind what that is, in a word or two
 */
export function startWays(
  jail: readonly string[],
  kind: string,
): readonly Way[] {
  const way = (name: string, words: readonly string[]): Way => ({
    ...{ name, enforces: "", prefix: () => words },
  });
  return [
    way("deno run of an empty file", [DENO, "run", "-A", EMPTY]),
    way(`jail -p minimal, ${kind}`, [...jail, "-p", "minimal", "--"]),
    way(`jail -p FILE, ${kind}`, [...jail, "-p", `./${IN_FILE}`, "--"]),
    way("jail -p minimal, from its sources", [
      ...[...SOURCE, "-p", "minimal", "--"],
    ]),
  ];
}
