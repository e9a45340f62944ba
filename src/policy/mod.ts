/**
 * Policies: what a program may do, decided without running it.
 *
 * Nothing here needs a permission, or Linux: a policy is read, merged and asked
 * anywhere. The jail asks the same functions while a program runs, about files,
 * addresses and what else calls name. What its filter refuses by a call's number, as
 * every socket without `net`, comes to nobody, and is not refused here.
 *
 * @example Ask a policy
 * ```ts
 * import { compile, mergeLayers, parsePolicy } from "@jail/jail/policy";
 *
 * const layer = await parsePolicy("read: [/usr]", {
 *   source: "example.yaml",
 *   variables: {},
 * });
 * const engine = compile(mergeLayers([layer]));
 * const decision = engine.decide({
 *   name: "openat",
 *   uses: [{ access: "read", path: "/etc/shadow", kind: "file" }],
 * });
 * console.log(decision.kind); // "refuse"
 * ```
 *
 * @module
 */

export {
  PolicyError,
  type PolicyErrorOptions,
  type Position,
} from "../errors.ts";
export type { Access, Call, FileKind, Move, Use } from "./call.ts";
export type { Decision, Refusal, RuleRef } from "./decision.ts";
export { compile, type CompileOptions } from "./compile.ts";
export type { Engine } from "./decide.ts";
export type { Endpoint, NetAccess, NetUse } from "./net/endpoint.ts";
export { passes } from "./env.ts";
export {
  type LoadedPolicy,
  type LoadOptions,
  type LoadPolicy,
  loadPolicy,
  policyLoader,
  type ReadFile,
} from "./file/extend.ts";
export {
  type FlagOptions,
  flagsLayer,
  type FlagValues,
  type PermissionFlags,
} from "./file/flags.ts";
export { type Limit, type Limits } from "./limits.ts";
export { mergeLayers } from "./merge.ts";
export type {
  Net,
  NetRule,
  NetRules,
  NetRuleSet,
  SocketFamily,
} from "./net/net.ts";
export type { InterfaceIndex } from "./net/match.ts";
export type { NetPattern, Ports } from "./net/pattern.ts";
export { type ParseOptions, parsePolicy } from "./file/parse.ts";
export {
  type PermissionOptions,
  permissionsLayer,
} from "./file/permissions.ts";
export type {
  AllOrNone,
  CallRule,
  CallRules,
  DefaultRule,
  Effect,
  EnvRules,
  Layer,
  NameRule,
  PathRule,
  PathRules,
  PathSection,
  Policy,
  PolicyText,
  Reference,
  RootRule,
  SaidNothing,
  Sections,
  ValueRule,
} from "./policy.ts";
export { type Preset, presetNamed, PRESETS } from "./presets.ts";
export type { Fact, SysRules, TimeRule, UnameField } from "./sys.ts";
export type { Realpath, Said } from "./path/rules.ts";
export type { Variables } from "./file/variables.ts";
export type { LimitName } from "../outcome.ts";
export type { ErrnoName } from "../abi/errno.ts";
export type { SignalName } from "../abi/signal.ts";
export type { Group, SyscallName } from "../abi/syscalls.ts";
