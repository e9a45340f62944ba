/** Runs a program, and reports and logs what the policy decides. */

import { printable, toText } from "../abi/bytes.ts";
import { isErrnoName } from "../abi/errno.ts";
import { SIGXFSZ } from "../abi/signal.ts";
import { LaunchError, SystemCallError, UsageError } from "../errors.ts";
import { cwdLedOut, logMustStayInside } from "../jail/inside.ts";
import { run, type RunRequest } from "../jail/run.ts";
import type { Outcome } from "../outcome.ts";
import { outlive } from "../sys/signals.ts";
import { AuditLog } from "./audit.ts";
import { prepareToTell, stderrPaint, tell, tellRest } from "./console.ts";
import { Denials } from "./denials.ts";
import { killText, safe } from "./report.ts";
import { statsLine, statsText } from "./stats.ts";

/**
 * Runs a program under a policy.
 *
 * @param request what to run, and how
 * @returns how it ended
 * @throws {Error} when it could not be started, or not be watched any more
 */
export async function runProgram(request: RunRequest): Promise<Outcome> {
  // Of the report, the log, or what is in memory.
  outlive(SIGXFSZ);
  prepareToTell();
  const paint = stderrPaint();
  const warn = (text: string): void =>
    tell(`${paint.name("jail:")} ${safe(text)}`);
  enter(request.cwd, warn);
  const log = request.audit === undefined
    ? undefined
    : AuditLog.open(request.audit, {
      ...{ optional: request.auditOptional, warn },
      inside: logMustStayInside(request.audit),
    });
  const denials = request.report ? new Denials(paint) : undefined;
  const ask = request.onDeny === "ask"
    ? await (await import("./person.ts"))
      .askingPerson(request.policies, [1, 2, ...request.keepFds])
    : undefined;
  let shown = false;
  try {
    const outcome = await run(request, {
      observe: (event, locate): void => {
        const position = locate(event.decision.rule);
        log?.record(event, position);
        const text = denials?.add(event, position);
        if (text === undefined) return;
        tell(text);
        shown ||= event.decision.kind === "refuse" &&
          event.decision.refusal.kind === "kill";
      },
      measured: (usage): void =>
        tell(
          request.stats === "json" ? statsLine(usage) : statsText(usage, paint),
        ),
      ask,
      warn,
    });
    log?.ended(outcome);
    // What --report has shown by now is not said again.
    if (outcome.kind === "killed-by-policy" && !shown) {
      tell(killText(outcome, paint));
    }
    return outcome;
  } catch (error) {
    log?.failed(error instanceof Error ? error.message : String(error));
    throw error instanceof LaunchError ? hinted(error, request) : error;
  } finally {
    log?.close();
    const summary = denials?.summary();
    if (summary !== undefined) tell(summary);
    tellRest();
  }
}

/** Says what a command line may have been meant for, whose program is not there. */
function hinted(
  error: LaunchError,
  { program, args }: RunRequest,
): LaunchError {
  const { call, errno, exitCode } = error;
  if (errno !== "ENOENT" || args.length === 0) return error;
  const name = printable(program);
  // As in `deno run`, and as in `jail -R src -- ls`.
  const hint = program === "run"
    ? 'leave out "run": jail -- program'
    : args.includes("--")
    ? `${name} is taken for the program: the value of a flag needs a "="`
    : error.hint;
  return new LaunchError(name, call, errno, exitCode, hint);
}

/**
 * Makes a directory the working directory, of this process and so of the
 * program. Names of policies and logs are then relative to it as well.
 *
 * @param directory a byte string, or `undefined` to stay
 * @param warn told where a link in the directory before leads out of that
 */
export function enter(
  directory: string | undefined,
  warn: (text: string) => void = () => {},
): void {
  if (directory === undefined) return;
  const text = toText(directory);
  if (text === undefined) {
    throw new UsageError(
      `Cannot use --cwd=${printable(directory)}: it is not UTF-8`,
    );
  }
  try {
    const led = cwdLedOut(directory);
    Deno.chdir(text);
    if (led !== undefined) warn(led);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (typeof code !== "string" || !isErrnoName(code)) throw error;
    throw new SystemCallError(
      `work in ${printable(directory)}`,
      "chdir()",
      code,
      "name a directory that you may enter",
    );
  }
}
