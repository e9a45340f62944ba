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

/**
 * How many calls are made by address, before Deno compiles a way to each function.
 * That takes 0.2 milliseconds, and saves some two microseconds a call: a start
 * makes too few for that, and a thousand stops make enough.
 */
const COLD_CALLS = 2000;

let symbols: Libc | undefined;
let rare: RareLibc | undefined;
let location: Deno.UnsafePointerView | undefined;
let cold = COLD_CALLS;

/**
 * The C library, opened at the first call.
 *
 * Requires `--allow-ffi` permission.
 *
 * @returns its functions; a result of -1 goes through {@linkcode outcome} at once
 */
export function libc(): Libc {
  if (cold > 0 && --cold === 0) {
    symbols = compiled(SYMBOLS) as Libc;
    rare = undefined;
  }
  return symbols ??= open();
}

/**
 * The functions that few runs call, each opened by itself when it is.
 *
 * @returns as {@linkcode libc}
 */
export function rareLibc(): RareLibc {
  libc();
  return rare ??= later(RARE, cold > 0 ? byAddress : compiled) as RareLibc;
}

function open(): Libc {
  const opened = byAddress(SYMBOLS) as Libc;
  // One thread runs all JavaScript of an isolate, so the place stays the same.
  location = new Deno.UnsafePointerView(
    opened.__errno_location() as Deno.PointerObject,
  );
  return opened;
}

type Functions = Readonly<Record<string, Deno.ForeignFunction>>;

/** Functions that Deno compiles a way to. */
function compiled(all: Functions): object {
  // Never closed: it is the library that the process itself runs on.
  return Deno.dlopen(NAME, all).symbols;
}

/** Functions that are called by their addresses. */
function byAddress(all: Functions): object {
  const entries = Object.entries(all);
  const places = entries.map(([name, definition]) =>
    [name, { name: definition.name ?? name, type: "pointer" }] as const
  );
  const { symbols } = Deno.dlopen(NAME, Object.fromEntries(places));
  return Object.fromEntries(entries.map(([name, definition]) => {
    const pointer = symbols[name] as Deno.PointerObject<Deno.ForeignFunction>;
    const called = new Deno.UnsafeFnPointer(pointer, definition);
    return [name, called.call.bind(called)];
  }));
}

/** Functions that take their own places when they are asked for. */
function later(all: Functions, open: (one: Functions) => object): object {
  const functions = {};
  for (const [name, definition] of Object.entries(all)) {
    const get = (): unknown => {
      const value = (open({ [name]: definition }) as Functions)[name];
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
