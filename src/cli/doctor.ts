/** `jail doctor`: what this machine can enforce, on one screen. */

import { printable } from "../abi/bytes.ts";
import { UsageError } from "../errors.ts";
import { type Diagnosis, examine } from "../jail/doctor.ts";
import type { Finding } from "../jail/findings.ts";
import { print, stdoutPaint } from "./console.ts";
import type { Paint } from "./paint.ts";
import { safe } from "./report.ts";

/**
 * Examines the machine, and says what was found.
 *
 * @param words none
 * @returns the exit code: 0 where programs can be jailed here
 * @throws {UsageError} when there are words
 */
export async function doctor(words: readonly string[]): Promise<number> {
  const [word] = words;
  if (word !== undefined) {
    throw new UsageError(
      `Cannot use ${printable(word)}: jail doctor takes no arguments`,
      "write jail doctor alone",
    );
  }
  const diagnosis = await examine();
  print(diagnosisText(diagnosis, stdoutPaint()));
  return diagnosis.healthy ? 0 : 1;
}

const MARKS = { good: "✓", bad: "✗", note: "·" } as const;

/** A diagnosis as a person reads it. */
function diagnosisText(diagnosis: Diagnosis, paint: Paint): string {
  const { findings, healthy, byKernel } = diagnosis;
  const width = Math.max(...findings.map(({ name }) => name.length));
  return [
    ...findings.flatMap((finding) => lines(finding, width, paint)),
    "",
    healthy ? "Programs can be jailed on this machine." : paint.mark(
      byKernel
        ? "Programs can be jailed on this machine by --engine=kernel alone."
        : "Programs cannot be jailed on this machine.",
    ),
  ].join("\n");
}

function lines(
  { name, state, found, follows, change }: Finding,
  width: number,
  paint: Paint,
): string[] {
  const what = safe(follows === "" ? found : `${found}: ${follows}`);
  const mark = state === "bad" ? paint.mark(MARKS.bad) : MARKS[state];
  const word = state === "bad" ? `${paint.mark("no")}, ` : "";
  return [
    `${mark} ${name.padEnd(width)}  ${word}${what}`,
    ...change === undefined
      ? []
      : [`  ${" ".repeat(width)}  ${paint.hint("to change:")} ${safe(change)}`],
  ];
}
