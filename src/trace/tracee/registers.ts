/** The registers of a stopped tracee: number, arguments and result of a call. */

import type { Arch } from "../../abi/arch.ts";
import { PTRACE_SYSCALL_INFO } from "../../abi/ptrace.ts";
import { SECCOMP_DATA, SECCOMP_NOTIF } from "../../abi/seccomp.ts";

const HIGH = 2 ** 32;

const { fields } = PTRACE_SYSCALL_INFO;
const IP = fields.instruction_pointer[0] >> 2;
const SP = fields.stack_pointer[0] >> 2;
const NR = fields.nr[0] >> 2;
const ARGS = fields.arg0[0] >> 2;

const DATA = SECCOMP_NOTIF.fields.data[0];
const NOTICE_NR = (DATA + SECCOMP_DATA.fields.nr[0]) >> 2;
const NOTICE_IP = (DATA + SECCOMP_DATA.fields.instruction_pointer[0]) >> 2;
const NOTICE_ARGS = (DATA + SECCOMP_DATA.fields.arg0[0]) >> 2;

/**
 * A register block, read and written without a BigInt.
 *
 * An address is a number: user addresses are below 2^57, and one above 2^53
 * may lose its last bits, but then it is one that no memory can have.
 */
export class Registers {
  /** The block as ptrace(2) fills and takes it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #words: Int32Array;
  readonly #args: readonly number[];
  readonly #nr: number;
  readonly #result: number;
  readonly #ip: number;
  readonly #sp: number;

  /**
   * Makes an empty block.
   *
   * @param arch the machine's half of the calling convention
   */
  constructor(arch: Arch) {
    const word = (name: string): number =>
      (arch.regs.fields[name] as readonly [number, string])[0] >> 2;
    this.bytes = new Uint8Array(arch.regs.size);
    this.#words = new Int32Array(this.bytes.buffer);
    this.#args = arch.args.map(word);
    this.#nr = word(arch.number);
    this.#result = word(arch.result);
    this.#ip = word(arch.ip);
    this.#sp = word(arch.sp);
  }

  /** The call's number: the kernel looks at the low 32 bits alone. */
  get nr(): number {
    return this.#words[this.#nr] as number;
  }
  set nr(value: number) {
    this.#set(this.#nr, value);
  }

  /** What the call returned: a negated errno where it failed. */
  get result(): number {
    return (this.#words[this.#result + 1] as number) * HIGH +
      ((this.#words[this.#result] as number) >>> 0);
  }
  set result(value: number) {
    this.#set(this.#result, value);
  }

  /** The instruction pointer: just behind the instruction that makes the call. */
  get ip(): number {
    return this.#get(this.#ip);
  }
  set ip(value: number) {
    this.#set(this.#ip, value);
  }

  /** The stack pointer. */
  get sp(): number {
    return this.#get(this.#sp);
  }

  /** Argument `index` as the kernel takes an `int`. */
  int(index: number): number {
    return this.#words[this.#args[index] as number] as number;
  }

  /** Argument `index` as the kernel takes an `unsigned int`. */
  uint(index: number): number {
    return this.int(index) >>> 0;
  }

  /** Argument `index` as an address or a size. */
  address(index: number): number {
    return this.#get(this.#args[index] as number);
  }

  /** Puts a number, an address or a negative `int` in argument `index`. */
  setArgument(index: number, value: number): void {
    this.#set(this.#args[index] as number, value);
  }

  /** Whether it is the same call as in `other`, made at the same place. */
  isCallOf(other: Registers): boolean {
    return this.nr === other.nr && this.ip === other.ip &&
      this.#args.every((_, i) => this.whole(i) === other.whole(i));
  }

  /** Becomes what `other` is. */
  copy(other: Registers): void {
    this.#words.set(other.#words);
  }

  /**
   * Takes what a call is made of, and leaves all else as it is.
   *
   * @param info `struct ptrace_syscall_info` of a stop before a call, as words
   */
  take(info: Int32Array): void {
    this.#take(info, IP, this.#ip);
    this.#take(info, SP, this.#sp);
    this.#take(info, NR, this.#nr);
    for (let i = 0; i < this.#args.length; i++) {
      this.#take(info, ARGS + 2 * i, this.#args[i] as number);
    }
  }

  /**
   * Takes what a listener tells of a call that waits.
   *
   * @param notice `struct seccomp_notif`, as words
   */
  takeNotice(notice: Int32Array): void {
    this.nr = notice[NOTICE_NR] as number;
    this.#take(notice, NOTICE_IP, this.#ip);
    for (let i = 0; i < this.#args.length; i++) {
      this.#take(notice, NOTICE_ARGS + 2 * i, this.#args[i] as number);
    }
  }

  /** Argument `index`, all bits of it. */
  whole(index: number): bigint {
    return this.#wide()[(this.#args[index] as number) >> 1] as bigint;
  }

  /** Puts all bits of argument `index`. */
  setWhole(index: number, value: bigint): void {
    this.#wide()[(this.#args[index] as number) >> 1] = value;
  }

  #wide(): BigUint64Array {
    return new BigUint64Array(this.bytes.buffer);
  }

  #take(info: Int32Array, from: number, to: number): void {
    this.#words[to] = info[from] as number;
    this.#words[to + 1] = info[from + 1] as number;
  }

  #get(word: number): number {
    return ((this.#words[word + 1] as number) >>> 0) * HIGH +
      ((this.#words[word] as number) >>> 0);
  }

  #set(word: number, value: number): void {
    this.#words[word] = value | 0;
    this.#words[word + 1] = Math.floor(value / HIGH) | 0;
    // `|` takes a number modulo 2^32, exact below 2^53.
  }
}
