import { assert, assertEquals, assertThrows } from "@std/assert";
import { AARCH64 } from "../../abi/aarch64.ts";
import type { Arch } from "../../abi/arch.ts";
import { BPF_LD_W_ABS, SOCK_FILTER } from "../../abi/bpf.ts";
import { ENOSYS } from "../../abi/errno.ts";
import { get, set } from "../../abi/layout.ts";
import {
  SECCOMP_DATA,
  SECCOMP_RET_ALLOW,
  SECCOMP_RET_ERRNO,
  SECCOMP_RET_KILL_PROCESS,
  SECCOMP_RET_TRACE,
} from "../../abi/seccomp.ts";
import { syscallByNumber, SYSCALLS } from "../../abi/syscalls.ts";
import { AUDIT_ARCH_I386, X86_64 } from "../../abi/x86_64.ts";
import {
  type CallArguments,
  type Guard,
  isZero,
} from "../../policy/plan/guard.ts";
import { actionOf, type CallPlan, planCalls } from "../../policy/plan/plan.ts";
import { EMPTY_LAYER, type Policy } from "../../policy/policy.ts";
import { assemble, returnValue } from "./filter.ts";
import { interpret } from "./interpret.ts";

const NONE: Policy = { ...EMPTY_LAYER, net: "none", sys: {} };
const ALL: Policy = { ...EMPTY_LAYER, net: "all", sys: {} };

const PLANS: readonly [string, CallPlan][] = [
  ["without the network", planCalls(NONE, { observe: false })],
  ["with the network", planCalls(ALL, { observe: false })],
  ["observed", planCalls(NONE, { observe: true, sockets: "streams" })],
  ["answered", planCalls(NONE, { observe: false, answers: true })],
];
const ARCHS: readonly Arch[] = [X86_64, AARCH64];

function call(
  arch: Pick<Arch, "audit">,
  nr: number,
  args: readonly bigint[] = [],
): Uint8Array {
  const data = new Uint8Array(SECCOMP_DATA.size);
  set(SECCOMP_DATA, data, "nr", nr);
  set(SECCOMP_DATA, data, "arch", arch.audit);
  args.forEach((value, i) =>
    set(SECCOMP_DATA, data, `arg${i as 0 | 1 | 2 | 3 | 4 | 5}`, value)
  );
  return data;
}

function argumentsOf(args: readonly bigint[]): CallArguments {
  const at = (i: number): bigint => BigInt.asUintN(64, args[i] ?? 0n);
  return {
    uint: (i) => Number(BigInt.asUintN(32, at(i))),
    address: (i) => Number(at(i)),
  };
}

/** What the plan says, without a filter. */
function expected(
  plan: CallPlan,
  arch: Arch,
  nr: number,
  args: readonly bigint[],
): number {
  if (nr >>> 0 === 0xffff_ffff) return SECCOMP_RET_ALLOW;
  const syscall = syscallByNumber(arch.name, nr);
  const entry = syscall === undefined ? undefined : plan.get(syscall.name);
  if (entry === undefined) return SECCOMP_RET_ERRNO | ENOSYS;
  return returnValue(actionOf(entry, argumentsOf(args)));
}

/** Numbers that come out the same each time (xorshift32). */
function numbers(seed: number): () => number {
  let x = seed;
  return () => {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return x >>> 0;
  };
}

/** Every constant that a guard of the plan compares with. */
function constants(plan: CallPlan): readonly bigint[] {
  const found = new Set<number>([0, 1]);
  for (const { guards } of plan.values()) {
    for (const test of guards.flatMap((guard) => guard.tests)) {
      switch (test.kind) {
        case "in":
        case "not-in":
        case "masked-in":
          for (const value of test.values) found.add(value);
          break;
        case "any-bits":
        case "other-bits":
          found.add(test.mask);
          break;
        case "below":
          found.add(test.end).add(test.end - 1);
          break;
        case "zero":
        case "nonzero":
          break;
      }
    }
  }
  return [...found].map((n) => BigInt.asUintN(32, BigInt(n)));
}

for (const [name, plan] of PLANS) {
  for (const arch of ARCHS) {
    const filter = assemble(plan, arch);

    Deno.test(`assemble() fits the kernel ${name} on ${arch.name}`, () => {
      assert(filter.length / SOCK_FILTER.size < 2048);
    });

    Deno.test(`assemble() does what the plan says ${name} on ${arch.name}, every number`, () => {
      for (let nr = 0; nr <= 1000; nr++) {
        for (const args of [[], [1n, 1n, 1n, 1n, 1n, 1n]]) {
          assertEquals(
            interpret(filter, call(arch, nr, args)),
            expected(plan, arch, nr, args),
            `${nr}`,
          );
        }
      }
    });

    Deno.test(`assemble() does what the plan says ${name} on ${arch.name}, any arguments`, () => {
      const next = numbers(0x1998_0724);
      const pool = constants(plan);
      const guarded = [...plan].flatMap(([call, entry]) => {
        const nr = SYSCALLS[call][arch.name];
        return nr === undefined || entry.guards.length === 0 ? [] : [nr];
      });
      const high = [0n, 0n, 0n, 1n, 0x0100_0000n, 0xffff_ffffn];
      for (let i = 0; i < 20_000; i++) {
        const nr = guarded[next() % guarded.length] as number;
        const args = Array.from({ length: 6 }, () => {
          const low = next() % 8 === 0
            ? BigInt(next())
            : pool[next() % pool.length] as bigint;
          return (high[next() % high.length] as bigint) << 32n | low;
        });
        assertEquals(
          interpret(filter, call(arch, nr, args)),
          expected(plan, arch, nr, args),
          `${nr} ${args.map((arg) => arg.toString(16))}`,
        );
      }
    });

    Deno.test(`assemble() kills calls of another architecture ${name} on ${arch.name}`, () => {
      for (const audit of [AUDIT_ARCH_I386, 0, 0xffff_ffff]) {
        for (let nr = -1; nr < 500; nr++) {
          assertEquals(
            interpret(filter, call({ audit }, nr)),
            SECCOMP_RET_KILL_PROCESS,
          );
        }
      }
    });

    Deno.test(`assemble() knows no call of x32 ${name} on ${arch.name}`, () => {
      for (let nr = 0; nr < 600; nr++) {
        for (const bit of [0x4000_0000, 0x8000_0000, 0xc000_0000]) {
          assertEquals(
            interpret(filter, call(arch, (bit | nr) | 0)),
            SECCOMP_RET_ERRNO | ENOSYS,
          );
        }
      }
      assertEquals(
        interpret(filter, call(arch, -2)),
        SECCOMP_RET_ERRNO | ENOSYS,
      );
    });

    Deno.test(`assemble() leaves number -1 as it is ${name} on ${arch.name}`, () => {
      assertEquals(interpret(filter, call(arch, -1)), SECCOMP_RET_ALLOW);
    });
  }
}

Deno.test("assemble() lets the tracer make the calls that it puts in place of others", () => {
  const refusing: Policy = {
    ...NONE,
    calls: {
      allow: [],
      refuse: (["openat2", "fchmodat2", "mmap", "statx"] as const).map(
        (name) => ({ name, ref: { source: "p", keys: [], text: name } }),
      ),
    },
  };
  for (const policy of [NONE, ALL, refusing]) {
    const plan = planCalls(policy, { observe: false });
    const filter = assemble(plan, X86_64);
    const page = [0x1_0000n, 0xc_0000n, 1n, 0x10_0022n, -1n, 0n];
    for (
      const [name, args] of [
        ["openat2", []],
        ["fchmodat2", []],
        ["statx", [0n, 0x1_0000n]],
        ["mmap", page],
      ] as const
    ) {
      const result = interpret(
        filter,
        call(X86_64, SYSCALLS[name].x86_64 as number, args),
      );
      assertEquals(result, SECCOMP_RET_TRACE, name);
    }
  }
});

Deno.test("assemble() lets the kernel remember what is allowed without a condition", () => {
  const filter = assemble(planCalls(NONE, { observe: false }), X86_64);
  for (const name of ["read", "write", "close", "brk", "getpid"] as const) {
    // The kernel remembers it only where nothing but number and architecture is
    // looked at, so a filter cut to those loads must still get to its end.
    const data = call(X86_64, SYSCALLS[name].x86_64 as number);
    assertEquals(interpret(withoutArguments(filter), data), SECCOMP_RET_ALLOW);
  }
  const data = call(X86_64, SYSCALLS.clone.x86_64 as number);
  assertThrows(() => interpret(withoutArguments(filter), data), RangeError);
});

/** The filter with every load of an argument made one that is refused. */
function withoutArguments(filter: Uint8Array): Uint8Array {
  const copy = filter.slice();
  for (let at = 0; at < copy.length; at += SOCK_FILTER.size) {
    const one = copy.subarray(at, at + SOCK_FILTER.size);
    if (get(SOCK_FILTER, one, "code") !== BPF_LD_W_ABS) continue;
    if (get(SOCK_FILTER, one, "k") >= 8) set(SOCK_FILTER, one, "k", 1);
  }
  return copy;
}

Deno.test("returnValue() takes what a filter can return", () => {
  assertEquals(returnValue({ kind: "return", value: 0 }), SECCOMP_RET_ERRNO);
  assertEquals(
    returnValue({ kind: "return", value: -4095 }),
    SECCOMP_RET_ERRNO | 4095,
  );
  assertThrows(() => returnValue({ kind: "return", value: 1 }), RangeError);
  assertEquals(returnValue({ kind: "kill" }), SECCOMP_RET_KILL_PROCESS);
});

Deno.test("assemble() looks at no argument that changes nothing, so that the kernel remembers the call", () => {
  const allow = { kind: "allow" } as const;
  const guard = { tests: [isZero(1)], action: allow, why: "it means nothing" };
  const filter = (guards: readonly Guard[]): Uint8Array =>
    assemble(new Map([["newfstatat", { guards, action: allow }]]), X86_64);
  assertEquals(filter([guard]), filter([]));
});
