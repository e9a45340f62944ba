/**
 * Deno's permissions for any Linux program.
 *
 * A program runs under a policy, with everything that it starts, and with no
 * root, container or daemon. The shape is that of `Deno.Command`; a policy is a
 * built-in one, a YAML file, or permissions as Deno writes them. The tracer runs
 * in a Worker: the calling thread is not blocked, unless by `outputSync()`, and
 * children of `Deno.Command` stay its own. A jail ends with the thread that started
 * it, and keeps that from ending: there is no `unref()`.
 *
 * Requires `--allow-ffi` permission, which cannot be narrowed: a caller that can
 * trace a program can do anything itself. It needs `--allow-read` for the module
 * of the Worker, and `--allow-env` to hand on the environment.
 *
 * @example Run a program, and see what it was refused
 * ```ts ignore
 * import { Jail } from "@jail/jail";
 *
 * const jail = new Jail("default");
 * const { success, stderr, denials } = await jail.command("cat", {
 *   args: ["/etc/shadow"],
 * }).output();
 * console.log(success); // false
 * console.log(new TextDecoder().decode(stderr)); // cat: … Permission denied
 * console.log(denials[0]?.text); // openat("/etc/shadow", O_RDONLY)
 * ```
 *
 * @example Permissions as Deno writes them
 * ```ts ignore
 * import { Jail } from "@jail/jail";
 *
 * const jail = new Jail("minimal", {
 *   read: ["/usr/share", "data"],
 *   write: ["out"],
 *   run: ["sort"],
 * });
 * await jail.command("sort", { args: ["-o", "out/sorted", "data"] }).output();
 * ```
 *
 * @example Streams, signals and limits
 * ```ts ignore
 * import { Jail } from "@jail/jail";
 *
 * await using process = new Jail("policies/build.yaml").command("make", {
 *   stdout: "piped",
 *   limits: { time: "60s", memory: "1GiB", processes: 64 },
 * }).spawn();
 * for await (const text of process.stdout.pipeThrough(new TextDecoderStream())) {
 *   console.log(text);
 * }
 * const { code, signal, usage } = await process.status;
 * console.log(usage.memory); // 301989888
 * ```
 *
 * @module
 */

export type { ErrnoName } from "./abi/errno.ts";
export type { SignalName } from "./abi/signal.ts";
export type { Group, SyscallName } from "./abi/syscalls.ts";
export {
  LaunchError,
  PolicyError,
  type PolicyErrorOptions,
  type Position,
  SystemCallError,
  UnsupportedError,
  UsageError,
} from "./errors.ts";
export type { Denial, DenialRule } from "./jail/denial.ts";
export {
  Jail,
  type JailCommand,
  type JailCommandOptions,
  type PolicySource,
} from "./jail/jail.ts";
export type {
  JailPermissions,
  Permission,
  PermissionValue,
} from "./jail/permissions.ts";
export type { JailLimits } from "./jail/limits.ts";
export type { JailedProcess } from "./jail/spawn.ts";
export type { JailOutput, JailStatus } from "./jail/status.ts";
export type { Stdio } from "./jail/stdio.ts";
export type { Bytes, OutputStream } from "./jail/streams.ts";
export type {
  EndingPosition,
  EndingRule,
  LimitName,
  Outcome,
} from "./outcome.ts";
export type { Access, FileKind, Use } from "./policy/call.ts";
export type { Refusal, RuleRef } from "./policy/decision.ts";
export type { Limit, Limits } from "./policy/limits.ts";
export type {
  AllOrNone,
  CallRule,
  CallRules,
  DefaultRule,
  EnvRules,
  NameRule,
  PathRule,
  PathRules,
  Policy,
  PolicyText,
  RootRule,
  Sections,
  ValueRule,
} from "./policy/policy.ts";
export type { Fact, SysRules, TimeRule, UnameField } from "./policy/sys.ts";
export type { Usage } from "./trace/limits/accounts.ts";
export type { Engine, EngineChoice } from "./trace/options.ts";
