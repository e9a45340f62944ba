/** Sockets of jail on the loopback, in the place of resolvers. */

import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import { bindTo, boundAddress, type InetAddress } from "../sys/inet.ts";

/** The loopback of IPv4. */
export const LOOPBACK: readonly number[] = [127, 0, 0, 1];
/** That of IPv6. */
export const LOOPBACK6: readonly number[] = [...Array<number>(15).fill(0), 1];

/** A resolver, and the sockets in its place. */
export interface Door {
  /** The resolver, as the program finds it. */
  readonly resolver: InetAddress;
  /** Who is asked for it; `undefined` where there is nobody. */
  readonly asked: InetAddress | undefined;
  /** Where the sockets are, by UDP and TCP. */
  readonly at: InetAddress;
  /** A socket for datagrams. */
  readonly datagrams: number;
  /** One that listens. */
  readonly listener: number;
}

/**
 * Opens the sockets in the place of a resolver.
 *
 * @param resolver the resolver, as the program finds it
 * @param asked who is asked for it
 * @throws {SystemCallError} where the loopback cannot be used
 */
export function openDoor(
  resolver: InetAddress,
  asked: InetAddress | undefined,
): Door {
  const six = resolver.address.length === 16;
  let datagrams = bindTo("datagrams", loopback(six));
  // Where there is no IPv6, its sockets reach IPv4.
  if (datagrams < 0 && six) datagrams = bindTo("datagrams", loopback(false));
  const at = datagrams < 0 ? undefined : boundAddress(datagrams);
  const listener = at === undefined ? datagrams : bindTo("stream", at);
  if (at !== undefined && listener >= 0) {
    return { resolver, asked, at, datagrams, listener };
  }
  throw new SystemCallError(
    "answer in place of the resolver",
    "bind()",
    errnoName(-listener),
    "names need the loopback interface: leave names out, or bring lo up",
  );
}

function loopback(six: boolean): InetAddress {
  return { address: six ? LOOPBACK6 : LOOPBACK, port: 0, scope: 0 };
}
