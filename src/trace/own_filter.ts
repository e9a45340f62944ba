/**
 * What happens at a call by which a program gives itself a seccomp filter.
 *
 * The kernel takes a copy of it, with what lets jail's own opens pass before it, from
 * the pinned pages: what was read is what is installed.
 */

import { BPF_MAXINSNS, SOCK_FILTER, SOCK_FPROG } from "../abi/bpf.ts";
import { EFAULT, EINVAL, ENOMEM } from "../abi/errno.ts";
import { get } from "../abi/layout.ts";
import { readMemory } from "../sys/task/memory.ts";
import { passingOpens } from "./bpf/own_filter.ts";
import type { Flights } from "./hold/flights.ts";
import type { LimitedCalls } from "./limited_calls.ts";
import { nothing } from "./look/looked.ts";
import type { CallSpec } from "./look/spec.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** The argument that says where the `struct sock_fprog` is. */
const PROGRAM = 2;

const program = new Uint8Array(SOCK_FPROG.size);
const filter = new Uint8Array(BPF_MAXINSNS * SOCK_FILTER.size);

/** Handles one; false where it has to wait. */
export function addFilter(
  tracee: Tracee,
  spec: CallSpec,
  { arch, answers, options }: Tools,
  flights: Flights,
  limited: LimitedCalls,
): boolean {
  const { pins } = tracee.space;
  if (pins.state === "mapping") return false;
  // The filter may not let the pages be mapped later.
  if (!flights.prepare(tracee)) return true;
  const own = readFilter(tracee.tid, answers.registers.address(PROGRAM));
  if (typeof own === "number") {
    if (answers.allowed(tracee, spec, nothing())) answers.answer(tracee, own);
    return true;
  }
  const slot = pins.takeFilter();
  if (slot < 0) {
    pins.waiting.push(tracee);
    return true;
  }
  // Before a call that stops by ptrace alone the filter has not seen it yet.
  const whole = options.engine === "ptrace"
    ? own
    : passingOpens(arch.name, own);
  const goes = limited.filter(tracee, spec, own.length / SOCK_FILTER.size) &&
    answers.allowed(tracee, spec, nothing()) === true;
  if (!goes) {
    pins.give(slot);
  } else if (whole === undefined) {
    pins.give(slot);
    // As where it has too many of them already.
    answers.answer(tracee, -ENOMEM);
  } else {
    tracee.process.filtered = true;
    flights.depart(tracee, spec, slot, nothing(), (registers) => {
      const address = pins.putFilter(tracee.tid, slot, whole);
      if (address >= 0) registers.setArgument(PROGRAM, address);
      return Math.min(address, 0);
    });
  }
  return true;
}

/** Reads a filter once; a negated errno where the kernel takes none. */
function readFilter(tid: number, address: number): Uint8Array | number {
  const { size } = SOCK_FPROG;
  if (readMemory(tid, address, program, size) !== size) return -EFAULT;
  const length = get(SOCK_FPROG, program, "len");
  if (length === 0 || length > BPF_MAXINSNS) return -EINVAL;
  const bytes = length * SOCK_FILTER.size;
  const at = get(SOCK_FPROG, program, "filter");
  if (readMemory(tid, at, filter, bytes) !== bytes) return -EFAULT;
  return filter.subarray(0, bytes);
}
