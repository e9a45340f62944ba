/** The help texts and the README's table, made from the flags. */

import {
  type Category,
  type Flag,
  FLAGS,
  RESERVED,
  type Subcommand,
  SUBCOMMANDS,
} from "./flags.ts";

const USAGE = `\
jail [options] [--] program [arg...]
Run a program, and everything that it starts, under a policy.`;

const TITLES: Readonly<Record<Category, string>> = {
  policy: "Policy",
  permissions: "Permissions, with Deno's meaning",
  refusals: "Refusals",
  program: "The program",
  jail: "The jail",
};

const EXIT_CODES = `\
Exit code:
  the program's own; when a signal ends it, jail ends by that signal
  125  jail itself failed        126  found but not executable
  127  not found                 159  ended by the policy (SIGSYS)
  124  ended at the time limit   123  ended at another limit`;

const EXAMPLES = `\
Examples:
  jail -- ls -l /
      Read the system and this directory, write nothing, no network.
  jail -R -W=build,/tmp -E=PATH --allow-run -- make
      These are allowed; what else it tries fails with EACCES.
  jail -p build --report -- make
      A built-in policy, and each refusal shown with its rule.`;

/**
 * What `-h` and `--help` print.
 *
 * @param long whether to say more of each flag
 */
export function help(long: boolean): string {
  const parts = [USAGE];
  for (const [category, title] of Object.entries(TITLES)) {
    const flags = FLAGS.filter((flag) => flag.category === category);
    parts.push([
      `${title}:`,
      ...flags.map(long ? longEntry : shortEntry),
    ].join("\n"));
  }
  parts.push(
    [
      "Other commands:",
      ...SUBCOMMANDS.map(long ? longSubcommand : shortSubcommand),
      wrap(`Kept for later: ${RESERVED.join(", ")}.`, "  ", 80),
    ].join("\n"),
  );
  parts.push(EXIT_CODES, ...(long ? [EXAMPLES] : []));
  return parts.join("\n\n") + "\n";
}

/**
 * What `jail help NAME` prints, and `jail NAME --help`.
 *
 * @param subcommand the subcommand
 */
export function helpOf({ name, args, doc, more }: Subcommand): string {
  return `${`jail ${name} ${args}`.trimEnd()}\n${doc}.\n\n${
    wrap(more, "", 80)
  }\n`;
}

/** The options as a Markdown table, for the README; what refuses has one row. */
export function optionsTable(): string {
  const rows = FLAGS.filter((flag) => !refuses(flag)).map((flag) =>
    `| ${spellings(flag).map(codeCell).join(" ")} | ${flag.doc} |`
  );
  const last = FLAGS.filter((flag) => !refuses(flag))
    .findLastIndex(({ category }) => category === "permissions");
  rows.splice(last + 1, 0, `| ${REFUSALS} |`);
  return ["| option | what it does |", "| --- | --- |", ...rows].join("\n");
}

const REFUSALS =
  "`--deny-…` `--ignore-…` | Refuse such things (EACCES), or hide them (ENOENT)";

function refuses({ name, category }: Flag): boolean {
  return category === "permissions" && /^(?:deny|ignore)-/.test(name);
}

function codeCell(text: string): string {
  return `\`${text.replaceAll("|", "\\|")}\``;
}

/** `-R` and `--allow-read[=PATH,…]`. */
function spellings(flag: Flag): string[] {
  const value = flag.value ?? "";
  const long = {
    nothing: `--${flag.name}`,
    value: `--${flag.name}=${value}`,
    optional: `--${flag.name}[=${value}]`,
  }[flag.takes];
  return flag.short === undefined ? [long] : [`-${flag.short}`, long];
}

const WIDTH = 30;

function shortEntry(flag: Flag): string {
  const names = flag.short === undefined
    ? `      ${spellings(flag)[0]}`
    : `  ${spellings(flag).join(", ")}`;
  return names.length < WIDTH
    ? names.padEnd(WIDTH) + flag.doc
    : `${names}\n${" ".repeat(WIDTH)}${flag.doc}`;
}

function longEntry(flag: Flag): string {
  const text = flag.more === undefined ? flag.doc : `${flag.doc}. ${flag.more}`;
  return `  ${spellings(flag).join(", ")}\n${wrap(text, "      ", 80)}`;
}

function shortSubcommand({ name, doc }: Subcommand): string {
  return `  jail ${name.padEnd(10)}${doc}`;
}

function longSubcommand({ name, args, doc }: Subcommand): string {
  return `  jail ${name} ${args}`.trimEnd() + `\n      ${doc}`;
}

/** Breaks text at spaces. */
function wrap(text: string, indent: string, width: number): string {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(" ")) {
    if (line.length + word.length > width) {
      lines.push(line.trimEnd());
      line = indent;
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}
