/**
 * The command as one script, for a compiled file: V8 takes what it made of a script
 * before, which for modules it only does from a directory that others may write in.
 */

import { Script } from "node:vm";
import type { main } from "../../src/cli/main.ts";

/** The script, as `bundleScript()` makes it. */
export const SCRIPT = "jail.js";

/** What V8 made of it in a run of `warm.ts`: a part of the compiled file. */
export const CODE = "jail.code";

/** The command, ready to be called. */
export interface Command {
  /** What it was made of. */
  readonly script: Script;
  /** `main()` of the command. */
  readonly main: typeof main;
}

/**
 * Makes the command of the script beside this file.
 *
 * @param cachedData what V8 made of it; it compiles anew what is not of its version
 */
export function command(cachedData?: Uint8Array<ArrayBuffer>): Command {
  const filename = beside(SCRIPT);
  const script = new Script(Deno.readTextFileSync(filename), {
    filename: SCRIPT,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return { script, main: script.runInThisContext()(import.meta.url) };
}

/** A file beside this one. */
export function beside(name: string): URL {
  return new URL(name, import.meta.url);
}
