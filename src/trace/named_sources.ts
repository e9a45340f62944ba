/**
 * Lets sockets for datagrams receive from addresses that were found by a name.
 *
 * Which addresses a name has is not known when a socket is made. So a socket gets
 * its filter anew when it is about to send to such an address. Where a thread puts
 * another socket under the number meanwhile, that one may receive from there too,
 * as any could that sends there.
 */

import { AF_INET, AF_INET6, SOCK_DGRAM } from "../abi/socket.ts";
import type { NetUse } from "../policy/net/endpoint.ts";
import { type SourceTest, sourceTest } from "../policy/net/sources.ts";
import { attachFilter, hasFilter, socketFacts } from "../sys/task/borrow.ts";
import { askSocket } from "./look/sockets.ts";
import type { Tracee } from "./tracee/tracee.ts";

/**
 * From how many such addresses one socket receives: the last ones that it sent to.
 */
export const MOST_SOURCES = 32;

/** For how many sockets this is remembered: the last ones. */
const MOST_SOCKETS = 4096;

/** The sockets that receive from addresses that were found by a name. */
export class NamedSources {
  readonly #filter: (named: readonly SourceTest[]) => Uint8Array | undefined;
  readonly #sockets = new Map<number, SourceTest[]>();

  /** Makes it, with what makes a filter. */
  constructor(
    filter: (named: readonly SourceTest[]) => Uint8Array | undefined,
  ) {
    this.#filter = filter;
  }

  /**
   * Whether a socket is to receive from where it has not received from.
   *
   * @param net where a call sends to
   * @param socket the socket, which is asked for its number where that matters
   */
  renews(
    net: readonly NetUse[],
    socket: { readonly cookie: number | undefined },
  ): boolean {
    const tests = testsOf(net);
    if (tests.length === 0) return false;
    const known = this.#sockets.get(socket.cookie ?? 0) ?? [];
    return tests.some((test) => !known.some(isSame(test)));
  }

  /**
   * Lets a socket receive from where a call sends to.
   *
   * @param tracee whose call it is
   * @param leads whether its descriptors are those of its process's first thread
   * @param number the descriptor
   * @param net where it sends to
   * @param renewed whether it has just got another filter
   */
  admit(
    tracee: Tracee,
    leads: boolean,
    number: number,
    net: readonly NetUse[],
    renewed: boolean,
  ): void {
    const tests = testsOf(net);
    if (tests.length === 0 && !renewed) return;
    // Where it is no socket by now the call will fail.
    askSocket(
      tracee,
      leads,
      number,
      (fd) => this.#attach(fd, tests, renewed),
    );
  }

  #attach(fd: number, tests: readonly SourceTest[], renewed: boolean): void {
    const facts = socketFacts(fd);
    if (typeof facts === "number" || facts.type !== SOCK_DGRAM) return;
    if (facts.family !== AF_INET && facts.family !== AF_INET6) return;
    // One that was handed in receives what it did before.
    if (!hasFilter(fd)) return;
    const known = this.#sockets.get(facts.cookie) ?? [];
    const fresh = tests.filter((test) => !known.some(isSame(test)));
    const all = [...known, ...fresh].slice(-MOST_SOURCES);
    if (all.length === 0 || fresh.length === 0 && !renewed) return;
    const filter = this.#filter(all);
    // Where it cannot have that, no answer comes in.
    if (filter === undefined || attachFilter(fd, filter) < 0) return;
    this.#sockets.delete(facts.cookie);
    this.#sockets.set(facts.cookie, all);
    if (this.#sockets.size <= MOST_SOCKETS) return;
    for (const first of this.#sockets.keys()) {
      this.#sockets.delete(first);
      break;
    }
  }
}

/** What comes from where a call sends to, by a name. */
function testsOf(net: readonly NetUse[]): readonly SourceTest[] {
  return net.flatMap(({ access, endpoint }) =>
    access === "connect" &&
      (endpoint.family === "inet" || endpoint.family === "inet6") &&
      endpoint.names !== undefined
      ? sourceTest(endpoint.address, endpoint.port)
      : []
  );
}

function isSame(a: SourceTest): (b: SourceTest) => boolean {
  return (b) =>
    a.ports.first === b.ports.first &&
    a.address?.join() === b.address?.join();
}
