/** An assembler for BPF: jumps name labels, however far these are. */

import {
  BPF_ALU_AND_K,
  BPF_JMP_JA,
  BPF_LD_H_ABS,
  BPF_LD_W_ABS,
  BPF_MAXINSNS,
  BPF_RET_K,
  SOCK_FILTER,
} from "../../abi/bpf.ts";

/** A place in a program, which can be named before it is reached. */
export interface Label {
  /** Index of the item that it stands before; -1 until it is placed. */
  at: number;
  /** What A holds there: the offset of a word, or nothing that is known. */
  word: Word;
}

/** What A holds: a word of the data, something else, or nothing gets there. */
export type Word = number | "other" | "unreachable";

type Item =
  | { readonly kind: "plain"; readonly code: number; readonly k: number }
  | { readonly kind: "goto"; readonly to: Label }
  | {
    readonly kind: "jump";
    readonly code: number;
    readonly k: number;
    /** Where it goes; the next item where it is left out. */
    readonly yes: Label | undefined;
    readonly no: Label | undefined;
  };

const { code: [CODE], jt: [JT], jf: [JF], k: [K] } = SOCK_FILTER.fields;
/** Words of 32 bits of an instruction. */
const WORDS = SOCK_FILTER.size / 4;

/** Farthest that a conditional jump reaches; where that is too near, `ja` helps. */
const NEAR = 255;
/** Most instructions of one item: a jump whose both ways are far. */
const MOST = 3;

/** A BPF program in the making. Jumps go forward only, as the kernel wants. */
export class Assembler {
  readonly #items: Item[] = [];
  #word: Word = "other";

  /** Makes a label, to be placed later. */
  label(): Label {
    return { at: -1, word: "unreachable" };
  }

  /** Places a label here. */
  place(label: Label): void {
    label.at = this.#items.length;
    this.#word = merge(this.#word, label.word);
  }

  /** A = the word at an offset; nothing where A is that already. */
  load(offset: number): void {
    if (this.#word === offset) return;
    this.#plain(BPF_LD_W_ABS, offset);
    this.#word = offset;
  }

  /** A = the half word at an offset. */
  loadHalf(offset: number): void {
    this.#plain(BPF_LD_H_ABS, offset);
    this.#word = "other";
  }

  /** A &= mask. */
  and(mask: number): void {
    this.#plain(BPF_ALU_AND_K, mask);
    this.#word = "other";
  }

  /** Returns a value. */
  ret(value: number): void {
    this.#plain(BPF_RET_K, value);
    this.#word = "unreachable";
  }

  /** Goes on at a label. */
  goto(to: Label): void {
    this.#items.push({ kind: "goto", to });
    to.word = merge(to.word, this.#word);
    this.#word = "unreachable";
  }

  /**
   * Goes on at one of two labels, or just here.
   *
   * @param code `BPF_JMP_*_K`: how A and `k` are compared
   * @param k what A is compared with
   * @param where the labels; what is left out is the next instruction
   */
  jump(
    code: number,
    k: number,
    where: { readonly yes?: Label; readonly no?: Label },
  ): void {
    const { yes, no } = where;
    const word = this.#word;
    if (yes !== undefined) yes.word = merge(yes.word, word);
    if (no !== undefined) no.word = merge(no.word, word);
    this.#items.push({ kind: "jump", code, k, yes, no });
    // Nothing goes on here where both lead elsewhere.
    if (yes !== undefined && no !== undefined) this.#word = "unreachable";
  }

  /**
   * Makes the program, from its end on: where a jump leads is known by then.
   *
   * @returns an array of `struct sock_filter`
   * @throws {RangeError} if a jump goes back, or the program is too long
   */
  assemble(): Uint8Array<ArrayBuffer> {
    const items = this.#items;
    const words = new Uint32Array(items.length * MOST * WORDS);
    /** How many instructions there are from each item to the end. */
    const left = new Uint16Array(items.length + 1);
    let length = 0;
    const emit = (code: number, jt: number, jf: number, k: number): void => {
      const at = words.length - ++length * WORDS;
      words[at] = code << 8 * CODE | jt << 8 * JT | jf << 8 * JF;
      words[at + K / 4] = k;
    };
    let i = items.length;
    const skip = (to: Label | undefined): number => {
      if (to === undefined) return length - (left[i + 1] as number);
      if (to.at > i) return length - (left[to.at] as number);
      throw new RangeError("Cannot assemble filter: a jump leads nowhere");
    };
    while (i-- > 0) {
      const item = items[i] as Item;
      switch (item.kind) {
        case "plain":
          emit(item.code, 0, 0, item.k);
          break;
        case "goto":
          emit(BPF_JMP_JA, 0, 0, skip(item.to));
          break;
        case "jump": {
          const { code, k, yes, no } = item;
          const toYes = skip(yes);
          const toNo = skip(no);
          // What helps the one lies on the way of the other.
          let helpNo = Number(toNo > NEAR);
          const helpYes = Number(toYes + helpNo > NEAR);
          helpNo ||= Number(toNo + helpYes > NEAR);
          if (helpNo > 0) emit(BPF_JMP_JA, 0, 0, toNo);
          if (helpYes > 0) emit(BPF_JMP_JA, 0, 0, toYes + helpNo);
          emit(
            code,
            helpYes > 0 ? 0 : toYes + helpNo,
            helpNo > 0 ? helpYes : toNo + helpYes,
            k,
          );
          break;
        }
      }
      left[i] = length;
    }
    if (length > BPF_MAXINSNS) {
      throw new RangeError(
        `Cannot assemble filter: ${length} instructions, the kernel takes ${BPF_MAXINSNS}`,
      );
    }
    return new Uint8Array(words.slice(words.length - length * WORDS).buffer);
  }

  #plain(code: number, k: number): void {
    this.#items.push({ kind: "plain", code, k });
  }
}

function merge(a: Word, b: Word): Word {
  if (a === "unreachable") return b;
  if (b === "unreachable" || a === b) return a;
  return "other";
}
