import { assertEquals } from "@std/assert";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_MPTCP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../abi/socket.ts";
import { goesOneWay } from "./socket.ts";

const IPPROTO_SCTP = 132;
const AF_TIPC = 30;

for (
  const [name, domain, type, protocol, expected] of [
    ["a unix stream", AF_UNIX, SOCK_STREAM, 0, true],
    ["a unix datagram", AF_UNIX, SOCK_DGRAM, 0, false],
    ["TCP", AF_INET, SOCK_STREAM, IPPROTO_TCP, true],
    ["TCP over IPv6", AF_INET6, SOCK_STREAM, IPPROTO_TCP, true],
    ["MPTCP", AF_INET6, SOCK_STREAM, IPPROTO_MPTCP, true],
    ["UDP", AF_INET, SOCK_DGRAM, IPPROTO_UDP, false],
    ["a stream of SCTP", AF_INET, SOCK_STREAM, IPPROTO_SCTP, false],
    ["a stream of TIPC", AF_TIPC, SOCK_STREAM, 0, false],
    ["what cannot be told", -1, SOCK_STREAM, IPPROTO_TCP, false],
  ] as const
) {
  Deno.test(`goesOneWay() lets ${expected ? "" : "no "}messages through ${name}`, () => {
    assertEquals(goesOneWay(domain, type, protocol), expected);
  });
}
