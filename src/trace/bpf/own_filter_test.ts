import { assertEquals } from "@std/assert";
import * as bpf from "../../abi/bpf.ts";
import { set } from "../../abi/layout.ts";
import { PIN_END, PIN_START } from "../../abi/pin.ts";
import { SECCOMP_DATA, SECCOMP_RET_ALLOW } from "../../abi/seccomp.ts";
import { SYSCALLS } from "../../abi/syscalls.ts";
import { interpret } from "./interpret.ts";
import { passingOpens } from "./own_filter.ts";

/** Returns A as it begins, and one more: what no filter before it may change. */
const OWN = instructions([bpf.BPF_ALU_ADD_K, 1], [bpf.BPF_RET_A, 0]);

function instructions(
  ...all: readonly (readonly [code: number, k: number])[]
): Uint8Array {
  const { size } = bpf.SOCK_FILTER;
  const bytes = new Uint8Array(all.length * size);
  for (const [i, [code, k]] of all.entries()) {
    set(bpf.SOCK_FILTER, bytes.subarray(i * size), "code", code);
    set(bpf.SOCK_FILTER, bytes.subarray(i * size), "k", k);
  }
  return bytes;
}

for (const arch of ["x86_64", "aarch64"] as const) {
  const { openat, openat2 } = SYSCALLS;
  const own = 1;
  const CASES: readonly [number, bigint, number][] = [
    [openat2[arch] as number, BigInt(PIN_START), SECCOMP_RET_ALLOW],
    [openat2[arch] as number, BigInt(PIN_END - 1), SECCOMP_RET_ALLOW],
    [openat2[arch] as number, BigInt(PIN_START - 1), own],
    [openat2[arch] as number, BigInt(PIN_END), own],
    [openat2[arch] as number, 2n ** 32n + BigInt(PIN_START), own],
    [openat2[arch] as number, 0n, own],
    [openat[arch] as number, BigInt(PIN_START), own],
  ];
  for (const [nr, path, wanted] of CASES) {
    Deno.test(`passingOpens() returns ${wanted} for call ${nr} by a path at ${path} (${arch})`, () => {
      const data = new Uint8Array(SECCOMP_DATA.size);
      set(SECCOMP_DATA, data, "nr", nr);
      set(SECCOMP_DATA, data, "arg1", path);
      const all = passingOpens(arch, OWN) as Uint8Array;
      assertEquals(interpret(all, data), wanted);
    });
  }
}

Deno.test("passingOpens() makes nothing that is longer than the kernel takes", () => {
  const { size } = bpf.SOCK_FILTER;
  const longest = bpf.BPF_MAXINSNS * size;
  const before = passingOpens("x86_64", OWN) as Uint8Array;
  const room = longest - (before.length - OWN.length);
  const fits = passingOpens("x86_64", new Uint8Array(room));
  assertEquals(fits?.length, longest);
  assertEquals(
    passingOpens("x86_64", new Uint8Array(room + size)),
    undefined,
  );
});
