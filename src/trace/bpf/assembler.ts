/**
 * An assembler for BPF that begins at the end of a program.
 *
 * Jumps go forward only, as the kernel wants. So whoever makes one from its end on
 * knows where each jump leads, and every instruction can be written at once.
 */

import {
  BPF_ALU_AND_K,
  BPF_JMP_JA,
  BPF_LD_H_ABS,
  BPF_LD_IMM,
  BPF_LD_W_ABS,
  BPF_MAXINSNS,
  BPF_RET_K,
  SOCK_FILTER,
} from "../../abi/bpf.ts";

/** A place in a program: how many instructions there are from it to the end. */
export type Place = number;

const { code: [CODE], jt: [JT], jf: [JF], k: [K] } = SOCK_FILTER.fields;
/** Words of 32 bits of an instruction. */
const WORDS = SOCK_FILTER.size / 4;

/** Farthest that a conditional jump reaches, one instruction in between or none. */
const NEAR = 254;

/** A BPF program in the making: what is added comes before all that is there. */
export class Assembler {
  /** The program, at the end of this. */
  readonly #words = new Uint32Array(BPF_MAXINSNS * WORDS);
  /** Where each value is returned, of these the first. */
  readonly #returns = new Map<number, Place>();
  #length = 0;

  /** Returns a value; one place does for all that are near it. */
  ret(value: number): Place {
    const there = this.#returns.get(value);
    if (there !== undefined && this.#length - there <= NEAR) return there;
    const place = this.#add(BPF_RET_K, value, 0);
    this.#returns.set(value, place);
    return place;
  }

  /** A = the word at an offset, and goes on at a place. */
  load(offset: number, then: Place): Place {
    return this.#goOn(BPF_LD_W_ABS, offset, then);
  }

  /** A = the half word at an offset, and goes on at a place. */
  loadHalf(offset: number, then: Place): Place {
    return this.#goOn(BPF_LD_H_ABS, offset, then);
  }

  /** A = a value, and goes on at a place. */
  set(value: number, then: Place): Place {
    return this.#goOn(BPF_LD_IMM, value, then);
  }

  /** A &= mask, and goes on at a place. */
  and(mask: number, then: Place): Place {
    return this.#goOn(BPF_ALU_AND_K, mask, then);
  }

  /**
   * Goes on at one of two places.
   *
   * @param code `BPF_JMP_*_K`: how A and `k` are compared
   * @param k what A is compared with
   * @param yes where it is so
   * @param no where it is not
   */
  jump(code: number, k: number, yes: Place, no: Place): Place {
    // What one of them needs in between lies on the way of the other.
    const there = this.#length - yes > NEAR ? this.#near(yes) : yes;
    const elsewhere = this.#length - no > NEAR ? this.#near(no) : no;
    const skipped = this.#length - there << 8 * JT |
      this.#length - elsewhere << 8 * JF;
    return this.#add(code, k, skipped);
  }

  /** A place, or the one behind it where it loads a word that A is already. */
  past(place: Place, offset: number): Place {
    const at = atPlace(place);
    const loads = this.#words[at] === BPF_LD_W_ABS &&
      this.#words[at + K / 4] === offset;
    return loads ? place - 1 : place;
  }

  /**
   * The program.
   *
   * @returns an array of `struct sock_filter`
   */
  assemble(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#words.slice(atPlace(this.#length)).buffer);
  }

  /** A place that a conditional jump reaches, and that leads to one that is far. */
  #near(place: Place): Place {
    const at = atPlace(place);
    return this.#words[at] === BPF_RET_K
      ? this.ret(this.#words[at + K / 4] as number)
      : this.#goto(place);
  }

  #goto(place: Place): Place {
    return this.#add(BPF_JMP_JA, this.#length - place, 0);
  }

  /** Does something, and goes on at a place. */
  #goOn(code: number, k: number, then: Place): Place {
    if (then !== this.#length) this.#goto(then);
    return this.#add(code, k, 0);
  }

  #add(code: number, k: number, skipped: number): Place {
    const place = this.#length + 1;
    if (place > BPF_MAXINSNS) {
      throw new RangeError(
        `Cannot assemble filter: the kernel takes ${BPF_MAXINSNS} instructions`,
      );
    }
    const at = atPlace(place);
    this.#words[at] = code << 8 * CODE | skipped;
    this.#words[at + K / 4] = k;
    this.#length = place;
    return place;
  }
}

/** Where an instruction is, in words. */
function atPlace(place: Place): number {
  return (BPF_MAXINSNS - place) * WORDS;
}
