/** An assembler for BPF: jumps name labels, however far these are. */

import {
  BPF_ALU_AND_K,
  BPF_JMP_JA,
  BPF_LD_H_ABS,
  BPF_LD_W_ABS,
  BPF_MAXINSNS,
  BPF_RET_K,
  SOCK_FILTER,
} from "../abi/bpf.ts";

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
    readonly yes: Label;
    readonly no: Label;
    /** Whether the 8 bits of a conditional jump are too few, and `ja` helps. */
    farYes: boolean;
    farNo: boolean;
  };

const { code: [CODE], jt: [JT], jf: [JF], k: [K] } = SOCK_FILTER.fields;

/** Farthest that a conditional jump reaches. */
const NEAR = 255;

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
    const next = this.label();
    const yes = where.yes ?? next;
    const no = where.no ?? next;
    yes.word = merge(yes.word, this.#word);
    no.word = merge(no.word, this.#word);
    this.#items.push({
      kind: "jump",
      code,
      k,
      yes,
      no,
      farYes: false,
      farNo: false,
    });
    this.#word = "unreachable";
    this.place(next);
  }

  /**
   * Makes the program.
   *
   * @returns an array of `struct sock_filter`
   * @throws {RangeError} if a jump goes back, or the program is too long
   */
  assemble(): Uint8Array<ArrayBuffer> {
    const starts = this.#layOut();
    const length = starts[this.#items.length] as number;
    if (length > BPF_MAXINSNS) {
      throw new RangeError(
        `Cannot assemble filter: ${length} instructions, the kernel takes ${BPF_MAXINSNS}`,
      );
    }
    const bytes = new Uint8Array(length * SOCK_FILTER.size);
    const view = new DataView(bytes.buffer);
    let at = 0;
    const emit = (code: number, jt: number, jf: number, k: number): void => {
      const start = at++ * SOCK_FILTER.size;
      view.setUint16(start + CODE, code, true);
      view.setUint8(start + JT, jt);
      view.setUint8(start + JF, jf);
      view.setUint32(start + K, k, true);
    };
    const skip = (to: Label): number => distance(starts, at, to);
    for (const item of this.#items) {
      switch (item.kind) {
        case "plain":
          emit(item.code, 0, 0, item.k);
          break;
        case "goto":
          emit(BPF_JMP_JA, 0, 0, skip(item.to));
          break;
        case "jump": {
          const jt = item.farYes ? 0 : skip(item.yes);
          const jf = item.farNo ? Number(item.farYes) : skip(item.no);
          emit(item.code, jt, jf, item.k);
          if (item.farYes) emit(BPF_JMP_JA, 0, 0, skip(item.yes));
          if (item.farNo) emit(BPF_JMP_JA, 0, 0, skip(item.no));
          break;
        }
      }
    }
    return bytes;
  }

  /** Finds where each item starts, and which jumps are far: a jump that grows moves others. */
  #layOut(): number[] {
    for (;;) {
      const starts = [0];
      let end = 0;
      for (const item of this.#items) starts.push(end += size(item));
      let grew = false;
      this.#items.forEach((item, i) => {
        if (item.kind !== "jump") return;
        const start = starts[i] as number;
        const farYes = item.farYes || distance(starts, start, item.yes) > NEAR;
        const farNo = item.farNo || distance(starts, start, item.no) > NEAR;
        grew ||= farYes !== item.farYes || farNo !== item.farNo;
        item.farYes = farYes;
        item.farNo = farNo;
      });
      if (!grew) return starts;
    }
  }

  #plain(code: number, k: number): void {
    this.#items.push({ kind: "plain", code, k });
  }
}

function size(item: Item): number {
  return item.kind === "jump"
    ? 1 + Number(item.farYes) + Number(item.farNo)
    : 1;
}

/** How many instructions lie between the one at `from` and a label. */
function distance(starts: readonly number[], from: number, to: Label): number {
  const target = to.at < 0 ? undefined : starts[to.at];
  if (target === undefined || target <= from) {
    throw new RangeError("Cannot assemble filter: a jump leads nowhere");
  }
  return target - from - 1;
}

function merge(a: Word, b: Word): Word {
  if (a === "unreachable") return b;
  if (b === "unreachable" || a === b) return a;
  return "other";
}
