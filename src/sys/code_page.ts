/** The page that holds jail's machine code, and the page of data beside it. */

import type { ErrnoName } from "../abi/errno.ts";
import { errnoName } from "../abi/errno.ts";
import { PROT_EXEC, PROT_READ } from "../abi/mman.ts";
import { SystemCallError } from "../errors.ts";
import { checkLauncher } from "./host.ts";
import {
  entry,
  HANDLER_DATA,
  HANDLER_SIZE,
  HANDLER_WORD,
  launchCode,
} from "./launch_code.ts";
import { libc, rareLibc } from "./libc.ts";
import { mapMemory } from "./mapping.ts";

/** The code in memory, for as long as the process lives. */
export interface CodePage {
  /** `long launch(struct block *block)`. */
  readonly launch: (block: Uint8Array<ArrayBuffer>) => number;
  /** `long heir(struct heir *block)`. */
  readonly heir: (block: Uint8Array<ArrayBuffer>) => number;
  /** Address of the handler of signals. */
  readonly handler: number;
  /** Address of the handler that tells of tasks that have changed. */
  readonly changed: number;
  /** Address of the handler that kills when it is late. */
  readonly late: number;
  /** Address of what a handler returns to. */
  readonly restorer: number;
  /** What the handlers use, by `HANDLER_WORD`. */
  readonly words: Int32Array;
}

const LAUNCH = {
  parameters: ["buffer"],
  result: "i64",
} as const satisfies Deno.ForeignFunction;

let page: (CodePage & { readonly pointer: Deno.PointerObject }) | undefined;

/**
 * The code, put in memory at the first call.
 *
 * @returns what can be called, and where the data is
 * @throws {UnsupportedError} where there is no code for this machine
 */
export function codePage(): CodePage {
  return page ??= makeCodePage();
}

/**
 * Gives the memory of the code back: a thread that ends does not. Nothing that
 * was started may be left, and no signal be handled.
 */
export function freeCodePage(): void {
  if (page !== undefined) rareLibc().munmap(page.pointer, 2 * HANDLER_DATA);
  page = undefined;
}

/** Code that stays for as long as the process lives. */
export interface LastingCode {
  /** Address of a handler of signals that does nothing. */
  readonly nothing: number;
  /** Address of what a handler returns to. */
  readonly restorer: number;
}

/**
 * Puts code in memory that {@linkcode freeCodePage} leaves there, since a signal
 * of the whole process may still come when a thread has ended.
 *
 * @returns where it is
 * @throws {UnsupportedError} where there is no code for this machine
 */
export function lastingCode(): LastingCode {
  const { address } = mapCode(HANDLER_DATA);
  return {
    nothing: address + entry("back"),
    restorer: address + entry("restorer"),
  };
}

interface MappedCode {
  readonly pointer: Deno.PointerObject;
  readonly address: number;
}

/** Maps memory, with the code in its first page, which nobody can change. */
function mapCode(size: number): MappedCode {
  checkLauncher();
  const mapped = mapMemory(size);
  if (mapped === undefined) throw launcherError("mmap", "ENOMEM");
  const { pointer, address } = mapped;
  const code = launchCode();
  new Uint8Array(
    Deno.UnsafePointerView.getArrayBuffer(pointer, code.length),
  ).set(code);
  const result = libc.mprotect(pointer, HANDLER_DATA, PROT_READ | PROT_EXEC);
  if (result < 0) throw launcherError("mprotect", errnoName(-result));
  return { pointer, address: Number(address) };
}

function makeCodePage(): NonNullable<typeof page> {
  const { pointer, address } = mapCode(2 * HANDLER_DATA);
  const words = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(
      pointer,
      HANDLER_SIZE,
      HANDLER_DATA,
    ),
  );
  words[HANDLER_WORD.forwardTo] = -1;
  words[HANDLER_WORD.endBy] = -1;
  words[HANDLER_WORD.changes] = -1;
  words[HANDLER_WORD.one] = 1;
  return {
    launch: callable(pointer, "launch"),
    heir: callable(pointer, "heir"),
    handler: address + entry("handler"),
    changed: address + entry("changed"),
    late: address + entry("late"),
    restorer: address + entry("restorer"),
    words,
    pointer,
  };
}

/** A function of the code, which is given a block. */
function callable(
  pointer: Deno.PointerObject,
  label: "launch" | "heir",
): (block: Uint8Array<ArrayBuffer>) => number {
  const start = Deno.UnsafePointer.offset<typeof LAUNCH>(pointer, entry(label));
  const made = new Deno.UnsafeFnPointer(
    start as Deno.PointerObject<typeof LAUNCH>,
    LAUNCH,
  );
  return (block) => Number(made.call(block));
}

function launcherError(call: string, errno: ErrnoName): SystemCallError {
  return new SystemCallError(
    "prepare the launcher",
    call,
    errno,
    call === "mprotect"
      ? "allow this process to make memory executable"
      : undefined,
  );
}
