/** Facts of the system as a policy gives them: names, time, processors, ids, chance. */

import type { RuleRef } from "./decision.ts";
import type { NameRule, PathRule } from "./policy.ts";

/** The fields of uname(2), in the order of `struct new_utsname`. */
export const UNAME_FIELDS = [
  "sysname",
  "nodename",
  "release",
  "version",
  "machine",
  "domainname",
] as const;

/** One of {@linkcode UNAME_FIELDS}. */
export type UnameField =
  | "sysname"
  | "nodename"
  | "release"
  | "version"
  | "machine"
  | "domainname";

/** What the wall clock says. Times are milliseconds, instants since the epoch. */
export type TimeRule =
  /** Nothing: every clock is closed. */
  | { readonly kind: "deny" }
  /** One instant, always. */
  | { readonly kind: "fixed"; readonly at: number }
  /** The real time and this much more. */
  | { readonly kind: "offset"; readonly by: number }
  /** It runs that many times as fast, from the start of the run on. */
  | {
    readonly kind: "rate";
    readonly rate: number;
    /** What it says at the start; the real time where not given. */
    readonly from?: number | undefined;
  };

/** What a policy says of one fact. */
export interface Fact<Value> {
  /** What the program sees, or `real` where it sees what is. */
  readonly value: Value | "real";
  /** Where it stands. */
  readonly ref: RuleRef;
  /** Whether it is refused to be told, whatever is allowed. */
  readonly denied?: boolean;
}

/** What a policy says of the system; what it does not mention is real. */
export interface SysRules {
  /** Fields of uname(2), and the files that say the same. */
  readonly uname?: Readonly<Partial<Record<UnameField, Fact<string>>>>;
  /** The wall clock. */
  readonly time?: Fact<TimeRule> | undefined;
  /** How many processors there are, and which the program runs on. */
  readonly cpus?: Fact<number> | undefined;
  /** The user id, real, effective and saved. */
  readonly uid?: Fact<number> | undefined;
  /** The group id, real, effective and saved, and the one group. */
  readonly gid?: Fact<number> | undefined;
  /** Whether uptime, load and memory of the machine are told. */
  readonly sysinfo?: Fact<"deny"> | undefined;
  /** Whether anything is told of what others do on the machine. */
  readonly others?: Fact<"deny"> | undefined;
  /** The seed of what is random. */
  readonly random?: Fact<number> | undefined;
}

/** The name of a fact besides the fields of uname(2). */
export type FactName =
  | "time"
  | "cpus"
  | "uid"
  | "gid"
  | "sysinfo"
  | "others"
  | "random";

const FACTS: readonly FactName[] = [
  "time",
  "cpus",
  "uid",
  "gid",
  "sysinfo",
  "others",
  "random",
];

/**
 * Rules by which everything is real, whatever was said before.
 *
 * @param ref where that stands
 */
export function allReal(ref: RuleRef): SysRules {
  const real = { value: "real", ref } as const;
  return {
    uname: Object.fromEntries(UNAME_FIELDS.map((field) => [field, real])),
    ...Object.fromEntries(FACTS.map((name) => [name, real])),
  };
}

/** What a field of uname(2) says that must not be told: UTS_NODENAME of the kernel. */
const UNTOLD = "(none)";

/** The id of nobody: `fs.overflowuid` of the kernel. */
const NOBODY = 65534;

/**
 * Rules by which what can be hidden is hidden. Time, chance and what others do
 * are not: hardly any program would run.
 *
 * @param ref where that stands
 */
export function allHidden(ref: RuleRef): SysRules {
  const untold = { value: UNTOLD, ref };
  return {
    uname: {
      nodename: untold,
      domainname: untold,
      release: untold,
      version: untold,
    },
    cpus: { value: 1, ref },
    uid: { value: NOBODY, ref },
    gid: { value: NOBODY, ref },
    sysinfo: { value: "deny", ref },
  };
}

/** The same rules, which no rule takes back that allows. */
export function denied(rules: SysRules): SysRules {
  return eachFact(rules, (fact) => ({ ...fact, denied: true }));
}

/**
 * Merges what layers say, the most basic one first: the last word on a fact holds, or
 * the last one that denies it.
 */
export function mergeSys(all: readonly (SysRules | undefined)[]): SysRules {
  const said = all.filter((one) => one !== undefined);
  const last = said.map((one) =>
    eachFact(one, (fact) => fact.denied === true ? fact : undefined)
  );
  const words = [...said, ...last];
  const uname = Object.assign({}, ...words.map((one) => one.uname));
  return { ...Object.assign({}, ...words), uname };
}

/** Rules with other facts in place of theirs, and without those that become none. */
function eachFact(
  { uname = {}, ...others }: SysRules,
  make: (fact: Fact<unknown>) => Fact<unknown> | undefined,
): SysRules {
  const made = (facts: object): object =>
    Object.fromEntries(
      Object.entries(facts).flatMap(([name, fact]) => {
        const other = fact && make(fact);
        return other === undefined ? [] : [[name, other]];
      }),
    );
  return { ...made(others), uname: made(uname) };
}

/** What the program sees in place of a fact; `undefined` where that is real. */
export function given<Value>(fact: Fact<Value> | undefined): Value | undefined {
  return fact === undefined || fact.value === "real"
    ? undefined
    : fact.value as Value;
}

/** The fields of uname(2) that are not real. */
export function givenUname(
  { uname = {} }: SysRules,
): Readonly<Partial<Record<UnameField, string>>> {
  const fields: Partial<Record<UnameField, string>> = {};
  for (const field of UNAME_FIELDS) {
    const value = given(uname[field]);
    if (value !== undefined) fields[field] = value;
  }
  return fields;
}

/** Whether every fact is real. */
export function isReal(sys: SysRules): boolean {
  return givenRefs(sys).length === 0;
}

/** Where each fact stands that is not real. */
export function givenRefs(sys: SysRules): readonly RuleRef[] {
  const facts: readonly (Fact<unknown> | undefined)[] = [
    ...UNAME_FIELDS.map((field) => sys.uname?.[field]),
    ...FACTS.map((name) => sys[name]),
  ];
  return facts.flatMap((fact) =>
    fact !== undefined && given(fact) !== undefined ? [fact.ref] : []
  );
}

/** What tells how long the machine has run, and what it does. */
const MACHINE_FILES = [
  "/proc/uptime",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/vmstat",
  "/proc/zoneinfo",
  "/proc/pressure",
];

/** What tells the time of day besides the clocks. */
const DAY_FILES = [
  // The clocks of timers say by how much they are set.
  "/proc/timer_list",
  "/proc/driver/rtc",
  "/sys/class/rtc",
  "/sys/devices/**/rtc/**",
];

/**
 * What tells of any clock, or goes on by itself: interrupts of a clock, times that
 * something took or is still to take. Drivers say such things by a thousand names.
 */
const TIME_FILES = [
  ...DAY_FILES,
  "/proc/{diskstats,interrupts,kmsg,latency_stats,loadavg,lock_stat,mdstat}",
  "/proc/{keys,sched_debug,schedstat,softirqs,stat,uptime}",
  ...["/proc/acpi", "/proc/asound", "/proc/fs", "/proc/irq", "/proc/pressure"],
  "/proc/self/{arch_status,latency,sched,schedstat,stat}",
  ...["/proc/self/fdinfo", "/proc/self/net"],
  "/sys",
];

/**
 * What tells of what others do, besides: all that counts, and counts for all.
 * Directories stand by themselves: a pattern does not mean what is beneath.
 */
const OTHERS_FILES = [
  ...MACHINE_FILES,
  ...TIME_FILES,
  "/proc/{buddyinfo,diskstats,interrupts,locks,pagetypeinfo,schedstat}",
  "/proc/{slabinfo,softirqs,swaps}",
  "/proc/{allocinfo,cgroups,crypto,key-users,keys,mdstat,modules,partitions}",
  "/proc/{kpagecgroup,kpagecount,kpageflags,vmallocinfo}",
  "/proc/{latency_stats,lock_stat,lockdep_stats,sched_debug}",
  // How fast a processor is, which others heat.
  "/proc/cpuinfo",
  // What drivers and modules say, of themselves and of what goes through them.
  "/proc/{consoles,devices,dma,fb,filesystems,i8k,iomem,ioports,kallsyms,misc}",
  ...["/proc/acpi", "/proc/asound", "/proc/bus", "/proc/scsi"],
  ...["/proc/driver", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysvipc"],
  "/proc/tty",
  // Sessions are numbered for all; who is in which group others decide.
  "/proc/self/{autogroup,cgroup,cpu_resctrl_groups,cpuset}",
  "/proc/self/{arch_status,ksm_merging_pages,ksm_stat,latency,oom_score}",
  "/proc/self/{io,maps,mountinfo,mounts,mountstats,numa_maps,pagemap,sched}",
  "/proc/self/{schedstat,smaps,smaps_rollup,stat,statm,status,timers}",
  ...["/proc/self/fdinfo", "/proc/self/map_files", "/proc/self/net"],
  "/proc/self/task",
  // Listings: of all processes, and of files with numbers that all get.
  "/proc/.",
  "/proc/self/.",
  "/proc/self/{attr,fd,ns}/.",
  // Terminals are numbered for all, and listed.
  "/dev/{ptmx,pts/ptmx}",
  "/dev/pts/.",
  "/sys",
];

/**
 * The variables that are not handed over since they tell what must not be told:
 * shells and containers export the name of the host.
 *
 * @param sys what the policy says
 * @returns rules that deny them, at the place of the fact
 */
export function closedVariables({ uname }: SysRules): readonly NameRule[] {
  const name = uname?.nodename;
  if (name === undefined || name.value === "real") return [];
  return [{
    pattern: "HOSTNAME",
    ref: { ...name.ref, text: `HOSTNAME (${name.ref.text})` },
  }];
}

/**
 * The files that are closed since they tell what must not be told.
 *
 * @param sys what the policy says
 * @returns rules that refuse to read them, at the place of the fact
 */
export function closedFiles(sys: SysRules): readonly PathRule[] {
  const rules = (files: readonly string[], ref: RuleRef): PathRule[] =>
    files.map((pattern) => ({
      pattern,
      ref: { ...ref, text: `${pattern} (${ref.text})` },
    }));
  const { time, sysinfo, others } = sys;
  return [
    ...time === undefined || time.value === "real"
      ? []
      : rules(time.value.kind === "deny" ? TIME_FILES : DAY_FILES, time.ref),
    ...sysinfo === undefined || sysinfo.value === "real"
      ? []
      : rules(MACHINE_FILES, sysinfo.ref),
    ...others === undefined || others.value === "real"
      ? []
      : rules(OTHERS_FILES, others.ref),
  ];
}
