/** Memory of this process that is its own, and not the engine's to move or free. */

import {
  MAP_ANONYMOUS,
  MAP_PRIVATE,
  PROT_READ,
  PROT_WRITE,
} from "../abi/mman.ts";
import { libc } from "./libc.ts";

/** Where it is. */
export interface Mapping {
  /** For `Deno.UnsafePointerView`. */
  readonly pointer: Deno.PointerObject;
  /** For the kernel, and for machine code. */
  readonly address: bigint;
}

/**
 * Maps memory that can be read and written.
 *
 * @param size how much, in bytes
 * @param flags of `MAP_*`, those that go beside `MAP_PRIVATE | MAP_ANONYMOUS`
 * @returns where it is; `undefined` where there is none left: with these flags
 * mmap(2) fails with ENOMEM alone
 */
export function mapMemory(size: number, flags = 0): Mapping | undefined {
  const pointer = libc.mmap(
    ...[0, size, PROT_READ | PROT_WRITE] as const,
    ...[MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0] as const,
  );
  const address = Deno.UnsafePointer.value(pointer);
  const failed = pointer === null || BigInt.asIntN(64, address) === -1n;
  return failed ? undefined : { pointer, address };
}
