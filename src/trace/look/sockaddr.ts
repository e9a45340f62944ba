/** The bytes of a socket address, and the endpoint that they mean. */

import { get, set } from "../../abi/layout.ts";
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  AF_UNSPEC,
  SIN6_ADDR_OFFSET,
  SIN_ADDR_OFFSET,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SOCKADDR_IN6_SHORT_SIZE,
  SOCKADDR_NL,
  SUN_PATH_OFFSET,
} from "../../abi/socket.ts";
import {
  abstractEndpoint,
  type Endpoint,
  internetEndpoint,
  isUnspecified,
  loopbackOf,
} from "../../policy/net/endpoint.ts";

/** What a call does with an address. */
export type Purpose = "connect" | "send" | "bind";

/** The family of an address; 0 where it is too short to have one. */
export function familyOf(bytes: Uint8Array): number {
  return bytes.length < 2
    ? 0
    : (bytes[0] as number) | (bytes[1] as number) << 8;
}

/** Whether an address is that of a unix socket with a path. */
export function hasPath(bytes: Uint8Array): boolean {
  return familyOf(bytes) === AF_UNIX && bytes.length > SUN_PATH_OFFSET &&
    bytes[SUN_PATH_OFFSET] !== 0;
}

/**
 * The endpoint that an address means, for all but a unix socket with a path.
 *
 * The family is the address's own, whatever the socket's is: a socket takes no
 * address of another family but those that are told apart here. With AF_UNSPEC
 * connect(2) lets go of the other end; bind(2), and sending by IPv4, take the
 * address for one of IPv4 (`inet_bind()`, `udp_sendmsg()`).
 *
 * @param bytes the address
 * @param purpose what is done with it
 */
export function endpointOf(bytes: Uint8Array, purpose: Purpose): Endpoint {
  const number = familyOf(bytes);
  switch (number) {
    case AF_UNSPEC:
      if (purpose === "connect" && bytes.length >= 2) return { family: "none" };
      return internet4(bytes, number);
    case AF_INET:
      return internet4(bytes, number);
    case AF_INET6:
      if (bytes.length < SOCKADDR_IN6_SHORT_SIZE) break;
      return internetEndpoint(
        bytes.subarray(SIN6_ADDR_OFFSET, SIN6_ADDR_OFFSET + 16),
        get(SOCKADDR_IN6, bytes, "sin6_port"),
        bytes.length < SOCKADDR_IN6.size
          ? 0
          : get(SOCKADDR_IN6, bytes, "sin6_scope_id"),
      );
    case AF_UNIX:
      return abstractEndpoint(bytes.subarray(SUN_PATH_OFFSET + 1));
    case AF_NETLINK:
      if (bytes.length < SOCKADDR_NL.size) break;
      return {
        family: "netlink",
        port: get(SOCKADDR_NL, bytes, "nl_pid"),
        groups: get(SOCKADDR_NL, bytes, "nl_groups"),
      };
  }
  return { family: "unknown", number };
}

function internet4(bytes: Uint8Array, number: number): Endpoint {
  if (bytes.length < SOCKADDR_IN.size) return { family: "unknown", number };
  return internetEndpoint(
    bytes.subarray(SIN_ADDR_OFFSET, SIN_ADDR_OFFSET + 4),
    get(SOCKADDR_IN, bytes, "sin_port"),
    0,
  );
}

/**
 * Makes an address of no interface the loopback, in its bytes as well. The kernel
 * takes it for that, or for whatever the socket itself is bound to
 * (`ip_route_output_key_hash_rcu()`, `tcp_v6_connect()`), and a rule must know. One
 * of IPv4 that does not say so (AF_UNSPEC) is made to: a socket of IPv6 takes that for
 * none, and sends where it is connected to, to an address of IPv4 as to one of IPv6
 * (`udpv6_sendmsg()`).
 *
 * @param bytes the address, which is changed
 * @param endpoint what it means
 * @returns what it means now
 */
export function aim(bytes: Uint8Array, endpoint: Endpoint): Endpoint {
  if (endpoint.family !== "inet" && endpoint.family !== "inet6") {
    return endpoint;
  }
  if (familyOf(bytes) === AF_UNSPEC) {
    set(SOCKADDR_IN, bytes, "sin_family", AF_INET);
    return aim(bytes, { ...endpoint });
  }
  if (!isUnspecified(endpoint.address)) return endpoint;
  const address = loopbackOf(endpoint.address);
  // The last four bytes of `::ffff:0.0.0.0`, or all of the address.
  const end = familyOf(bytes) === AF_INET6
    ? SIN6_ADDR_OFFSET + 16
    : SIN_ADDR_OFFSET + 4;
  bytes.set(address, end - address.length);
  return { ...endpoint, address };
}
