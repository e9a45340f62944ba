/** Machine code of x86-64: the launcher, the handlers of jail's own signals, its heir. */

import type { Layout } from "../abi/layout.ts";

/**
 * What the launcher is given; the records follow at its end.
 *
 * The launcher makes a process that shares this memory, and the new process
 * carries out the records one after another. `execve` among them ends that. A
 * record that fails ends it too: `failed` and `result` say which and why, and
 * the process exits with 127.
 */
export const LAUNCH_BLOCK: Layout<
  "clone_args" | "count" | "failed" | "result" | "go"
> = {
  size: 40,
  // deno-fmt-ignore
  fields: {
    clone_args: [ 0, "u64"], // where the struct clone_args is
    count:      [ 8, "u64"], // how many records there are
    failed:     [16, "i64"], // index of the record that failed; -1 before
    result:     [24, "i64"], // its result, a negative errno
    go:         [32, "u32"], // the futex that the new process waits on
  },
};

/** One raw system call. */
export const LAUNCH_RECORD: Layout<
  "number" | "arg0" | "arg1" | "arg2" | "arg3" | "arg4" | "arg5" | "flags"
> = {
  size: 64,
  // deno-fmt-ignore
  fields: {
    number: [ 0, "u64"],
    arg0:   [ 8, "u64"],
    arg1:   [16, "u64"],
    arg2:   [24, "u64"],
    arg3:   [32, "u64"],
    arg4:   [40, "u64"],
    arg5:   [48, "u64"],
    flags:  [56, "u64"], // MAY_FAIL, WAITS, FORKS, IN_VAIN
  },
};

/** Go on whatever the call returns. */
export const MAY_FAIL = 1;

/**
 * Call again while the 32-bit word at argument 0 has the value of argument 2,
 * unless the time is up: what a wait on a futex needs. A result other than
 * `-ETIMEDOUT` is not looked at.
 */
export const WAITS = 2;

/**
 * The call makes a process: what it returns to, where that is not 0, has no more
 * to do and exits, and the new process goes on. Nothing uses the stack, so both
 * may have one, and their memory too.
 */
export const FORKS = 4;

/**
 * The call has to fail: it is asked for what cannot be done. Whoever has it succeed
 * does not make it.
 */
export const IN_VAIN = 8;

/** How far after the code the words are that the handler uses: a page. */
export const HANDLER_DATA = 4096;

/** The 32-bit words that the handlers use, by their places. */
export const HANDLER_WORD = {
  /** The pidfd that signals are passed on to; -1 for none. */
  forwardTo: 0,
  /** The pidfd of a process to kill, for jail to end; -1 for none. */
  endBy: 1,
  /** Which signals came, a bit each: `1 << signal`. */
  received: 2,
  /** How many came that were not a terminal's. */
  count: 3,
  /** The event that is raised when a task has changed. */
  changes: 4,
  /** What that is raised by: a 1 of 64 bits, in two words. */
  one: 6,
  /** How many threads are in the handler `late`. */
  busy: 8,
  /** How many places the table has that are used. */
  places: 9,
  /** The table's address, in two words: of the processes to kill when it is late. */
  table: 10,
  /** How often it has killed. */
  bites: 12,
  /** How often its signal has come, from a negative number on: above 0 it kills. */
  late: 13,
} as const;

/** How many bytes those words take. */
export const HANDLER_SIZE = 56;

/** What the heir is given, and the thread that waits for it. */
export const HEIR_BLOCK: Layout<
  "thread" | "process" | "pid" | "state" | "pidfd"
> = {
  size: 32,
  // deno-fmt-ignore
  fields: {
    thread:  [ 0, "u64"], // where the struct clone_args of the thread is
    process: [ 8, "u64"], // where that of the heir is
    pid:     [16, "u32"], // the process that it inherits from
    state:   [20, "u32"], // the futex that it waits on while it is 1; 0: it inherits
    pidfd:   [24, "i32"], // a struct pollfd, of that process
  },
};

// The second column is what nasm is given, less `bits 64`; a test gives it that and
// compares. Only the new process changes registers that a caller keeps, and only the
// heir uses the stack, its own. The handler, whose data the words of HANDLER_WORD are,
// passes a signal on to a process, unless it came from the kernel: what a terminal
// sends reaches the program anyway. The kernel's SIGHUP goes to the leader of a session
// alone, which jail may be, and that of a timer to whoever was told to end by it before
// he became jail (`alarm(2)`, then an exec), so those are passed on. Where there is a
// process to end by, a signal that asks for the end kills that one. The handler
// `changed` is SIGCHLD's. The handler `late` kills the processes of a table, in which a
// place that is 0 is free, once its signal has come often enough. The heir does so,
// where the process is there 250 ms after its end began.
// deno-fmt-ignore
/** The code, instruction by instruction: its bytes, and its source. */
export const LISTING: readonly (readonly [bytes: string, source: string])[] = [
  ["",                  "launch: ; long launch(struct block *block)"],
  ["4989f8",            "  mov r8, rdi"],
  ["b8b3010000",        "  mov eax, 435 ; clone3"],
  ["498b38",            "  mov rdi, [r8]"],
  ["be58000000",        "  mov esi, 88"],
  ["0f05",              "  syscall"],
  ["4885c0",            "  test rax, rax"],
  ["7401",              "  jz child"],
  ["c3",                "  ret"],
  ["",                  "child:"],
  ["4d89c4",            "  mov r12, r8"],
  ["498d5c2428",        "  lea rbx, [r12+40]"],
  ["4531ed",            "  xor r13d, r13d"],
  ["",                  "next:"],
  ["4d3b6c2408",        "  cmp r13, [r12+8]"],
  ["734e",              "  jae end"],
  ["",                  "call:"],
  ["488b03",            "  mov rax, [rbx]"],
  ["488b7b08",          "  mov rdi, [rbx+8]"],
  ["488b7310",          "  mov rsi, [rbx+16]"],
  ["488b5318",          "  mov rdx, [rbx+24]"],
  ["4c8b5320",          "  mov r10, [rbx+32]"],
  ["4c8b4328",          "  mov r8, [rbx+40]"],
  ["4c8b4b30",          "  mov r9, [rbx+48]"],
  ["0f05",              "  syscall"],
  ["f6433802",          "  test byte [rbx+56], 2"],
  ["7413",              "  jz judge"],
  ["4883f892",          "  cmp rax, -110 ; ETIMEDOUT"],
  ["740d",              "  je judge"],
  ["488b4b08",          "  mov rcx, [rbx+8]"],
  ["8b09",              "  mov ecx, [rcx]"],
  ["3b4b18",            "  cmp ecx, [rbx+24]"],
  ["74cc",              "  je call"],
  ["eb24",              "  jmp done"],
  ["",                  "judge:"],
  ["483d01f0ffff",      "  cmp rax, -4095"],
  ["721c",              "  jb done"],
  ["f6433801",          "  test byte [rbx+56], 1"],
  ["7516",              "  jnz done"],
  ["",                  "record:"],
  ["4d896c2410",        "  mov [r12+16], r13"],
  ["4989442418",        "  mov [r12+24], rax"],
  ["",                  "end:"],
  ["bf7f000000",        "  mov edi, 127"],
  ["b8e7000000",        "  mov eax, 231 ; exit_group"],
  ["0f05",              "  syscall"],
  ["",                  "done:"],
  ["f6433808",          "  test byte [rbx+56], 8"],
  ["7408",              "  jz made"],
  ["483d01f0ffff",      "  cmp rax, -4095"],
  ["72dc",              "  jb record"],
  ["",                  "made:"],
  ["f6433804",          "  test byte [rbx+56], 4"],
  ["7405",              "  jz advance"],
  ["4885c0",            "  test rax, rax"],
  ["75db",              "  jnz end"],
  ["",                  "advance:"],
  ["4883c340",          "  add rbx, 64"],
  ["49ffc5",            "  inc r13"],
  ["e97affffff",        "  jmp next"],
  ["",                  "handler: ; void handler(int signal, siginfo_t *info, void *context)"],
  ["89f8",              "  mov eax, edi"],
  ["f00fab05550f0000",  "  lock bts dword [rel launch+4104], eax"],
  ["31d2",              "  xor edx, edx"],
  ["b80e800000",        "  mov eax, 0x800e ; SIGHUP SIGINT SIGQUIT SIGTERM"],
  ["0fa3f8",            "  bt eax, edi"],
  ["7313",              "  jnc pass"],
  ["8b053f0f0000",      "  mov eax, [rel launch+4100]"],
  ["85c0",              "  test eax, eax"],
  ["7809",              "  js pass"],
  ["89c7",              "  mov edi, eax"],
  ["be09000000",        "  mov esi, 9 ; SIGKILL"],
  ["eb2b",              "  jmp send"],
  ["",                  "pass:"],
  ["b80240000c",        "  mov eax, 0xc004002 ; SIGHUP SIGALRM SIGVTALRM SIGPROF"],
  ["0fa3f8",            "  bt eax, edi"],
  ["7206",              "  jc forward"],
  ["837e0800",          "  cmp dword [rsi+8], 0"],
  ["7f25",              "  jg back"],
  ["",                  "forward:"],
  ["f0ff05230f0000",    "  lock inc dword [rel launch+4108]"],
  ["837e08ff",          "  cmp dword [rsi+8], -1 ; SI_QUEUE"],
  ["480f44d6",          "  cmove rdx, rsi"],
  ["89fe",              "  mov esi, edi"],
  ["8b3d070f0000",      "  mov edi, [rel launch+4096]"],
  ["85ff",              "  test edi, edi"],
  ["780a",              "  js back"],
  ["",                  "send:"],
  ["4531d2",            "  xor r10d, r10d"],
  ["b8a8010000",        "  mov eax, 424 ; pidfd_send_signal"],
  ["0f05",              "  syscall"],
  ["",                  "back:"],
  ["c3",                "  ret"],
  ["",                  "restorer:"],
  ["b80f000000",        "  mov eax, 15 ; rt_sigreturn"],
  ["0f05",              "  syscall"],
  ["",                  "changed: ; void changed(int signal)"],
  ["b801000000",        "  mov eax, 1 ; write"],
  ["8b3df60e0000",      "  mov edi, [rel launch+4112]"],
  ["488d35f70e0000",    "  lea rsi, [rel launch+4120]"],
  ["ba08000000",        "  mov edx, 8"],
  ["0f05",              "  syscall"],
  ["c3",                "  ret"],
  ["",                  "late: ; void late(int signal)"],
  ["b801000000",        "  mov eax, 1"],
  ["f00fc105fe0e0000",  "  lock xadd [rel launch+4148], eax"],
  ["85c0",              "  test eax, eax"],
  ["7ecd",              "  jle back ; not yet"],
  ["f0ff05df0e0000",    "  lock inc dword [rel launch+4128]"],
  ["4c8b05e00e0000",    "  mov r8, [rel launch+4136]"],
  ["448b0dd50e0000",    "  mov r9d, [rel launch+4132]"],
  ["",                  "another:"],
  ["41ffc9",            "  dec r9d"],
  ["781d",              "  js enough"],
  ["438b3c88",          "  mov edi, [r8+r9*4]"],
  ["85ff",              "  test edi, edi"],
  ["74f3",              "  jz another"],
  ["be09000000",        "  mov esi, 9 ; SIGKILL"],
  ["b83e000000",        "  mov eax, 62 ; kill"],
  ["0f05",              "  syscall"],
  ["f0ff05c10e0000",    "  lock inc dword [rel launch+4144]"],
  ["ebde",              "  jmp another"],
  ["",                  "enough:"],
  ["f0ff0da80e0000",    "  lock dec dword [rel launch+4128]"],
  ["c3",                "  ret"],
  ["",                  "heir: ; long heir(struct heir *block)"],
  ["4989f8",            "  mov r8, rdi"],
  ["b8b3010000",        "  mov eax, 435 ; clone3"],
  ["498b38",            "  mov rdi, [r8]"],
  ["be58000000",        "  mov esi, 88"],
  ["0f05",              "  syscall"],
  ["4885c0",            "  test rax, rax"],
  ["7401",              "  jz keeper"],
  ["c3",                "  ret"],
  ["",                  "keeper: ; a thread, which ends when the process is killed"],
  ["b8b3010000",        "  mov eax, 435 ; clone3"],
  ["498b7808",          "  mov rdi, [r8+8]"],
  ["be58000000",        "  mov esi, 88"],
  ["0f05",              "  syscall"],
  ["4885c0",            "  test rax, rax"],
  ["741e",              "  jz inherit"],
  ["7813",              "  js leave"],
  ["89c7",              "  mov edi, eax"],
  ["31f6",              "  xor esi, esi"],
  ["ba00000040",        "  mov edx, 0x40000000 ; __WALL"],
  ["4531d2",            "  xor r10d, r10d"],
  ["b83d000000",        "  mov eax, 61 ; wait4"],
  ["0f05",              "  syscall"],
  ["",                  "leave:"],
  ["b83c000000",        "  mov eax, 60 ; exit"],
  ["31ff",              "  xor edi, edi"],
  ["0f05",              "  syscall"],
  ["",                  "inherit: ; a process, which does not"],
  ["b870000000",        "  mov eax, 112 ; setsid"],
  ["0f05",              "  syscall"],
  ["b8b4010000",        "  mov eax, 436 ; close_range"],
  ["31ff",              "  xor edi, edi"],
  ["beffffffff",        "  mov esi, -1"],
  ["ba02000000",        "  mov edx, 2 ; CLOSE_RANGE_UNSHARE"],
  ["0f05",              "  syscall"],
  ["b8b2010000",        "  mov eax, 434 ; pidfd_open"],
  ["418b7810",          "  mov edi, [r8+16]"],
  ["31f6",              "  xor esi, esi"],
  ["0f05",              "  syscall"],
  ["41894018",          "  mov [r8+24], eax"],
  ["",                  "asleep:"],
  ["b8ca000000",        "  mov eax, 202 ; futex"],
  ["498d7814",          "  lea rdi, [r8+20]"],
  ["31f6",              "  xor esi, esi ; FUTEX_WAIT"],
  ["ba01000000",        "  mov edx, 1"],
  ["4531d2",            "  xor r10d, r10d"],
  ["0f05",              "  syscall"],
  ["418b4014",          "  mov eax, [r8+20]"],
  ["83f801",            "  cmp eax, 1"],
  ["74e2",              "  je asleep"],
  ["85c0",              "  test eax, eax"],
  ["7528",              "  jnz idle"],
  ["b807000000",        "  mov eax, 7 ; poll"],
  ["498d7818",          "  lea rdi, [r8+24]"],
  ["be01000000",        "  mov esi, 1"],
  ["bafa000000",        "  mov edx, 250"],
  ["0f05",              "  syscall"],
  ["85c0",              "  test eax, eax"],
  ["750f",              "  jnz idle ; it is gone"],
  ["c705000e000001000000", "  mov dword [rel launch+4148], 1"],
  ["e8f0feffff",        "  call late"],
  ["",                  "idle:"],
  ["b8e7000000",        "  mov eax, 231 ; exit_group"],
  ["31ff",              "  xor edi, edi"],
  ["0f05",              "  syscall"],
];

/** The code's bytes. It may be put anywhere. */
export function launchCode(): Uint8Array<ArrayBuffer> {
  const pairs = LISTING.flatMap(([bytes]) => bytes.match(/../g) ?? []);
  return Uint8Array.from(pairs, (pair) => parseInt(pair, 16));
}

/** Where a function starts, in bytes from the start of the code. */
export function entry(
  label:
    | "launch"
    | "handler"
    | "back"
    | "restorer"
    | "changed"
    | "late"
    | "heir",
): number {
  let offset = 0;
  for (const [bytes, source] of LISTING) {
    if (source.startsWith(`${label}:`)) return offset;
    offset += bytes.length / 2;
  }
  throw new RangeError(`Cannot find ${label} in the code`);
}
