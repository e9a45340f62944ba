/** Where the ends of a packet are in its headers, in bytes. */

/** Where something of each end is. */
interface Ends {
  readonly source: number;
  readonly destination: number;
}

/** `saddr` and `daddr` of `struct iphdr`, include/uapi/linux/ip.h. */
export const IPHDR_ADDRESSES: Ends = { source: 12, destination: 16 };
/** `saddr` and `daddr` of `struct ipv6hdr`, include/uapi/linux/ipv6.h. */
export const IPV6HDR_ADDRESSES: Ends = { source: 8, destination: 24 };
/** `source` and `dest` of `struct udphdr`, include/uapi/linux/udp.h. */
export const UDPHDR_PORTS: Ends = { source: 0, destination: 2 };
