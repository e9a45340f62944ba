/**
 * How the C library is opened.
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

/** The C library's functions that every run calls, named as C names them. */
export type Libc = Numbers<Deno.StaticForeignLibraryInterface<typeof SYMBOLS>>;

/** Those that few runs call. */
export type RareLibc = Numbers<
  Deno.StaticForeignLibraryInterface<typeof RARE>
>;

const NAME = "libc.so.6";

/**
 * How many calls are made by address, before Deno compiles a way to each function.
 * That takes 5 milliseconds, and saves some two microseconds a call: a start makes
 * four hundred, and a thousand stops make enough.
 */
const COLD_CALLS = 2000;

let left = COLD_CALLS;
let opened: Libc | undefined;
let rare: RareLibc | undefined;

/** The functions as Deno has compiled them; `undefined` until many calls were made. */
export let compiled: Libc | undefined;

/** The thread's `errno`: one thread runs all JavaScript of an isolate. */
export let errno: { readonly 0: number } = [0];

/**
 * The functions, called by their addresses, for one call.
 *
 * Requires `--allow-ffi` permission.
 */
export function byAddress(): Libc {
  if (--left === 0) {
    compiled = compile(SYMBOLS) as Libc;
    rare = undefined;
  }
  return open();
}

function open(): Libc {
  if (opened !== undefined) return opened;
  opened = locate(SYMBOLS) as Libc;
  const location = opened.__errno_location() as Deno.PointerObject;
  const { BYTES_PER_ELEMENT: size } = Int32Array;
  errno = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(location, size),
  ) as Int32Array & { readonly 0: number };
  return opened;
}

/** The functions of {@linkcode RARE}, each opened by itself when it is called. */
export function openRare(): RareLibc {
  open();
  return rare ??= later(
    RARE,
    compiled === undefined ? locate : compile,
  ) as RareLibc;
}

type Functions = Readonly<Record<string, Deno.ForeignFunction>>;
type Called = (...args: readonly unknown[]) => unknown;

/** Functions that Deno compiles a way to. */
function compile(all: Functions): object {
  // Never closed: it is the library that the process itself runs on.
  return Deno.dlopen(NAME, all).symbols;
}

/** Functions that are called by their addresses. */
function locate(all: Functions): object {
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

/** Functions that are opened one by one, each when it is first asked for. */
function later(all: Functions, open: (one: Functions) => object): object {
  const functions = {};
  for (const [name, definition] of Object.entries(all)) {
    const get = (): unknown => {
      const one = open({ [name]: definition }) as Record<string, Called>;
      const called = one[name] as Called;
      const value: Called = (...args) => {
        const result = called(...args);
        return result === -1 ? -errno[0] : result;
      };
      Object.defineProperty(functions, name, { value });
      return value;
    };
    Object.defineProperty(functions, name, { get, configurable: true });
  }
  return functions;
}
