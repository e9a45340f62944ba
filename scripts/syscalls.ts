/**
 * Compares the table of calls with the kernel headers of this machine.
 *
 * ```sh
 * deno run --allow-read scripts/syscalls.ts [x86_64=HEADER] [aarch64=HEADER]
 * ```
 *
 * Without arguments it reads those headers of linux-libc-dev that are there:
 * each architecture's own, and `asm-generic/unistd.h`, which arm64 follows.
 * Every difference is a line, and any of them makes the exit code 1.
 *
 * @module
 */

import { type ArchName, isSyscallName, SYSCALLS } from "../src/abi/syscalls.ts";

/** A header, and the architecture whose numbers are in it. */
type Source = readonly [arch: ArchName, header: string];

const HEADERS: readonly Source[] = [
  ["x86_64", "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"],
  ["x86_64", "/usr/lib/linux/uapi/x86/asm/unistd_64.h"],
  ["aarch64", "/usr/lib/linux/uapi/arm64/asm/unistd_64.h"],
  ["aarch64", "/usr/include/asm-generic/unistd.h"],
];

/** What `arch/arm64/include/uapi/asm/unistd.h` and its word size define. */
const ARM64: Readonly<Record<string, string>> = {
  __BITS_PER_LONG: "64",
  __ARCH_WANT_RENAMEAT: "",
  __ARCH_WANT_NEW_STAT: "",
  __ARCH_WANT_SET_GET_RLIMIT: "",
  __ARCH_WANT_TIME32_SYSCALLS: "",
  __ARCH_WANT_MEMFD_SECRET: "",
};

/** Names in the headers that are no calls. */
const NOT_CALLS: ReadonlySet<string> = new Set([
  "arch_specific_syscall",
  "syscalls",
]);

/** Calls newer than their number looks: they took one from a gap. */
const IN_A_GAP: ReadonlySet<string> = new Set(["uprobe"]);

/**
 * Reads the numbers of a `unistd.h`, as a preprocessor would.
 *
 * @param text the header
 * @param predefined macros that other headers define, with their values
 * @returns number by name, without `__NR_`
 */
export function readNumbers(
  text: string,
  predefined: Readonly<Record<string, string>> = {},
): Map<string, number> {
  const macros = new Map(Object.entries(predefined));
  // One entry for each open #if: whether its lines count, whether one did.
  const open: { live: boolean; done: boolean }[] = [];
  const lines = text
    .replace(/\\\n/g, " ")
    .replace(/\/\*[^]*?\*\//g, " ")
    .split("\n");
  for (const line of lines) {
    const match = /^\s*#\s*(\w+)\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, word = "", rest = ""] = match;
    const top = open.at(-1);
    const outer = open.slice(0, -1).every((each) => each.live);
    const live = outer && (top?.live ?? true);
    if (word === "if" || word === "ifdef" || word === "ifndef") {
      const holds = live && condition(word, rest, macros);
      open.push({ live: holds, done: holds });
    } else if ((word === "elif" || word === "else") && top !== undefined) {
      top.live = outer && !top.done &&
        (word === "else" || condition("if", rest, macros));
      top.done ||= top.live;
    } else if (word === "endif") {
      open.pop();
    } else if (live && word === "undef") {
      macros.delete(rest);
    } else if (live && word === "define") {
      const [name = ""] = /^\w+/.exec(rest) ?? [];
      macros.set(name, rest.slice(name.length).trim());
    }
  }
  const numbers = new Map<string, number>();
  for (const [macro, value] of macros) {
    const name = /^__NR_(\w+)$/.exec(macro)?.[1];
    if (name === undefined || NOT_CALLS.has(name)) continue;
    // __NR_fcntl is __NR3264_fcntl, which is 25.
    const number = Number(macros.get(value) ?? value);
    if (!Number.isInteger(number)) {
      throw new SyntaxError(`Cannot read the number of ${macro}: "${value}"`);
    }
    numbers.set(name, number);
  }
  return numbers;
}

function condition(
  word: string,
  text: string,
  macros: ReadonlyMap<string, string>,
): boolean {
  if (word === "ifdef") return macros.has(text);
  if (word === "ifndef") return !macros.has(text);
  const tokens = text.match(/\w+|&&|\|\||[!=]=|[!()]/g) ?? [];
  let at = 0;

  function unary(): number {
    const token = tokens[at++];
    if (token === "!") return unary() === 0 ? 1 : 0;
    if (token === "(") {
      const value = either();
      at++;
      return value;
    }
    if (token === "defined") {
      const bare = tokens[at] !== "(";
      const name = tokens[bare ? at : at + 1] ?? "";
      at += bare ? 1 : 3;
      return macros.has(name) ? 1 : 0;
    }
    const value = Number(macros.get(token ?? "") ?? token);
    return Number.isNaN(value) ? 0 : value;
  }
  function equal(): number {
    let left = unary();
    while (tokens[at] === "==" || tokens[at] === "!=") {
      const same = tokens[at++] === "==";
      left = (left === unary()) === same ? 1 : 0;
    }
    return left;
  }
  function both(): number {
    let left = equal();
    while (tokens[at] === "&&") {
      at++;
      const right = equal();
      left = left !== 0 && right !== 0 ? 1 : 0;
    }
    return left;
  }
  function either(): number {
    let left = both();
    while (tokens[at] === "||") {
      at++;
      const right = both();
      left = left !== 0 || right !== 0 ? 1 : 0;
    }
    return left;
  }
  return either() !== 0;
}

/**
 * Compares one architecture's column of the table with its header.
 *
 * A call of the table that has a higher number than all of the header's is
 * newer than the header, and no difference.
 *
 * @param arch the column
 * @param header what {@linkcode readNumbers} read
 * @returns a line for each difference
 */
export function differences(
  arch: ArchName,
  header: ReadonlyMap<string, number>,
): string[] {
  const found: string[] = [];
  const highest = Math.max(...header.values());
  for (const [name, number] of header) {
    const ours = isSyscallName(name) ? SYSCALLS[name][arch] : undefined;
    if (ours !== number) {
      found.push(`${arch}: ${name} is ${number}, not ${ours ?? "absent"}`);
    }
  }
  for (const { name, [arch]: number } of Object.values(SYSCALLS)) {
    if (number === undefined || header.has(name)) continue;
    if (number > highest || IN_A_GAP.has(name)) continue;
    found.push(`${arch}: ${name} is absent, not ${number}`);
  }
  return found;
}

function sourcesOf(args: readonly string[]): Source[] {
  return args.map((arg) => {
    const [, arch, header] = /^(x86_64|aarch64)=(.+)$/.exec(arg) ?? [];
    if (arch === undefined || header === undefined) {
      throw new TypeError(`Cannot use "${arg}": expected ARCH=HEADER`);
    }
    return [arch as ArchName, header];
  });
}

function read(header: string): string | undefined {
  try {
    return Deno.readTextFileSync(header);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function main(args: readonly string[]): number {
  const lines: string[] = [];
  const compared = new Set<ArchName>();
  let ok = true;
  for (const [arch, header] of args.length > 0 ? sourcesOf(args) : HEADERS) {
    const text = read(header);
    if (text === undefined) {
      lines.push(`${header}: not there`);
      ok &&= args.length === 0;
      continue;
    }
    const numbers = readNumbers(text, arch === "aarch64" ? ARM64 : {});
    const found = differences(arch, numbers);
    lines.push(
      ...found.map((line) => `${header}: ${line}`),
      `${header}: ${numbers.size} calls, ${found.length} differences`,
    );
    compared.add(arch);
    ok &&= found.length === 0;
  }
  // A comparison that found nothing to compare has not succeeded.
  ok &&= args.length > 0 || compared.size === 2;
  Deno.stdout.writeSync(new TextEncoder().encode(`${lines.join("\n")}\n`));
  return ok ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = main(Deno.args);
