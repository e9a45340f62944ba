/** Answers calls that tell facts of the system, as the policy gives them. */

import { EINVAL, ENOSYS, ESRCH } from "../../abi/errno.ts";
import { GRND_VALID } from "../../abi/random.ts";
import type { SyscallName } from "../../abi/syscalls.ts";
import { UTS_FIELD } from "../../abi/utsname.ts";
import {
  given,
  givenUname,
  type SysRules,
  UNAME_FIELDS,
} from "../../policy/sys.ts";
import { readNames } from "../../sys/clock.ts";
import { storeMemory } from "../../sys/task/memory.ts";
import type { Registers } from "../tracee/registers.ts";
import type { Process, Tracee } from "../tracee/tracee.ts";
import { Chance } from "./chance.ts";
import { TimeFacts } from "./time.ts";

/** Most bytes of getrandom(2) that are given at once, as for /dev/urandom. */
const MAX_RANDOM = 4096;

/** Answers calls. */
export class Facts {
  readonly #sys: SysRules;
  readonly #isOwn: (pid: number) => boolean;
  /** Answers what is about the time; `undefined` where that is real. */
  readonly time: TimeFacts | undefined;
  readonly #names: Uint8Array;
  readonly #chances = new WeakMap<Process, Chance>();
  #streams = 0;
  readonly #bytes = new Uint8Array(MAX_RANDOM);
  readonly #words = new DataView(this.#bytes.buffer);

  /**
   * Starts what the policy's clock and chance are.
   *
   * @param sys what the policy says
   * @param isOwn whether an id is one of the jail's
   */
  constructor(sys: SysRules, isOwn: (pid: number) => boolean) {
    this.#sys = sys;
    this.#isOwn = isOwn;
    const time = given(sys.time);
    this.time = time && new TimeFacts(time);
    this.#names = namesOf(sys);
  }

  /**
   * Answers a call.
   *
   * @param tracee who made it
   * @param registers its registers
   * @param name the call
   * @returns its result, or a negated errno; what it fills is filled
   */
  answer(tracee: Tracee, registers: Registers, name: SyscallName): number {
    switch (name) {
      case "uname":
        return this.#store(
          tracee,
          registers.address(0),
          this.#names,
          this.#names.length,
        );
      case "clock_gettime":
      case "gettimeofday":
      case "time":
        return this.time?.answer(tracee.tid, registers, name) ?? -ENOSYS;
      case "sched_getaffinity":
        return this.#affinity(tracee, registers);
      case "getuid":
      case "geteuid":
        return given(this.#sys.uid) ?? 0;
      case "getgid":
      case "getegid":
        return given(this.#sys.gid) ?? 0;
      case "getresuid":
        return this.#ids(tracee, registers, given(this.#sys.uid) ?? 0);
      case "getresgid":
        return this.#ids(tracee, registers, given(this.#sys.gid) ?? 0);
      case "getgroups":
        return this.#groups(tracee, registers);
      case "getrandom":
        return this.#random(tracee, registers);
    }
    return -ENOSYS;
  }

  /** The random bytes of a process; `undefined` where they are the kernel's. */
  chance(process: Process): Chance | undefined {
    const seed = given(this.#sys.random);
    if (seed === undefined) return undefined;
    const known = this.#chances.get(process);
    if (known !== undefined) return known;
    const chance = new Chance(seed, this.#streams++);
    this.#chances.set(process, chance);
    return chance;
  }

  #store(
    tracee: Tracee,
    address: number,
    bytes: Uint8Array,
    length: number,
  ): number {
    return storeMemory(tracee.tid, address, bytes, length);
  }

  /** As sched_getaffinity(2) of a machine with that many processors. */
  #affinity(tracee: Tracee, registers: Registers): number {
    const cpus = given(this.#sys.cpus) ?? 1;
    const tid = registers.int(0);
    if (tid !== 0 && !this.#isOwn(tid)) return -ESRCH;
    const length = Math.ceil(cpus / 64) * 8;
    const room = registers.uint(1);
    if (room < length || room % 8 !== 0) return -EINVAL;
    for (let i = 0; i < length; i++) {
      const bits = Math.max(0, Math.min(8, cpus - 8 * i));
      this.#bytes[i] = 2 ** bits - 1;
    }
    const address = registers.address(2);
    const stored = this.#store(tracee, address, this.#bytes, length);
    return stored < 0 ? stored : length;
  }

  #ids(tracee: Tracee, registers: Registers, id: number): number {
    this.#words.setUint32(0, id, true);
    for (let i = 0; i < 3; i++) {
      const stored = this.#store(tracee, registers.address(i), this.#bytes, 4);
      if (stored < 0) return stored;
    }
    return 0;
  }

  #groups(tracee: Tracee, registers: Registers): number {
    const room = registers.int(0);
    if (room === 0) return 1;
    if (room < 1) return -EINVAL;
    this.#words.setUint32(0, given(this.#sys.gid) ?? 0, true);
    const address = registers.address(1);
    const stored = this.#store(tracee, address, this.#bytes, 4);
    return stored < 0 ? stored : 1;
  }

  #random(tracee: Tracee, registers: Registers): number {
    const chance = this.chance(tracee.process);
    if (chance === undefined || (registers.int(2) & ~GRND_VALID) !== 0) {
      return -EINVAL;
    }
    const length = Math.min(registers.address(1), MAX_RANDOM);
    chance.fill(this.#bytes, length);
    const address = registers.address(0);
    if (length === 0) return 0;
    const stored = this.#store(tracee, address, this.#bytes, length);
    return stored < 0 ? stored : length;
  }
}

/** What uname(2) says: the real names, and the policy's in their place. */
export function namesOf(sys: SysRules): Uint8Array {
  const names = readNames();
  const fields = givenUname(sys);
  UNAME_FIELDS.forEach((field, index) => {
    const text = fields[field];
    if (text === undefined) return;
    const place = names.subarray(index * UTS_FIELD, (index + 1) * UTS_FIELD);
    place.fill(0);
    new TextEncoder().encodeInto(text, place.subarray(0, UTS_FIELD - 1));
  });
  return names;
}
