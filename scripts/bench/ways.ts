/** The ways in which the benchmark runs a program, and what each of them enforces. */

import { DENO, ROOT } from "../parts.ts";

/** One way to run a program. */
export interface Way {
  /** Its name in a table. */
  readonly name: string;
  /** What it enforces, so that nobody compares a jail with none. */
  readonly enforces: string;
  /** The Debian package that has its command; `undefined` for jail itself. */
  readonly debian?: string;
  /** The words that come before the program's. */
  prefix(place: string): readonly string[];
}

/** The words that run jail from its source, as a user's `deno install` does. */
export const SOURCE: readonly string[] = [
  DENO,
  "run",
  "-A",
  "--no-check",
  new URL("main.ts", ROOT).pathname,
];

/** The policy of the jails. */
export const POLICY: string =
  new URL("scripts/bench/policy.yaml", ROOT).pathname;

/** The policy of the jail that the kernel alone holds. */
const KERNEL_POLICY: string =
  new URL("scripts/bench/kernel.yaml", ROOT).pathname;

const LANDLOCK_WRITES = [
  ...["write-file", "remove-dir", "remove-file", "make-dir", "make-reg"],
  ...["make-sock", "make-fifo", "make-sym", "truncate", "refer"],
].join(",");

/**
 * All ways; the first is the program alone.
 *
 * @param jail the words that run jail
 */
export function waysWith(jail: readonly string[]): readonly Way[] {
  return [
    {
      name: "native",
      enforces: "nothing",
      prefix: () => [],
    },
    {
      name: "jail",
      enforces: "files by rules with wildcards, addresses, processes, calls, " +
        "kernel surface: what the kernel can hold it holds, stops hold the rest",
      prefix: () => [...jail, "-p", POLICY, "--"],
    },
    {
      name: "jail --report",
      enforces: "the same, and tells of each refusal and the rule behind it",
      prefix: () => [...jail, "-p", POLICY, "--report", "--"],
    },
    {
      name: "jail --engine=ptrace",
      enforces: "the same as jail, with two stops for every call",
      prefix: () => [...jail, "-p", POLICY, "--engine=ptrace", "--"],
    },
    {
      name: "jail --engine=kernel",
      enforces: "files and processes by what is mounted and numbered, all " +
        "network or none, programs, signals, calls, kernel surface; no log",
      prefix: () => [...jail, "-p", KERNEL_POLICY, "--engine=kernel", "--"],
    },
    {
      name: "strace -f",
      enforces: "nothing; writes down every call",
      debian: "strace",
      prefix: () => ["strace", "-f", "-o", "/dev/null"],
    },
    {
      name: "strace --seccomp-bpf %file",
      enforces: "nothing; writes down calls that name files",
      debian: "strace",
      prefix: () => [
        ...["strace", "-f", "--seccomp-bpf", "-e", "%file", "-o", "/dev/null"],
      ],
    },
    {
      name: "proot",
      enforces: "nothing; changes paths as chroot would",
      debian: "proot",
      prefix: () => ["proot"],
    },
    {
      name: "bubblewrap",
      enforces:
        "what is mounted, all namespaces: reads everything, writes here, " +
        "no network but its own loopback, no rules inside a tree, no log",
      debian: "bubblewrap",
      prefix: (place) => [
        ...["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"],
        ...["--bind", place, place, "--unshare-all", "--die-with-parent", "--"],
      ],
    },
    {
      name: "firejail",
      enforces: "what is mounted, a list of calls: reads everything, writes " +
        "here, no network but its own loopback; itself a setuid program",
      debian: "firejail",
      prefix: (place) => [
        ...[
          "firejail",
          "--quiet",
          "--noprofile",
          "--seccomp",
          "--caps.drop=all",
        ],
        ...[
          "--keep-var-tmp",
          "--read-only=/",
          `--read-write=${place}`,
          "--net=none",
          "--",
        ],
      ],
    },
    {
      name: "setpriv + Landlock",
      enforces: "files as Landlock sees them: reads everything, writes here; " +
        "not stat, the network, processes or calls",
      debian: "util-linux",
      prefix: (place) => [
        ...["setpriv", "--no-new-privs", "--landlock-access", "fs"],
        ...rule("execute,read-file,read-dir", "/"),
        ...rule("write-file", "/dev/null"),
        ...rule(LANDLOCK_WRITES, place),
        ...rule(LANDLOCK_WRITES, "/tmp"),
      ],
    },
  ];
}

function rule(accesses: string, path: string): readonly string[] {
  return ["--landlock-rule", `path-beneath:${accesses}:${path}`];
}
