/** Sockets of jail on the loopback, in the place of resolvers. */

import { EADDRINUSE, EADDRNOTAVAIL, errnoName } from "../../abi/errno.ts";
import { SystemCallError } from "../../errors.ts";
import { close } from "../../sys/files.ts";
import { bindTo, boundAddress, type InetAddress } from "../../sys/inet.ts";

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

/** How many ports are tried, each of which is free for datagrams. */
const TURNS = 16;

/**
 * Opens the sockets in the place of resolvers.
 *
 * @param resolvers the resolvers, as the program finds them
 * @param asked who is asked for each
 * @throws {SystemCallError} where the loopback cannot be used; nothing is open then
 */
export function openDoors(
  resolvers: readonly InetAddress[],
  asked: readonly (InetAddress | undefined)[],
): readonly Door[] {
  const doors: Door[] = [];
  for (const [i, resolver] of resolvers.entries()) {
    const pair = openPair(resolver.address.length === 16);
    if (typeof pair !== "number") {
      doors.push({ resolver, asked: asked[i], ...pair });
      continue;
    }
    for (const { datagrams, listener } of doors) {
      [datagrams, listener].map(close);
    }
    throw new SystemCallError(
      "answer in place of the resolver",
      "bind()",
      errnoName(-pair),
      pair === -EADDRNOTAVAIL
        ? "names need the loopback interface: leave names out, or bring lo up"
        : undefined,
    );
  }
  return doors;
}

/**
 * Sockets of both kinds at a port of the loopback that is free; or a negative
 * errno.
 */
function openPair(
  six: boolean,
): Pick<Door, "at" | "datagrams" | "listener"> | number {
  let listener = -EADDRINUSE;
  // One that is free for datagrams may be somebody's for streams.
  for (let turn = 0; turn < TURNS && listener === -EADDRINUSE; turn++) {
    let datagrams = bindTo("datagrams", loopback(six));
    // Where there is no IPv6, its sockets reach IPv4.
    if (datagrams < 0 && six) datagrams = bindTo("datagrams", loopback(false));
    if (datagrams < 0) return datagrams;
    const at = boundAddress(datagrams);
    listener = at === undefined ? -EADDRNOTAVAIL : bindTo("stream", at);
    if (at !== undefined && listener >= 0) return { at, datagrams, listener };
    close(datagrams);
  }
  return listener;
}

function loopback(six: boolean): InetAddress {
  return { address: six ? LOOPBACK6 : LOOPBACK, port: 0, scope: 0 };
}
