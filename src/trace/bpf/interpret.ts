/** Runs a seccomp filter as the kernel does. */

import * as bpf from "../../abi/bpf.ts";
import { SECCOMP_DATA } from "../../abi/seccomp.ts";

const scratch = new Uint32Array(bpf.BPF_MEMWORDS);

/**
 * Runs a filter on one call.
 *
 * @param filter an array of `struct sock_filter`
 * @param data the call: a `struct seccomp_data`
 * @returns what the filter returns: `SECCOMP_RET_*`, with its data
 * @throws {RangeError} if the kernel would not have taken the filter
 */
export function interpret(filter: Uint8Array, data: Uint8Array): number {
  let a = 0;
  let x = 0;
  for (let at = 0; at < filter.length; at += 8) {
    const code = (filter[at] as number) | (filter[at + 1] as number) << 8;
    const k = word(filter, at + 4);
    // Where a jump is taken, and where not, in bytes.
    const yes = (filter[at + 2] as number) * 8;
    const no = (filter[at + 3] as number) * 8;
    switch (code) {
      case bpf.BPF_LD_W_ABS:
        if ((k & 3) !== 0 || k >= SECCOMP_DATA.size) throw refused(code, k);
        a = word(data, k);
        break;
      case bpf.BPF_JMP_JEQ_K:
        at += a === k ? yes : no;
        break;
      case bpf.BPF_JMP_JGE_K:
        at += a >= k ? yes : no;
        break;
      case bpf.BPF_JMP_JGT_K:
        at += a > k ? yes : no;
        break;
      case bpf.BPF_JMP_JSET_K:
        at += (a & k) !== 0 ? yes : no;
        break;
      case bpf.BPF_JMP_JA:
        at += k * 8;
        break;
      case bpf.BPF_RET_K:
        return k;
      case bpf.BPF_RET_A:
        return a;
      case bpf.BPF_ALU_AND_K:
        a = (a & k) >>> 0;
        break;
      case bpf.BPF_JMP_JEQ_X:
        at += a === x ? yes : no;
        break;
      case bpf.BPF_JMP_JGE_X:
        at += a >= x ? yes : no;
        break;
      case bpf.BPF_JMP_JGT_X:
        at += a > x ? yes : no;
        break;
      case bpf.BPF_JMP_JSET_X:
        at += (a & x) !== 0 ? yes : no;
        break;
      case bpf.BPF_LD_IMM:
        a = k;
        break;
      case bpf.BPF_LD_MEM:
        a = scratch[slot(code, k)] as number;
        break;
      case bpf.BPF_LD_W_LEN:
        a = SECCOMP_DATA.size;
        break;
      case bpf.BPF_LDX_IMM:
        x = k;
        break;
      case bpf.BPF_LDX_MEM:
        x = scratch[slot(code, k)] as number;
        break;
      case bpf.BPF_LDX_W_LEN:
        x = SECCOMP_DATA.size;
        break;
      case bpf.BPF_ST:
        scratch[slot(code, k)] = a;
        break;
      case bpf.BPF_STX:
        scratch[slot(code, k)] = x;
        break;
      case bpf.BPF_MISC_TAX:
        x = a;
        break;
      case bpf.BPF_MISC_TXA:
        a = x;
        break;
      case bpf.BPF_ALU_ADD_K:
        a = (a + k) >>> 0;
        break;
      case bpf.BPF_ALU_ADD_X:
        a = (a + x) >>> 0;
        break;
      case bpf.BPF_ALU_SUB_K:
        a = (a - k) >>> 0;
        break;
      case bpf.BPF_ALU_SUB_X:
        a = (a - x) >>> 0;
        break;
      case bpf.BPF_ALU_MUL_K:
        a = Math.imul(a, k) >>> 0;
        break;
      case bpf.BPF_ALU_MUL_X:
        a = Math.imul(a, x) >>> 0;
        break;
      case bpf.BPF_ALU_DIV_K:
        if (k === 0) throw refused(code, k);
        a = Math.floor(a / k);
        break;
      case bpf.BPF_ALU_DIV_X:
        // Classic BPF ends with 0, which is SECCOMP_RET_KILL_THREAD.
        if (x === 0) return 0;
        a = Math.floor(a / x);
        break;
      case bpf.BPF_ALU_AND_X:
        a = (a & x) >>> 0;
        break;
      case bpf.BPF_ALU_OR_K:
        a = (a | k) >>> 0;
        break;
      case bpf.BPF_ALU_OR_X:
        a = (a | x) >>> 0;
        break;
      case bpf.BPF_ALU_XOR_K:
        a = (a ^ k) >>> 0;
        break;
      case bpf.BPF_ALU_XOR_X:
        a = (a ^ x) >>> 0;
        break;
      case bpf.BPF_ALU_LSH_K:
        if (k >= 32) throw refused(code, k);
        a = (a << k) >>> 0;
        break;
      case bpf.BPF_ALU_LSH_X: // by x modulo 32, in the kernel as here
        a = (a << x) >>> 0;
        break;
      case bpf.BPF_ALU_RSH_K:
        if (k >= 32) throw refused(code, k);
        a = a >>> k;
        break;
      case bpf.BPF_ALU_RSH_X:
        a = a >>> x;
        break;
      case bpf.BPF_ALU_NEG:
        a = -a >>> 0;
        break;
      default:
        throw refused(code, k);
    }
  }
  throw new RangeError("Cannot run filter: it ends without a return");
}

/** The little-endian word at an offset, unsigned. */
function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) | (bytes[at + 1] as number) << 8 |
    (bytes[at + 2] as number) << 16 | (bytes[at + 3] as number) << 24) >>> 0;
}

function slot(code: number, k: number): number {
  if (k >= bpf.BPF_MEMWORDS) throw refused(code, k);
  return k;
}

function refused(code: number, k: number): RangeError {
  return new RangeError(
    `Cannot run filter: the kernel refuses instruction 0x${
      code.toString(16)
    } with ${k}`,
  );
}
