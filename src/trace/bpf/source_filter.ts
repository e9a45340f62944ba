/** The filter of a socket for datagrams, as the BPF program that the kernel runs at each. */

import {
  BPF_JMP_JEQ_K,
  BPF_JMP_JGE_K,
  BPF_JMP_JGT_K,
  ETH_P_IP,
  ETH_P_IPV6,
  SKF_AD_PROTOCOL_OFFSET,
  SKF_NET_OFF,
} from "../../abi/bpf.ts";
import {
  IPHDR_ADDRESSES,
  IPV6HDR_ADDRESSES,
  UDPHDR_PORTS,
} from "../../abi/packet.ts";
import type {
  SourceRules,
  Sources,
  SourceTest,
} from "../../policy/net/sources.ts";
import { Assembler, type Label } from "./assembler.ts";

/** What the program returns: how many bytes of the datagram are kept. */
const KEEP = 0xffff_ffff;
const DROP = 0;

/** Where addresses of so many bytes are in a packet. */
const ADDRESSES = { 4: IPHDR_ADDRESSES, 16: IPV6HDR_ADDRESSES } as const;

/**
 * Makes the filter for sockets for datagrams.
 *
 * @param sources what may be received
 * @returns an array of `struct sock_filter`
 * @throws {RangeError} where the rules are too many for one
 */
export function assembleSources(sources: Sources): Uint8Array<ArrayBuffer> {
  const asm = new Assembler();
  const six = asm.label();
  const keep = asm.label();
  const drop = asm.label();
  asm.load(SKF_AD_PROTOCOL_OFFSET);
  asm.jump(BPF_JMP_JEQ_K, ETH_P_IPV6, { yes: six });
  asm.jump(BPF_JMP_JEQ_K, ETH_P_IP, { no: drop });
  for (const length of [4, 16] as const) {
    if (length === 16) asm.place(six);
    emitRules(asm, { refuse: [], allow: sources.always }, length, keep);
    for (const rules of [sources.source, sources.destination]) {
      emitRules(asm, rules, length, keep);
    }
    asm.goto(drop);
  }
  asm.place(keep);
  asm.ret(KEEP);
  asm.place(drop);
  asm.ret(DROP);
  return asm.assemble();
}

/** Goes to `keep` where the rules let a datagram through, and on where not. */
function emitRules(
  asm: Assembler,
  { refuse, allow }: SourceRules,
  length: 4 | 16,
  keep: Label,
): void {
  const next = asm.label();
  const emit = (tests: readonly SourceTest[], to: Label): void => {
    for (const test of tests) {
      const { address } = test;
      if (address !== undefined && address.length !== length) continue;
      const fail = asm.label();
      emitTest(asm, test, length, fail);
      asm.goto(to);
      asm.place(fail);
    }
  };
  emit(refuse, next);
  emit(allow, keep);
  asm.place(next);
}

/** Goes on where the condition holds, and to `fail` where it does not. */
function emitTest(
  asm: Assembler,
  { end, address, bits, ports }: SourceTest,
  length: 4 | 16,
  fail: Label,
): void {
  for (let at = 0; address !== undefined && 8 * at < bits; at += 4) {
    const word = address.slice(at, at + 4)
      .reduce((sum, byte) => sum * 256 + byte, 0);
    asm.load(SKF_NET_OFF + ADDRESSES[length][end] + at);
    const rest = bits - 8 * at;
    if (rest < 32) asm.and((-1 << (32 - rest)) >>> 0);
    asm.jump(BPF_JMP_JEQ_K, word, { no: fail });
  }
  if (ports.first === 0 && ports.last === 65535) return;
  // The data of a packet begin with the header of UDP.
  asm.loadHalf(UDPHDR_PORTS[end]);
  if (ports.first > 0) {
    asm.jump(BPF_JMP_JGE_K, ports.first, { no: fail });
  }
  if (ports.last < 65535) {
    asm.jump(BPF_JMP_JGT_K, ports.last, { yes: fail });
  }
}
