/**
 * The filter of a socket for datagrams, as the BPF program that the kernel runs at
 * each.
 */

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
import { Assembler, type Place } from "./assembler.ts";

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
  const drop = asm.ret(DROP);
  const keep = asm.ret(KEEP);
  const [six, four] = ([16, 4] as const).map((length) => {
    const { destination, source, always } = sources;
    let place = drop;
    for (const rules of [destination, source, { refuse: [], allow: always }]) {
      place = emitRules(asm, rules, length, keep, place);
    }
    return place;
  }) as [Place, Place];
  const old = asm.jump(BPF_JMP_JEQ_K, ETH_P_IP, four, drop);
  const protocol = asm.jump(BPF_JMP_JEQ_K, ETH_P_IPV6, six, old);
  asm.load(SKF_AD_PROTOCOL_OFFSET, protocol);
  return asm.assemble();
}

/** Goes to `keep` where the rules let a datagram through, and to `next` where not. */
function emitRules(
  asm: Assembler,
  { refuse, allow }: SourceRules,
  length: 4 | 16,
  keep: Place,
  next: Place,
): Place {
  const emit = (tests: readonly SourceTest[], yes: Place, no: Place): Place => {
    let place = no;
    for (const test of tests.toReversed()) {
      const { address } = test;
      if (address !== undefined && address.length !== length) continue;
      place = emitTest(asm, test, length, yes, place);
    }
    return place;
  };
  return emit(refuse, next, emit(allow, keep, next));
}

/** Goes on at `yes` where the condition holds, and at `no` where it does not. */
function emitTest(
  asm: Assembler,
  { end, address, bits, ports }: SourceTest,
  length: 4 | 16,
  yes: Place,
  no: Place,
): Place {
  let place = yes;
  if (ports.first > 0 || ports.last < 65535) {
    if (ports.last < 65535) {
      place = asm.jump(BPF_JMP_JGT_K, ports.last, no, place);
    }
    if (ports.first > 0) {
      place = asm.jump(BPF_JMP_JGE_K, ports.first, place, no);
    }
    // The data of a packet begin with the header of UDP.
    place = asm.loadHalf(UDPHDR_PORTS[end], place);
  }
  if (address === undefined) return place;
  for (let at = Math.ceil(bits / 32) * 4; at > 0;) {
    at -= 4;
    const word = address.slice(at, at + 4)
      .reduce((sum, byte) => sum * 256 + byte, 0);
    place = asm.jump(BPF_JMP_JEQ_K, word, place, no);
    const rest = bits - 8 * at;
    if (rest < 32) place = asm.and((-1 << (32 - rest)) >>> 0, place);
    place = asm.load(SKF_NET_OFF + ADDRESSES[length][end] + at, place);
  }
  return place;
}
