/** Words a refusal or an error for a person. Nothing here reaches a terminal raw. */

import { escapeText, printable } from "../abi/bytes.ts";
import {
  LaunchError,
  PolicyError,
  type Position,
  SystemCallError,
  UnsupportedError,
  UsageError,
} from "../errors.ts";
import { EXIT_JAIL_FAILED, type Outcome } from "../outcome.ts";
import { namedPath } from "../policy/call.ts";
import type { Refusal, RuleRef } from "../policy/decision.ts";
import { amountText } from "../policy/limits.ts";
import { endpointText } from "../policy/net/endpoint.ts";
import type { Observation } from "../trace/options.ts";
import type { Paint } from "./paint.ts";

/**
 * Words a refusal: the call, and the rule that refused it.
 *
 * @param event a decision that refuses
 * @param position where its rule stands, if that is known
 * @param paint the colours
 * @returns two or three lines, with no newline at the end
 */
export function denialText(
  event: Observation,
  position: Position | undefined,
  paint: Paint,
): string {
  const { decision } = event;
  if (decision.kind === "allow") return "";
  const lines = [
    `${paint.name("jail:")} denied ${safe(event.text)} ${
      withWhat(decision.refusal)
    }`,
  ];
  const { uses } = event.call;
  const use = uses[decision.use];
  const shown = new Set(
    uses.map(namedPath).filter((path) => event.text.includes(printable(path))),
  );
  // Of two names in the call it may be either.
  const text = shown.size > 1 ? "" : event.text;
  lines.push(...realPath(text, use && namedPath(use)));
  // Not the first of several messages, a link, or an address that means another.
  const end = event.call.net?.[decision.end ?? -1];
  if (end !== undefined) {
    const text = endpointText(end.endpoint);
    if (!event.text.includes(text)) lines.push(`  ${end.access} ${text}`);
  }
  const isUnsaid = decision.uncovered === true || isUnsaidName(event);
  const flag = isUnsaid ? remedy(event) : "";
  lines.push(`  ${ruleText(decision.rule, position, paint)}${flag}`);
  return lines.join("\n");
}

/** Whether no rule speaks of the name of a host, of which nobody is asked. */
function isUnsaidName({ call, decision }: Observation): boolean {
  return call.net?.[0]?.endpoint.family === "name" &&
    decision.rule.keys[0] === "default";
}

/** What to do where no rule speaks of it, which a policy's `unseen` does not say. */
function remedy(event: Observation): string {
  const isSaid = event.decision.rule.source === "jail";
  return `; ${isSaid ? "" : "no rule allows it, "}${flagFor(event)} would`;
}

/** The flag that allows such things, where no rule speaks of them. */
function flagFor({ call, decision }: Observation): string {
  const use = decision.kind === "allow" ? undefined : call.uses[decision.use];
  switch (use?.access) {
    case undefined:
      return "--allow-net";
    case "write":
    case "run":
      return `--allow-${use.access}`;
    case "stat":
    case "read":
    case "load":
      return "--allow-read";
  }
}

/** A relative name or a link hides which file is meant. */
function realPath(text: string, path: string | undefined): string[] {
  return path === undefined || text.includes(printable(path))
    ? []
    : [`  real path ${printable(path)}`];
}

function withWhat(refusal: Refusal): string {
  switch (refusal.kind) {
    case "errno":
      return `with ${refusal.errno}`;
    case "kill":
      return "with SIGSYS for the whole jail";
    case "signal":
      return `with EPERM and ${refusal.signal}`;
    case "return":
      return `and returned ${refusal.value}`;
  }
}

/**
 * Words a rule: `build.yaml:14  deny: /etc/shadow`, or `--deny-read=/etc/shadow`.
 *
 * @param rule the rule
 * @param position where it stands, if that is known
 * @param paint the colours
 */
export function ruleText(
  rule: RuleRef,
  position: Position | undefined,
  paint: Paint,
): string {
  const text = cut(safe(rule.text));
  const source = safe(rule.source);
  if (rule.source.startsWith("--")) {
    const whole = text === "" || text.startsWith("--");
    return whole ? text || source : `${source}=${text}`;
  }
  // What jail itself holds stands in no file; its key would tell nothing.
  if (rule.source === "jail") return `${paint.place(source)}  ${text}`;
  const key = rule.keys.findLast((part) => typeof part === "string");
  const said = key === undefined || text.startsWith(`${key}:`)
    ? text
    : `${safe(key)}: ${text}`;
  return `${paint.place(safe(placeText(rule, position)))}  ${said}`;
}

/**
 * Words where a rule stands: `build.yaml:14`, or what it is part of.
 *
 * @param rule the rule
 * @param position where it stands, if that is known
 */
export function placeText(
  { source }: RuleRef,
  position: Position | undefined,
): string {
  return position === undefined ? source : `${position.file}:${position.line}`;
}

/**
 * Words an error, with the line of the policy that is wrong and a hint.
 *
 * @param error what was thrown
 * @param paint the colours
 * @returns one or more lines, with no newline at the end
 */
export function errorText(error: unknown, paint: Paint): string {
  const parts = [`${paint.name("jail:")} ${cut(safe(messageOf(error)))}`];
  if (error instanceof PolicyError) {
    const excerpt = excerptOf(error, paint);
    if (excerpt !== undefined) parts.push(excerpt);
  }
  const hint = hintOf(error);
  if (hint !== undefined) parts.push(`${paint.hint("hint:")} ${safe(hint)}`);
  return parts.join("\n\n");
}

/**
 * Words the end of a jail that used more than a limit.
 *
 * @param outcome how it ended
 * @param paint the colours
 * @returns one line, with no newline at the end
 */
export function limitText(
  outcome: Extract<Outcome, { readonly kind: "limited" }>,
  paint: Paint,
): string {
  const { limit, most, used, rule, position, program, pid } = outcome;
  const share = limit === "time" ? "" : ", most of it";
  // Until its exec it is no program yet.
  const whose = pid === 0
    ? ""
    : program === ""
    ? `${share} by process ${pid}`
    : `${share} by ${printable(program)} (process ${pid})`;
  const place = position === undefined
    ? rule.source
    : `${position.file}:${position.line}:${position.column}`;
  return `${paint.name("jail:")} ended at its ${limit} limit of ` +
    `${amountText(limit, most)} (${safe(place)}): ` +
    `${amountText(limit, used, most)} used${whose}`;
}

/**
 * Words the end of a jail by its policy.
 *
 * @param outcome how it ended
 * @param paint the colours
 * @returns two or three lines, with no newline at the end
 */
export function killText(
  outcome: Extract<Outcome, { readonly kind: "killed-by-policy" }>,
  paint: Paint,
): string {
  const { call, path, rule, position } = outcome;
  return [
    `${paint.name("jail:")} ended by the policy: ${safe(call)}`,
    ...realPath(call, path),
    `  ${ruleText(rule, position, paint)}`,
  ].join("\n");
}

/** The exit code that an error gives the command. */
export function errorCode(error: unknown): number {
  return error instanceof LaunchError ? error.exitCode : EXIT_JAIL_FAILED;
}

function isExpected(error: unknown): error is Error & { hint?: string } {
  return error instanceof PolicyError || error instanceof SystemCallError ||
    error instanceof UnsupportedError || error instanceof UsageError;
}

function messageOf(error: unknown): string {
  if (isExpected(error)) return error.message;
  const message = error instanceof Error ? error.stack ?? error.message : error;
  return `Cannot go on: ${message}`;
}

function hintOf(error: unknown): string | undefined {
  if (isExpected(error)) return error.hint;
  return "this is a mistake in jail: report it with the line above";
}

const GUTTER = 5;
const EXCERPT = 72;

/** The wrong line, and marks under what is wrong in it. */
function excerptOf(error: PolicyError, paint: Paint): string | undefined {
  const { position, snippet } = error;
  if (position === undefined || snippet === undefined) return undefined;
  // Of a very long line, show what is around the mistake.
  const column = position.column - 1;
  const start = snippet.length <= EXCERPT ? 0 : Math.max(0, column - 20);
  const shown = oneCellEach(snippet.slice(start, start + EXCERPT));
  const length = Math.max(
    1,
    Math.min(error.length, shown.length - (column - start)),
  );
  const number = String(position.line).padStart(GUTTER);
  const indent = " ".repeat(number.length + 3 + column - start);
  return `${number} | ${shown}\n${indent}${paint.mark("^".repeat(length))}`;
}

// Keeps columns: what cannot be shown becomes one character.
function oneCellEach(line: string): string {
  return Array.from(
    { length: line.length },
    (_, at) => {
      const char = line.charAt(at);
      if (char === "\t") return " ";
      return safe(char) === char ? char : "\u00b7";
    },
  ).join("");
}

/** Text in which control and invisible characters are spelt out. */
export function safe(text: string): string {
  // escapeText() escapes quotes and backslashes as well, which are harmless here.
  return escapeText(text).replace(/\\(["\\])/g, "$1");
}

const LONGEST = 4000;

function cut(text: string): string {
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}
