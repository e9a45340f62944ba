/** `jail plan`: which mechanism enforces each rule of a policy, and how well. */

import { printable } from "../abi/bytes.ts";
import { LaunchError, UsageError } from "../errors.ts";
import { planPolicy, type PolicyPlan } from "../jail/plan.ts";
import type { RunRequest } from "../jail/run.ts";
import type { RuleRef } from "../policy/decision.ts";
import type { GradedRule } from "../policy/grade.ts";
import type { Unheld } from "../policy/plan/unasked.ts";
import { print, stderrPaint, tell } from "./console.ts";
import { errorText, placeText, safe } from "./report.ts";
import { enter } from "./run.ts";

/**
 * Shows the plan of a run.
 *
 * @param request what would run, under what
 * @param named whether the program was named, or any will do
 * @returns the exit code: 1 where the policy is strict and a rule is not
 * @throws {UsageError} where the program has to be named
 */
export async function plan(
  request: RunRequest,
  named: boolean,
): Promise<number> {
  const warn = (text: string): void =>
    tell(`${stderrPaint().name("jail:")} ${safe(text)}`);
  enter(request.cwd, warn);
  const found = await planned(request, named);
  print(planText(found, request.onDeny));
  found.doubts.forEach(warn);
  if (found.notStrict === undefined) return 0;
  tell(errorText(found.notStrict, stderrPaint()));
  return 1;
}

/** Plans; in a root directory there may be nothing by the name of any program. */
async function planned(
  request: RunRequest,
  named: boolean,
): Promise<PolicyPlan> {
  try {
    return await planPolicy(request);
  } catch (error) {
    if (named || !(error instanceof LaunchError)) throw error;
    throw new UsageError(
      `Cannot plan for ${printable(request.program)}, which is not there`,
      "name the program: jail plan policy.yaml program",
    );
  }
}

/** A plan as a person reads it. */
function planText(found: PolicyPlan, onDeny: RunRequest["onDeny"]): string {
  const unheld = new Set<RuleRef | undefined>(
    found.unheld?.map(({ rule }) => rule),
  );
  const rows = found.rules.map((rule) =>
    rowOf(rule, found, found.unheld !== undefined && !unheld.has(rule.ref))
  );
  const { allowed, sifted, stopped, answered, refused } = found.calls;
  return [
    ...columns([HEAD, ...rows]),
    "",
    "grade     R0 registers decide; R1 pinned, answered, or in the kernel; R2 looked at again; R3 best effort",
    `landlock  ${
      found.abi === 0
        ? "this kernel has none: the stops hold everything"
        : `ABI ${found.abi}; how much it holds besides the stops`
    }`,
    `calls     ${allowed} pass in the filter, ${sifted} by their arguments, ` +
    `${stopped} may stop, ${answered} are answered, ${refused} are refused`,
    `watched   ${found.watched.stopped} may stop with --report, --audit, ` +
    "--stats or --on-deny=kill: refusals do, too",
    ...onDeny === "kill" ? [KILL] : [],
    ...answered > 0
      ? [
        "answers   jail looks at files, and opens them for reading, in the " +
        "program's place; but for /proc, devices and pipes",
      ]
      : [],
    ...kernelText(found),
    "files     come to jail by every name: whether it is seen, a device, a " +
    "terminal, a pipe, or a process outside, Landlock does not know",
    `program   ${printable(found.program)}`,
    ...found.root === undefined
      ? []
      : [`root      ${printable(found.root)}, by a ${found.rootKind}`],
    `drops     ${
      found.dropped.length === 0
        ? "none of this environment's variables"
        : found.dropped.map(safe).join(" ")
    }`,
  ].join("\n");
}

const KILL =
  "kill      a file, an address or a name that is refused ends the jail; what is " +
  "refused by its number or its flags fails, unless calls says kill";

const HEAD = ["WHERE", "RULE", "", "BY", "GRADE", "KERNEL", "LANDLOCK"];

function rowOf(
  rule: GradedRule,
  found: PolicyPlan,
  heldByKernel: boolean,
): string[] {
  const { section, effect, text, held, mechanisms, grade } = rule;
  return [
    whereOf(rule, found),
    effect === "allow" ? section : `${section} ${effect}`,
    text,
    mechanisms.join("+"),
    grade,
    heldByKernel ? "yes" : "no",
    held === undefined
      ? ""
      : held.why === ""
      ? held.extent
      : `${held.extent}: ${held.why}`,
  ];
}

/** What `--engine=kernel` does with a policy. */
function kernelText(
  { beyond, unheld, stricter, locate }: PolicyPlan,
): string[] {
  if (unheld === undefined) {
    return [`kernel    --engine=kernel cannot ${beyond}`];
  }
  const lines = (rules: readonly Unheld[]): string[] =>
    rules.map(({ rule, why }) => {
      const where = placeText(rule, locate(rule));
      return `          ${safe(`${where}: ${rule.text}: ${why}`)}`;
    });
  if (unheld.length === 0) {
    return [
      "kernel    --engine=kernel holds it all and asks nobody: what is not " +
      "allowed is not there",
      ...lines(stricter),
    ];
  }
  return [
    "kernel    --engine=kernel does not hold it, so it does not run:",
    ...lines(unheld),
  ];
}

/** `file:line`, the flag, or nothing. */
function whereOf({ ref }: GradedRule, { locate }: PolicyPlan): string {
  return ref === undefined ? "" : placeText(ref, locate(ref));
}

/** What is longer than this does not make its whole column wide. */
const WIDEST = 40;

/** Lines with their columns one under the other. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(
      ...rows.map((row) => row[column]?.length ?? 0)
        .filter((length) => length <= WIDEST),
    )
  );
  return rows.map((row) =>
    safe(
      row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")
        .trimEnd(),
    )
  );
}
