/**
 * Makes calls with random numbers for arguments under random policies, and
 * compares: what the filter does, what the stops do alone, what `--engine=ptrace`
 * does, and what the plan of the policy says of the same registers.
 */

import { fromText } from "../src/abi/bytes.ts";
import { ERRNO } from "../src/abi/errno.ts";
import {
  type ArgKind,
  type SyscallName,
  SYSCALLS,
} from "../src/abi/syscalls.ts";
import { loadLayers } from "../src/jail/layers.ts";
import { mergeLayers } from "../src/policy/merge.ts";
import type { CallArguments } from "../src/policy/plan/guard.ts";
import { actionOf, type CallPlan, planCalls } from "../src/policy/plan/plan.ts";
import { random } from "../src/policy/random_test.ts";
import type { Compared } from "./differential.ts";
import { fixture, jail } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ["by the filter", []],
  ["by stops", ["--no-landlock", "--report"]],
  ["by ptrace", ["--engine=ptrace"]],
];

/**
 * Calls that end the fixture, or take the time of others; and two that no filter
 * sees (kernel/seccomp.c, from Linux 6.14 on) and that do nothing by themselves.
 */
const LEFT_OUT: ReadonlySet<SyscallName> = new Set<SyscallName>([
  ...["clone", "exit", "exit_group", "rt_sigreturn", "sync", "syncfs"] as const,
  ...["vfork", "fsync", "fdatasync", "uprobe", "uretprobe"] as const,
]);

/** Calls without which the fixture itself does not run. */
const NEEDED: ReadonlySet<SyscallName> = new Set<SyscallName>([
  ...["access", "arch_prctl", "brk", "close", "dup2", "execve"] as const,
  ...["exit_group", "fcntl", "fork", "fstat", "getpid", "kill"] as const,
  ...["memfd_create", "mmap", "mprotect", "munmap", "newfstatat"] as const,
  ...["openat", "pipe", "pipe2", "pread64", "prlimit64", "read"] as const,
  ...["rseq", "set_robust_list", "set_tid_address", "setitimer"] as const,
  ...["setpgid", "socketpair", "wait4", "write", "clone", "getrandom"] as const,
]);

const POINTERS = ["z", "z", "z", "0", "1", "0x7fffffffffff"];
// Where jail has its pages, if it needs any, nothing else may look.
const ADDRESSES = [...POINTERS, "0x10000", "0x11000", "0x100000000"];
const PATHS = ["p", "q", "z", "0"];
const SMALL = ["0", "1", "2", "3", "8", "16", "4096", "-1", "0x80000000"];
const BITS = Array.from({ length: 32 }, (_, bit) => `${2 ** bit}`);

/** What arguments of a kind may be; all others are like {@linkcode SMALL}. */
const VALUES: Readonly<Partial<Record<ArgKind, readonly string[]>>> = {
  "address": ADDRESSES,
  "fd": ["3", "4", "5", "6", "7", "8", "-1", "99"],
  "read-fd": ["3", "4", "5", "6", "8", "-1"],
  "write-fd": ["3", "4", "5", "6", "8", "-1"],
  "pidfd": ["3", "-1"],
  "dirfd": ["4", "-100", "3", "-1"],
  "pid": ["0", "m", "1", "999999"],
  "tid": ["0", "m", "1", "999999"],
  "pgid": ["0", "m", "1", "999999"],
  "who": ["0", "m", "1", "999999"],
  "signal": ["0", "9", "17", "18", "64", "65"],
  "sockaddr": ["n", "u", "z", "0"],
  "ioctl": ["0x5401", "0x5412", "0x541b", "0x5421", "0x40086602", "0x8912"],
  "prctl": Array.from({ length: 70 }, (_, i) => `${i + 1}`),
  "fcntl": ["0", "1", "2", "3", "4", "8", "10", "15", "1024", "1030", "1033"],
  "open-flags": ["0", "1", "2", "0x40", "0x241", "0x10000", "0x200000"],
  "at-flags": ["0", "0x100", "0x1000", "0x400", "0x80000000"],
  "mode": ["0", "0644", "04755", "0100644", "020644"],
  "clone-flags": BITS,
};

function valuesOf(kind: ArgKind): readonly string[] {
  const own = VALUES[kind];
  if (own !== undefined) return own;
  if (/path|link|rename-(?:from|to)|string/.test(kind)) return PATHS;
  const pointers =
    /^(?:ptr|buf|iovec|argv|envp|msghdr|mmsghdr|timespec|sigset|cap-header|open-how)$/;
  return pointers.test(kind) ? POINTERS : [...SMALL, ...BITS];
}

/** One call: its name, and its arguments as the fixture takes them. */
interface Made {
  readonly name: SyscallName;
  readonly args: readonly string[];
}

type Pick = <T>(all: readonly T[]) => T;

function makeCalls(pick: Pick, count: number): Made[] {
  const names = (Object.keys(SYSCALLS) as SyscallName[]).filter((name) =>
    SYSCALLS[name].x86_64 !== undefined && !LEFT_OUT.has(name)
  );
  return Array.from({ length: count }, () => {
    const name = pick(names);
    const args = SYSCALLS[name].args.map((kind) => {
      const value = pick(valuesOf(kind));
      // The high half of a number that the kernel takes 32 bits of.
      return /^[0-9]+$/.test(value) && pick([0, 0, 0, 0, 0, 0, 1]) === 1
        ? `${BigInt(value) + (1n << 32n)}`
        : value;
    });
    return { name, args };
  });
}

function makePolicy(pick: Pick, below: (most: number) => number): string {
  const names = (Object.keys(SYSCALLS) as SyscallName[]).filter((name) =>
    !NEEDED.has(name)
  );
  const denied = new Set(
    Array.from({ length: below(12) }, () => pick(names)),
  );
  const deny = [...denied].map((name) =>
    `${name}: ${pick(["EPERM", "ENOSYS", "EACCES", "EINVAL"])}`
  );
  const allow = names.filter((name) =>
    SYSCALLS[name].kind === "forbidden" && below(4) === 0 && ALLOWED.has(name)
  );
  const net = pick([
    "false",
    "true",
    '{connect: ["127.0.0.1:9", "unix:${cwd}/*"], listen: ["127.0.0.1:0-99"]}',
  ]);
  const more = pick(["", "default: EACCES", "default: ENOSYS", ""]);
  return [
    "extends: minimal",
    'read: ["${cwd}"]',
    `write: [${pick(["", '"${cwd}"'])}]`,
    `net: ${net}`,
    `limits: {${pick(["", "processes: 20", "memory: 1GiB", "output: 1MB"])}}`,
    `calls: {allow: [${allow.join(", ")}], deny: {${deny.join(", ")}}}`,
    more,
  ].join("\n");
}

/** Forbidden calls that a policy may allow, and that reach nothing outside. */
const ALLOWED: ReadonlySet<SyscallName> = new Set<SyscallName>([
  ...["mincore", "memfd_create", "get_mempolicy", "mbind"] as const,
  ...["set_mempolicy", "msgget", "semget", "mq_unlink"] as const,
]);

/** The registers of a call, for a plan; a pointer is somewhere in memory. */
function registersOf({ args }: Made): CallArguments {
  const at = (index: number): bigint => {
    const text = args[index] ?? "0";
    if (text === "m") return 12_345n;
    if (/^[a-z]$/.test(text)) return 0x5555_5555_5000n;
    const octal = /^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text;
    return octal.startsWith("-") ? -BigInt(octal.slice(1)) : BigInt(octal);
  };
  return {
    uint: (index) => Number(BigInt.asUintN(32, at(index))),
    address: (index) => Number(BigInt.asUintN(64, at(index))),
  };
}

/** What a plan says: a result, or "" where a look or the kernel decides. */
function planned(plan: CallPlan, call: Made): string {
  const entry = plan.get(call.name);
  if (entry === undefined) return "";
  const action = actionOf(entry, registersOf(call));
  const said = action.kind === "trace" && action.look.kind === "refuse"
    ? action.look.refusal
    : action;
  switch (said.kind) {
    case "errno":
      return said.errno;
    case "return":
      return said.value < 0 ? nameOf(-said.value) : "OK";
    default:
      return "";
  }
}

function nameOf(errno: number): string {
  return Object.entries(ERRNO).find(([, value]) => value === errno)?.[0] ?? "";
}

/** At fixed addresses, so that pointers taken for numbers are the same. */
function program(): string {
  return fixture("make_calls", ["-no-pie"]);
}

/** What each call came to, in each way. */
type Results = readonly (readonly string[])[];

async function runAll(
  place: Scratch,
  policy: string,
  calls: readonly Made[],
  round: number,
): Promise<Results> {
  const words = calls.map(({ name, args }) =>
    [SYSCALLS[name].x86_64, ...args].join(",")
  );
  const results: string[][] = [];
  for (const [at, [name, flags]] of WAYS.entries()) {
    const cwd = `${place.path}/${round}-${at}`;
    await Deno.mkdir(cwd);
    await Deno.writeTextFile(`${cwd}/file`, "text\n");
    const ran = await jail(
      ["-p", policy, ...flags],
      [program(), ...words],
      { cwd },
    );
    const lines = ran.stdout.trim().split("\n");
    if (ran.code !== 0 || lines.length !== calls.length) {
      const last = words[ran.stdout.split("\n").length - 1];
      throw new Error(`${name}: ${ran.code} at ${last}: ${ran.stderr}`);
    }
    results.push(lines);
  }
  return results;
}

/** Which calls did not come to the same in all ways, nor to what was planned. */
function differing(
  results: Results,
  wanted: readonly string[],
): ReadonlySet<number> {
  const found = new Set<number>();
  for (const [i, said] of wanted.entries()) {
    const [first] = results;
    const want = said === "" ? first?.[i] : said;
    if (results.some((lines) => lines[i] !== want)) found.add(i);
  }
  return found;
}

/**
 * Compares the ways for one seed. What a call comes to may depend on the moment,
 * so only what differs twice is a fault.
 *
 * @param seed policy and calls depend on it alone
 * @param count how many calls
 */
export async function compareNumbers(
  seed: number,
  count: number,
): Promise<Compared> {
  const below = random(seed);
  const pick = <T>(all: readonly T[]): T => all[below(all.length)] as T;
  await using place = await scratch();
  const text = makePolicy(pick, below);
  const policy = await place.file("policy.yaml", text);
  const calls = makeCalls(pick, count);
  const variables = { cwd: place.path, program: program() };
  const layers = await loadLayers(fromText(policy), variables, place.path);
  const plan = planCalls(mergeLayers(layers), {
    observe: false,
    sockets: "streams",
  });
  const wanted = calls.map((call) => planned(plan, call));
  const results = await runAll(place, policy, calls, 0);
  let differ = differing(results, wanted);
  let shown = results;
  if (differ.size > 0) {
    shown = await runAll(place, policy, calls, 1);
    differ = differing(shown, wanted).intersection(differ);
  }
  return {
    pairs: calls.length,
    refused: wanted.filter((said) => said !== "" && said !== "OK").length,
    faults: [...differ].map((i) => {
      const { name, args } = calls[i] as Made;
      const found = WAYS.map(([way], at) => `${way} ${shown[at]?.[i]}`);
      return `seed ${seed}, ${name}(${args.join(", ")}): ${
        found.join(", ")
      }, planned ${wanted[i] || "a look"}; ${text.replace(/\n/g, "; ")}`;
    }),
  };
}
