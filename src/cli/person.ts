/** The person at the terminal, asked in a run. */

import { SIGINT } from "../abi/signal.ts";
import type { Ask } from "../jail/ask.ts";
import { isPipe } from "../sys/pipe.ts";
import { kill } from "../sys/task/wait.ts";
import { converse } from "../sys/terminal.ts";
import { Questioner } from "./ask.ts";
import { tell } from "./console.ts";
import { saverFor } from "./save.ts";

/** What terminals call themselves that may show pictures, and all like xterm. */
const PICTURES_REGEXP = /^(?:ghostty|konsole|kitty|wezterm|xterm)/;

/** What is set where a terminal is one of GNU screen's, or far away. */
const HOLDING = ["STY", "SSH_CONNECTION", "SSH_TTY"];

/**
 * Whether what is written may be shown seconds later: what ssh(1) has on its way is
 * megabytes. Only a terminal that is called dumb does not say where its cursor is.
 */
function mayHold(terminal: string): boolean {
  return terminal !== "dumb" && terminal !== "" &&
    (terminal.startsWith("screen") ||
      HOLDING.some((name) => Deno.env.has(name)));
}

/**
 * Prepares to ask.
 *
 * @param policies the policies of the run as the user named them, byte strings
 * @param outputs the descriptors that the program can write to
 */
export async function askingPerson(
  policies: readonly string[],
  outputs: readonly number[],
): Promise<Ask> {
  const terminal = Deno.env.get("TERM") ?? "";
  const questioner = new Questioner(await saverFor(policies), {
    converse,
    piped: outputs.some(isPipe),
    pictures: PICTURES_REGEXP.test(terminal),
    holds: mayHold(terminal),
    now: Date.now,
    tell,
    interrupt,
  });
  return (question, caller) => questioner.ask(question, caller);
}

/** Does what the terminal would have done at Ctrl-C. */
function interrupt(group: number): void {
  if (group > 0) kill(-group, SIGINT);
}
