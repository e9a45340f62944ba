/** What a policy says of system calls by name. */

import { type Group, type SyscallName, syscallsOf } from "../abi/syscalls.ts";
import type { Refusal, RuleRef } from "./decision.ts";
import type { CallRule, Policy } from "./policy.ts";

/**
 * Calls that no policy can allow: each would let the program out of the jail,
 * or blind it. `ptrace` and its kind reach into other processes, `io_uring`
 * does work that no filter sees, `clone3` has its flags in memory, where a thread
 * can change them, the rest change what the kernel enforces.
 */
export const NEVER_ALLOWED: ReadonlySet<SyscallName> = new Set<SyscallName>([
  "bpf",
  "chroot",
  "clone3",
  "create_module",
  "delete_module",
  "fanotify_init",
  "fanotify_mark",
  "finit_module",
  "fsconfig",
  "fsmount",
  "fsopen",
  "fspick",
  "init_module",
  "io_uring_enter",
  "io_uring_register",
  "io_uring_setup",
  "ioperm",
  "iopl",
  "kcmp",
  "kexec_file_load",
  "kexec_load",
  "lsm_set_self_attr",
  "memfd_secret",
  "migrate_pages",
  "modify_ldt",
  "mount",
  "mount_setattr",
  "move_mount",
  "move_pages",
  "open_by_handle_at",
  "open_tree",
  "open_tree_attr",
  "perf_event_open",
  "pidfd_getfd",
  "pivot_root",
  "process_madvise",
  "process_mrelease",
  "process_vm_readv",
  "process_vm_writev",
  "ptrace",
  "remap_file_pages",
  "set_thread_area",
  "setns",
  "swapoff",
  "swapon",
  "umount2",
  "unshare",
  "uselib",
  "userfaultfd",
]);

/** What a policy says of one call, groups and layers resolved. */
export type CallSetting =
  /** A call that is otherwise forbidden may be made. */
  | { readonly kind: "allow"; readonly ref: RuleRef }
  /** It is refused before anything else is looked at. */
  | {
    readonly kind: "refuse";
    readonly refusal: Refusal;
    readonly ref: RuleRef;
  };

const EPERM: Refusal = { kind: "errno", errno: "EPERM" };

/**
 * Resolves a policy's rules for calls.
 *
 * A refusal beats an allow. Among refusals the last one that gives the call's
 * own name wins, and only without one the last that gives its group.
 *
 * @param policy the merged policy
 * @returns the calls that the policy names, and what it says of them
 */
export function callSettings(
  policy: Policy,
): ReadonlyMap<SyscallName, CallSetting> {
  const settings = new Map<SyscallName, CallSetting>();
  const otherwise = policy.default?.refusal ?? EPERM;
  for (const rule of policy.calls.allow) {
    for (const name of namesOf(rule)) {
      // A group means those of its calls that can be allowed.
      if (NEVER_ALLOWED.has(name)) continue;
      settings.set(name, { kind: "allow", ref: rule.ref });
    }
  }
  for (const ofGroups of [true, false]) {
    for (const rule of policy.calls.refuse) {
      if (rule.name.startsWith("@") !== ofGroups) continue;
      const refusal = rule.refusal ?? otherwise;
      for (const name of namesOf(rule)) {
        settings.set(name, { kind: "refuse", refusal, ref: rule.ref });
      }
    }
  }
  return settings;
}

/** The calls that a rule means. */
function namesOf(rule: CallRule): readonly SyscallName[] {
  return rule.name.startsWith("@")
    ? syscallsOf(rule.name.slice(1) as Group)
    : [rule.name as SyscallName];
}
