/** What the doctor looks at, one thing at a time. */

import type { ArchName } from "../abi/arch.ts";
import { fromBytes, fromText } from "../abi/bytes.ts";
import {
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_KILL,
  CAP_SYS_PTRACE,
  hasCapability,
} from "../abi/capability.ts";
import { PIN_START } from "../abi/pin.ts";
import { SystemCallError } from "../errors.ts";
import { whyNoControlGroup } from "../sys/cgroup.ts";
import { readFile } from "../sys/files.ts";
import { hasLauncher, hostArch } from "../sys/host.ts";
import { openRoot } from "../sys/launch/root.ts";
import { whyNot } from "./root.ts";

/** What to do with an older kernel: `CLOSE_RANGE_CLOEXEC` came with this one. */
const OLDEST = "use Linux 5.11 or newer";

/** A directory that every machine has. */
const ANY_DIRECTORY = "/usr";

/** One thing that was looked at. */
export interface Finding {
  /** What it is. */
  readonly name: string;
  /** Whether it is as it should be; a note is neither. */
  readonly state: "good" | "bad" | "note";
  /** What was found. */
  readonly found: string;
  /** What follows from that. */
  readonly follows: string;
  /** What to do about it. */
  readonly change?: string;
}

/** How a try went: nothing, or what went wrong. */
export type Tried = string | undefined;

/**
 * Which kernel, on what.
 *
 * @param release what uname(2) calls it
 * @param arch the machine's
 */
export function kernel(
  release = line("/proc/sys/kernel/osrelease") ?? "unknown",
  arch: ArchName = hostArch().name,
): Finding {
  const cpus = navigator.hardwareConcurrency;
  const shown = {
    name: "kernel",
    found: `Linux ${release} ${arch}, ${cpus} CPUs`,
  } as const;
  if (!hasLauncher(arch)) {
    return {
      ...{ ...shown, state: "bad" },
      follows: "there is no launcher for it",
      change: "use an x86-64 machine",
    };
  }
  const [major = 0, minor = 0] = release.split(".", 2).map(parseFloat);
  return major < 5 || major === 5 && minor < 11
    ? {
      ...{ ...shown, state: "bad" },
      follows: "it cannot close what a program must not inherit",
      change: OLDEST,
    }
    : {
      ...{ ...shown, state: "note" },
      follows: cpus > 1 ? "" : "jail and program share one CPU",
    };
}

/** Whether an engine runs a program. */
export function engine(name: string, problem: Tried, good: string): Finding {
  return problem === undefined
    ? { name, state: "good", found: "a jailed shell ran", follows: good }
    : {
      ...{ name, state: "bad", found: problem },
      follows: "programs cannot be jailed this way",
      change: "allow ptrace, seccomp and clone3 here (docker: " +
        "--security-opt seccomp=unconfined)",
    };
}

/** Whether the kernel alone can hold a program. */
export function kernelEngine(problem: Tried): Finding {
  const name = "engine kernel";
  return problem === undefined
    ? {
      ...{ name, state: "good", found: "a jailed shell ran" },
      follows: "policies that it holds cost nothing once started",
    }
    : {
      ...{ name, state: "note", found: problem },
      follows: "calls are caught instead",
    };
}

/** What is traced already can neither trace nor be traced by jail. */
export function traced(
  finding: Finding,
  status: ReadonlyMap<string, string>,
): Finding {
  return finding.state === "bad" && status.get("TracerPid") !== "0"
    ? { ...finding, change: "run jail without the debugger or jail around it" }
    : finding;
}

/** Whether what was checked can be pinned. */
export function pinning(problem: Tried): Finding {
  const least = line("/proc/sys/vm/mmap_min_addr") ?? "not to be seen";
  const found = `vm.mmap_min_addr is ${least}`;
  return problem === undefined
    ? {
      ...{ name: "pinning", state: "good", found },
      follows: "threads cannot change what was checked",
    }
    : {
      ...{ name: "pinning", state: "bad", found: `${problem}; ${found}` },
      follows: "a program with more than one thread is refused its files",
      change: Number(least) > PIN_START
        ? `sysctl -w vm.mmap_min_addr=${PIN_START}`
        : "report it",
    };
}

/** Whether looks at files are answered. */
export function answers(can: boolean): Finding {
  const name = "answers";
  return can
    ? {
      ...{ name, state: "good", found: "calls can wait for jail" },
      follows: "looks at files need no stop",
    }
    : {
      ...{ name, state: "note", found: "calls cannot wait for jail" },
      follows: "looks at files stop, which takes longer: Linux 5.19 has it, " +
        "where no container refuses what it takes",
    };
}

/** What Landlock holds. */
export function landlock(abi: number): Finding {
  const name = "landlock";
  if (abi === 0) {
    return {
      ...{ name, state: "bad", found: "there is none" },
      follows: "jail's own checks hold everything, with no floor under them",
      change: "use Linux 5.13 or newer, with landlock in lsm= at boot",
    };
  }
  const parts = [
    "files",
    ...abi < 2 ? ["but under policies that write"] : [],
    ...abi >= 4 ? ["TCP"] : [],
    ...abi >= 6 ? ["signals, abstract sockets"] : [],
  ];
  return {
    ...{ name, state: "good", found: `ABI ${abi}` },
    follows: `the kernel holds ${parts.join(", ")} too`,
  };
}

/** What Yama lets be traced. */
export function yama(problem: Tried): Finding {
  const scope = line("/proc/sys/kernel/yama/ptrace_scope");
  const found = scope === undefined
    ? "there is none"
    : `kernel.yama.ptrace_scope is ${scope}`;
  const name = "yama";
  return problem !== undefined && Number(scope ?? 0) > 1
    ? {
      ...{ name, state: "bad", found },
      follows: "a program cannot be traced, not even by who started it",
      change: "sysctl -w kernel.yama.ptrace_scope=1",
    }
    : { name, state: "good", found, follows: "jail may trace what it starts" };
}

/** What jail itself may do, and so what programs can. */
export function privileges(status: ReadonlyMap<string, string>): Finding {
  const has = capabilities(status);
  // /proc lets nobody else search what a process has open.
  const searches = [CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH].some((one) =>
    hasCapability(has, one)
  );
  return {
    ...{ name: "privileges", state: "note" },
    found: has === 0 ? "jail has none" : "jail has capabilities",
    follows: has === 0
      ? "none are needed"
      : !hasCapability(has, CAP_KILL)
      ? "without CAP_KILL no program may become another user"
      : !hasCapability(has, CAP_SYS_PTRACE)
      ? "without CAP_SYS_PTRACE a program that becomes another user is refused its files"
      : !searches
      ? "without CAP_DAC_READ_SEARCH a program that becomes another user is refused paths by its descriptors"
      : "programs keep those about files and ids alone",
  };
}

/** The capabilities of this process, as bits. */
function capabilities(status: ReadonlyMap<string, string>): number {
  return parseInt(status.get("CapEff") ?? "0", 16);
}

/** What holds jail itself. */
export function container(status: ReadonlyMap<string, string>): Finding {
  const filter = status.get("Seccomp") === "2";
  const locked = status.get("NoNewPrivs") === "1";
  return {
    ...{ name: "container", state: "note" },
    found: [
      filter ? "a seccomp filter holds jail itself" : "no seccomp filter",
      locked ? "no_new_privs is set" : "no_new_privs is not set",
    ].join(", "),
    follows: filter ? "what it refuses no program can do" : "",
  };
}

/** Who traces jail. */
export function tracer(status: ReadonlyMap<string, string>): Finding {
  const pid = status.get("TracerPid") ?? "0";
  return {
    ...{ name: "tracer", state: "note" },
    found: pid === "0" ? "nobody traces jail" : `process ${pid} traces jail`,
    follows: pid === "0"
      ? ""
      : "if it follows children too, nothing can be jailed",
  };
}

/** Whether, and how, a program can have another root directory. */
export function rootDirectory(): Finding {
  const root = openRoot(ANY_DIRECTORY);
  const shown = { name: "root directory", state: "note" } as const;
  if (!("steps" in root)) {
    return { ...shown, found: whyNot(root), follows: "--root cannot be used" };
  }
  root.close();
  return {
    ...shown,
    found: `by a ${root.kind}`,
    follows: root.kind === "chroot"
      ? "--root can be used, without /proc and /dev of jail's"
      : "--root can be used",
  };
}

/** Whether the kernel holds the memory of a jail, found out by making a group. */
export function cgroup(): Finding {
  const why = whyNoGroup();
  return {
    ...{ name: "cgroup v2", state: "note" },
    found: why ?? "a group was made that holds memory",
    follows: why === undefined
      ? "the kernel holds limits of memory"
      : "limits of memory are held by looking, fifty times a second",
  };
}

function whyNoGroup(): string | undefined {
  try {
    return whyNoControlGroup();
  } catch (error) {
    if (error instanceof SystemCallError) return error.message;
    throw error;
  }
}

/**
 * Whether what a crash leaves stays in a jail.
 *
 * @param isZero whether the hard limit for cores is 0, and cannot be raised to 1,
 *   with which no program is started
 * @param pattern what `kernel.core_pattern` says: core(5)
 */
export function cores(
  isZero: boolean,
  pattern: string | undefined = line("/proc/sys/kernel/core_pattern"),
): Finding {
  const leaves = {
    name: "cores",
    state: "bad",
    follows: "what crashes in a jail goes to it",
  } as const;
  if (pattern?.startsWith("@") === true) {
    return {
      ...leaves,
      found: "core_pattern names a socket, for any limit",
      change: "sysctl -w kernel.core_pattern=core",
    };
  }
  if (pattern?.startsWith("|") === true && isZero) {
    return {
      ...leaves,
      found: "core_pattern names a program, and the hard limit is 0",
      change: "start jail with a hard limit for cores above 0 (ulimit -c)",
    };
  }
  return {
    ...{ name: "cores", state: "good", found: "none is made" },
    follows: "no crash leaves a jail",
  };
}

/** Whether the hard limit of this process for cores is 0, and stays so. */
export function mayHaveNoCores(status: ReadonlyMap<string, string>): boolean {
  const limits = text("/proc/self/limits") ?? "";
  const most = /^Max core file size +\S+ +(\S+)/m.exec(limits)?.[1];
  return most === "0" && capabilities(status) === 0;
}

/** Whether the time is read without a call. */
export function vdso(): Finding {
  const there = text("/proc/self/maps")?.includes("[vdso]") === true;
  return {
    ...{ name: "vDSO", state: "note" },
    found: there ? "there is one" : "there is none",
    follows: there ? "programs read the time without a call" : "",
  };
}

/** The fields of /proc/self/status. */
export function statusOfSelf(): ReadonlyMap<string, string> {
  return new Map(
    (text("/proc/self/status") ?? "").split("\n").map((entry) => {
      const [name = "", value = ""] = entry.split(":\t");
      return [name, value.trim()];
    }),
  );
}

function text(path: string): string | undefined {
  const bytes = readFile(fromText(path), 1 << 20);
  return typeof bytes === "number" ? undefined : fromBytes(bytes);
}

function line(path: string): string | undefined {
  return text(path)?.trim();
}
