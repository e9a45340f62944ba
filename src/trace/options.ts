/** What the tracer is given, and what it tells. */

import type { Call } from "../policy/call.ts";
import type { Decision } from "../policy/decision.ts";
import type { Limits } from "../policy/limits.ts";
import type { SourceTest } from "../policy/net/sources.ts";
import type { Heard } from "../policy/plan/heard.ts";
import type { CallPlan } from "../policy/plan/plan.ts";
import type { SysRules } from "../policy/sys.ts";
import type { ControlGroup } from "../sys/cgroup.ts";
import type { LaunchPlan } from "../sys/launch/spawn.ts";
import type { View } from "../sys/view.ts";
import type { Usage } from "./limits/accounts.ts";

/** How calls are caught. */
export type Engine =
  /** A BPF filter lets most calls pass; the rest stop once. */
  | "seccomp"
  /** Every call stops at its entry and its exit. */
  | "ptrace";

/** How a run is asked to hold its policy. */
export type EngineChoice =
  | Engine
  /** What this kernel has, of the engines that catch calls. */
  | "auto"
  /** No call is caught: mounts, namespaces, Landlock and the filter hold it all. */
  | "kernel";

/** A decision that was made, for a report, an audit log or an embedder. */
export interface Observation {
  /** When, in milliseconds since the epoch. */
  readonly time: number;
  /** The process that made the call. */
  readonly pid: number;
  /** The thread that made the call. */
  readonly tid: number;
  /** The program that the process runs, as a byte string. */
  readonly program: string;
  /** The call as rules saw it. */
  readonly call: Call;
  /** The call as a person reads it: `openat("/etc/shadow", O_RDONLY)`. */
  readonly text: string;
  /** What was decided. */
  readonly decision: Decision;
}

/** Who makes a call, for whoever decides by more than the call. */
export interface Caller {
  /** The process. */
  readonly pid: number;
  /** The program that it runs, as a byte string. */
  readonly program: string;
  /** The call as a person reads it: `openat("/etc/shadow", O_RDONLY)`. */
  readonly text: string;
  /** Stands for the thread, as long as it lives. */
  readonly asker: object;
  /** Milliseconds until the jail's time is over; Infinity where it has no limit. */
  readonly left: number;
  /** Stops all that could run in the jail, until there is a decision. */
  quiet(): void;
  /** Whether a process of the jail is in a process group. */
  hasMember(group: number): boolean;
}

/**
 * Decides one call; or says that deciding it took so long that it has to be
 * looked at again.
 */
export type Decide = (call: Call, caller: Caller) => Decision | "again";

/** A resolver of the system, and where jail answers in its place. */
export interface StandIn {
  /** The resolver's address: four bytes, or sixteen. */
  readonly resolver: readonly number[];
  /** The index of an interface, for an address of one link; or 0. */
  readonly scope: number;
  /** Whether the resolver is on this machine. */
  readonly local: boolean;
  /** The address of jail's socket, on the loopback. */
  readonly address: readonly number[];
  /** Its port, by UDP and TCP. */
  readonly port: number;
}

/** A question for a name that a program asked. */
export interface AskedName {
  /** The question, as rules see it. */
  readonly call: Call;
  /** The question as a person reads it: `resolve(dns:example.org, AAAA)`. */
  readonly text: string;
}

/** What the tracer needs where rules name hosts. */
export interface NameOptions {
  /** The resolvers. */
  readonly standIns: readonly StandIn[];
  /** The names that an address is known by at the moment. */
  namesOf(address: readonly number[]): readonly string[];
  /**
   * From now on the calling thread's waits end when there are questions. Told
   * once, when the program is made.
   */
  begin(): void;
  /**
   * Hears of the next question that was asked, which nobody is sent before that.
   *
   * @param tell tells of it
   * @returns whether there was one
   * @throws {Error} where nobody answers any more
   */
  hear(tell: (asked: AskedName) => void): boolean;
}

/** What the tracer needs where rules are about the network. */
export interface NetOptions {
  /**
   * Makes the filter for sockets for datagrams, an array of `struct sock_filter`,
   * which also lets in what comes from some addresses that were found by name.
   * Without one, whatever comes may be received.
   */
  readonly sources:
    | ((named: readonly SourceTest[]) => Uint8Array | undefined)
    | undefined;
  /**
   * Where a person may be asked, the same with what was allowed meanwhile;
   * `undefined` as long as nothing was.
   */
  readonly granted?: (() => Uint8Array | undefined) | undefined;
  /** Where rules name hosts, what that needs. */
  readonly names?: NameOptions | undefined;
}

/** Who follows a program from just before it runs. */
export interface Watcher {
  /** It runs: its file could be executed. */
  readonly runs?: (() => void) | undefined;
  /**
   * The program is gone, and others are waited for. Whoever asks jail to end now
   * kills one of them, and is told of by its death.
   *
   * @param pid which one, until another is named; 0 where there is none
   * @returns a signal that asked already, or 0; the jail ends of it
   */
  readonly endBy?: ((pid: number) => number) | undefined;
  /** Nothing is left. */
  readonly over: () => void;
}

/** What a program sees of the system. */
export interface SysOptions {
  /** What the policy says. */
  readonly rules: SysRules;
  /**
   * The file that is opened for reading in place of another.
   *
   * @param path the real path of that, a byte string
   * @returns a path without a link in it; `undefined` where it is as it is
   */
  readonly fileFor: (path: string) => string | undefined;
}

/** The file that decisions are logged to, by whatever name. */
export interface LogFile {
  /** The path that the policy knows it by; `undefined` where it has none there. */
  readonly path: string | undefined;
  /** `st_dev`. */
  readonly device: bigint;
  /** `st_ino`. */
  readonly inode: bigint;
  /** Whether who reads it takes records out of it. */
  readonly isPipe: boolean;
}

/** What the tracer needs for one run. */
export interface TraceOptions {
  /** How calls are caught. */
  readonly engine: Engine;
  /** The program to start. */
  readonly launch: LaunchPlan;
  /** Where its paths begin. */
  readonly view: View;
  /** The program as a person reads it, for messages. */
  readonly program: string;
  /** What to do, in the message, where it cannot be executed. */
  readonly hint?: string | undefined;
  /** The filter, as an array of `struct sock_filter`. */
  readonly filter: Uint8Array;
  /** The policy. */
  readonly decide: Decide;
  /**
   * Whether the policy refuses a call, whoever is asked. Files are looked into only
   * for one that it does not; without this, for any.
   */
  readonly refuses?: ((call: Call) => boolean) | undefined;
  /** Where rules are about the network, what that needs. */
  readonly net?: NetOptions | undefined;
  /**
   * Whether some calls wait for an answer in place of a stop, as the plan says.
   * Then this process's SIGCHLD is the tracer's.
   */
  readonly answers?: boolean | undefined;
  /**
   * Whether descriptors may come from outside by a socket: one was given, or can be
   * made.
   */
  readonly receives?: boolean | undefined;
  /**
   * What others hear by sockets that the program was given, by what /proc calls these.
   */
  readonly heard?: ReadonlyMap<string, Heard> | undefined;
  /** Whether this process is jail's own, its signals and its threads. */
  readonly owned?: boolean | undefined;
  /** What the filter was made of: what to look at in each call that stops. */
  readonly plan: CallPlan;
  /** What the program sees of the system, where that is not all real. */
  readonly sys?: SysOptions | undefined;
  /** The audit log, which nobody in the jail changes. */
  readonly log?: LogFile | undefined;
  /** Told of every decision on a call that stopped. An exception ends the jail. */
  readonly observe?: ((observation: Observation) => void) | undefined;
  /** How much may be used. */
  readonly limits?: Limits | undefined;
  /** What holds the memory of the jail, beside the watch. */
  readonly controlGroup?: ControlGroup | undefined;
  /** Told at the end what was used, where somebody wants to know. */
  readonly measured?: ((usage: Usage) => void) | undefined;
  /** Whether nobody waits for the end any more: then everything is killed. */
  readonly abandoned?: (() => boolean) | undefined;
  /** Wait for everything that the program started, not for the program alone. */
  readonly waitAll: boolean;
  /** Told once, with the program's process id, when it is about to run. */
  readonly started?: ((pid: number) => Watcher) | undefined;
  /**
   * Told when the program stopped by a job-control signal; returns when it may
   * go on, at once where it is not stopped any more.
   */
  readonly stopped?:
    | ((signal: number, still: () => boolean) => void)
    | undefined;
  /**
   * Turns off pinning and the path lock, so that a test can show that the
   * attacks it makes would win. Never set by jail itself.
   */
  readonly unsafe?: boolean;
}
