/**
 * The C library, opened and typed.
 *
 * This is the only file that opens a library. Every call but one blocks: `errno`,
 * ptrace and wait belong to the calling thread, and a `nonblocking` call runs on
 * another one.
 */

import { RARE, SYMBOLS } from "./symbols.ts";

// Deno's types want a bigint for every 64-bit argument, and an array that is not
// shared. Its calls take a number as well, exact up to 2^53, and any array. A
// number costs up to 0.3 microseconds more, since only a bigint is passed without
// a look at it; where a call is frequent it gets constants, or a BigInt(n) that
// the compiler makes a plain word of.
type Wide<A> = A extends bigint ? number | bigint
  : A extends BufferSource | null ? ArrayBufferView | null
  : A;
type Numbers<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R
    ? (...args: { [I in keyof A]: Wide<A[I]> }) => R
    : never;
};

/** The C library's functions, named as C names them. */
type Libc = Numbers<Deno.StaticForeignLibraryInterface<typeof SYMBOLS>>;
type RareLibc = Numbers<Deno.StaticForeignLibraryInterface<typeof RARE>>;

const NAME = "libc.so.6";

let symbols: Libc | undefined;
let rare: RareLibc | undefined;
let location: Deno.UnsafePointerView | undefined;

function open(): Libc {
  // Never closed: it is the library that the process itself runs on.
  const opened = Deno.dlopen(NAME, SYMBOLS).symbols as unknown as Libc;
  // One thread runs all JavaScript of an isolate, so the place stays the same.
  location = new Deno.UnsafePointerView(
    opened.__errno_location() as Deno.PointerObject,
  );
  return opened;
}

/**
 * The C library, opened at the first call.
 *
 * Requires `--allow-ffi` permission.
 *
 * @returns its functions; a result of -1 goes through {@linkcode outcome} at once
 */
export function libc(): Libc {
  return symbols ??= open();
}

/**
 * The functions that few runs call. To open one costs a tenth of a millisecond or
 * two, so each is opened by itself when it is first called.
 *
 * @returns as {@linkcode libc}
 */
export function rareLibc(): RareLibc {
  if (rare === undefined) {
    libc();
    rare = openLater(RARE) as RareLibc;
  }
  return rare;
}

/** Functions that open themselves, and take their own places, when asked for. */
function openLater(all: Deno.ForeignLibraryInterface): object {
  const functions = {};
  for (const [name, definition] of Object.entries(all)) {
    const get = (): unknown => {
      const value = Deno.dlopen(NAME, { [name]: definition }).symbols[name];
      Object.defineProperty(functions, name, { value });
      return value;
    };
    Object.defineProperty(functions, name, { get, configurable: true });
  }
  return functions;
}

/**
 * The kernel's own convention of a C library's result.
 *
 * Must take the call itself as its argument, so that nothing comes between the
 * call and the look at `errno`.
 *
 * @param result what the call returned
 * @returns the result, or a negative errno
 */
export function outcome(result: number): number {
  return result === -1 && location !== undefined
    ? -location.getInt32()
    : result;
}
