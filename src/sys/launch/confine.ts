/** What every program gives up before it starts, whatever the policy says. */

import {
  _LINUX_CAPABILITY_VERSION_3,
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_DATA,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_HEADER,
  CAP_KILL,
  CAP_LAST_CAP,
  CAP_NET_BIND_SERVICE,
  CAP_SETGID,
  CAP_SETPCAP,
  CAP_SETUID,
  CAP_SYS_PTRACE,
  hasCapability,
} from "../../abi/capability.ts";
import { errnoName } from "../../abi/errno.ts";
import { get, set } from "../../abi/layout.ts";
import { PR_CAPBSET_DROP } from "../../abi/prctl.ts";
import { RLIMIT64, RLIMIT_CORE } from "../../abi/resource.ts";
import { SystemCallError } from "../../errors.ts";
import { callNumber } from "../host.ts";
import { ownUser } from "../ids.ts";
import { libc } from "../libc.ts";
import { hidesOthers } from "../task/groups.ts";
import type { Step } from "./steps.ts";

/**
 * What root keeps, as far as it has it: whose files are whose, and who it is. Nothing
 * that reaches the machine: no devices, no mounts, no raw network, no limits raised.
 */
const KEPT: readonly number[] = [
  CAP_CHOWN,
  CAP_DAC_OVERRIDE,
  CAP_DAC_READ_SEARCH,
  CAP_FOWNER,
  CAP_FSETID,
  CAP_KILL,
  CAP_SETGID,
  CAP_SETUID,
  CAP_SETPCAP,
  CAP_NET_BIND_SERVICE,
];

/**
 * The calls after which there is no core.
 *
 * A limit of 0 holds for files alone: where `core_pattern` names a program, that
 * would still run outside the jail with all that the core holds. At 1 the kernel
 * makes no core in either way (fs/coredump.c). Where the hard limit is 0 already
 * it takes privilege to raise it to that.
 */
function noCore(): Step[] {
  const own = limitOf(0);
  const result = libc.syscallIIBB(
    callNumber("prlimit64"),
    0,
    RLIMIT_CORE,
    null,
    own,
  );
  const isZero = result === 0 && get(RLIMIT64, own, "rlim_max") === 0;
  return [{
    call: "prlimit64",
    args: [0, RLIMIT_CORE, limitOf(1), 0],
    mayFail: isZero,
  }];
}

function limitOf(bytes: number): Uint8Array<ArrayBuffer> {
  const limit = new Uint8Array(RLIMIT64.size);
  set(RLIMIT64, limit, "rlim_cur", bytes);
  set(RLIMIT64, limit, "rlim_max", bytes);
  return limit;
}

/**
 * Whether a program may do to files what this process may: it is root, which keeps
 * what concerns them, or nobody with capabilities that it would lose.
 */
export function keepsFileRights(): boolean {
  return ownUser() === 0 || permittedNow() === 0;
}

/**
 * The capabilities that this process may use, as bits.
 *
 * @throws {SystemCallError} where that cannot be told: what is not known is not given up
 */
function permittedNow(): number {
  const header = headerOfSelf();
  const data = new Uint8Array(CAP_DATA.size);
  const result = libc.syscallBB(callNumber("capget"), header, data);
  if (result < 0) {
    throw new SystemCallError(
      "give up capabilities",
      "capget()",
      errnoName(-result),
    );
  }
  return get(CAP_DATA, data, "permitted0") +
    get(CAP_DATA, data, "permitted1") * 2 ** 32;
}

function headerOfSelf(): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(CAP_HEADER.size);
  set(CAP_HEADER, header, "version", _LINUX_CAPABILITY_VERSION_3);
  return header;
}

/**
 * The calls by which a program gives up capabilities and core files.
 *
 * A core file would be written by the kernel, where no rule is asked. Without
 * privilege there are no capabilities to give up.
 *
 * @param ownsNamespace whether it has entered a user namespace of jail's own, which
 * gives it every capability in there
 * @returns steps for the launcher
 */
export function confinement(ownsNamespace = false): Step[] {
  const steps = noCore();
  const own = permittedNow();
  const permitted = ownsNamespace ? 2 ** (CAP_LAST_CAP + 1) - 1 : own;
  if (permitted === 0) return steps;
  // Who becomes another user can be ended by this alone.
  const ends = hasCapability(own, CAP_KILL);
  // What /proc hides seems to be gone, and to have nothing open.
  const sees = hasCapability(own, CAP_SYS_PTRACE) || !hidesOthers();
  const mayKeep = ownsNamespace
    // What the namespace gives besides was never its own.
    ? (cap: number): boolean => ownUser() === 0 && hasCapability(own, cap)
    : (cap: number): boolean =>
      cap === CAP_SETUID ? ends && sees : cap !== CAP_SETGID || sees;
  const keeps = KEPT.filter(mayKeep);
  const kept = keeps.reduce((mask, cap) => mask + 2 ** cap, 0);
  for (let cap = 0; cap <= CAP_LAST_CAP; cap++) {
    if (keeps.includes(cap)) continue;
    // A kernel that has fewer says EINVAL; one that lets it not be dropped,
    // EPERM, and then it is not in the sets below either.
    steps.push({ call: "prctl", args: [PR_CAPBSET_DROP, cap], mayFail: true });
  }
  const left = new Uint8Array(CAP_DATA.size);
  const low = Number(BigInt(kept) & BigInt(permitted));
  set(CAP_DATA, left, "effective0", low);
  set(CAP_DATA, left, "permitted0", low);
  steps.push({ call: "capset", args: [headerOfSelf(), left] });
  return steps;
}
