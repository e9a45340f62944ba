/**
 * Prints the table of calls for the documents, made from the code's own.
 *
 * ```sh
 * deno run scripts/calls.ts            # Markdown
 * deno run scripts/calls.ts --text     # columns
 * ```
 *
 * @module
 */

import {
  GROUPS,
  type Syscall,
  type SyscallClass,
  SYSCALLS,
} from "../src/abi/syscalls.ts";

const HEADER = ["call", "x86-64", "arm64", "group", "class", "arguments"];
const NUMERIC: ReadonlySet<number> = new Set([1, 2]);
const CLASSES: readonly SyscallClass[] = [
  "unrestricted",
  "checked",
  "virtual",
  "forbidden",
];

function cells(call: Syscall): string[] {
  return [
    call.name,
    `${call.x86_64 ?? ""}`,
    `${call.aarch64 ?? ""}`,
    call.group,
    call.kind,
    call.args.join(", "),
  ];
}

/**
 * The table in columns, for a terminal.
 *
 * @param calls the calls, in the order of the rows
 * @returns lines, the last one ended too
 */
export function asText(calls: readonly Syscall[]): string {
  const rows = [HEADER, ...calls.map(cells)];
  const widths = HEADER.map((_, i) =>
    Math.max(...rows.map((row) => row[i]?.length ?? 0))
  );
  return rows.map((row) =>
    row.map((cell, i) =>
      NUMERIC.has(i)
        ? cell.padStart(widths[i] ?? 0)
        : cell.padEnd(widths[i] ?? 0)
    ).join("  ").trimEnd() + "\n"
  ).join("");
}

/**
 * The table in Markdown.
 *
 * @param calls the calls, in the order of the rows
 * @returns lines, the last one ended too
 */
export function asMarkdown(calls: readonly Syscall[]): string {
  const rule = HEADER.map((_, i) => NUMERIC.has(i) ? "---:" : "---");
  const rows = calls.map((call) => {
    const [name, x86_64, arm64, group, kind] = cells(call);
    const args = call.args.map((arg) => `\`${arg}\``).join(", ");
    return [`\`${name}\``, x86_64, arm64, `\`@${group}\``, kind, args];
  });
  return [HEADER, rule, ...rows]
    .map((row) => `| ${row.join(" | ")} |\n`)
    .join("");
}

/**
 * One sentence that counts the calls.
 *
 * @param calls the calls
 * @returns the sentence, with a period
 */
export function summary(calls: readonly Syscall[]): string {
  const counts = CLASSES.map((kind) =>
    `${calls.filter((call) => call.kind === kind).length} ${kind}`
  );
  return `${calls.length} calls in ${GROUPS.length} groups: ${
    counts.join(", ")
  }.`;
}

function main(args: readonly string[]): void {
  const calls = Object.values(SYSCALLS);
  const table = args.includes("--text") ? asText(calls) : asMarkdown(calls);
  const bytes = new TextEncoder().encode(`${summary(calls)}\n\n${table}`);
  for (let at = 0; at < bytes.length;) {
    at += Deno.stdout.writeSync(bytes.subarray(at));
  }
}

if (import.meta.main) main(Deno.args);
