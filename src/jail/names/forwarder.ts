/**
 * Answers in place of the system's resolvers: passes on what the policy lets be
 * asked, and takes note of the addresses in the answers before it gives them.
 *
 * Each question that goes on is made anew, from a name in lower case and a type: so
 * nothing else of what the program wrote leaves the jail.
 */

import { POLLIN } from "../../abi/poll.ts";
import type { Call } from "../../policy/call.ts";
import type { Decision } from "../../policy/decision.ts";
import {
  isAskable,
  isUsual,
  NOERROR,
  NOTIMP,
  NXDOMAIN,
  REFUSED,
  SERVFAIL,
  TYPE_A,
  TYPE_AAAA,
} from "../../policy/net/dns.ts";
import {
  addressRecord,
  readQuery,
  type Reply,
  writeFormatError,
  writeReply,
} from "../../policy/net/dns_client.ts";
import type { DnsAnswer } from "../../policy/net/dns_resolver.ts";
import { unmapped } from "../../policy/net/endpoint.ts";
import { close } from "../../sys/files.ts";
import { type InetAddress, receiveFrom, send } from "../../sys/inet.ts";
import { waitForAny } from "../../sys/poll.ts";
import { poke } from "../../sys/pulse.ts";
import { milliseconds } from "./clock.ts";
import { type Door, LOOPBACK, LOOPBACK6 } from "./doors.ts";
import { StreamClients } from "./forwarder_streams.ts";
import { questionCall } from "./question.ts";
import type { NameTable } from "./table.ts";
import { type Answered, Upstream, type Wanted } from "./upstream.ts";

/** How many datagrams are taken from one socket before others have their turn. */
const TURN = 16;

/** How long it waits at most until it looks who has waited for too long. */
const LOOK_MS = 1000;

/** How long the tracer may take until it is told again of a question. */
const HEARING_MS = 10;

/** How long an answer of jail's own is good for, in seconds. */
const OWN_TTL = 60;

/** What answering depends on. */
export interface ForwarderOptions {
  /** The resolvers that are asked, and where jail is reached in their place. */
  readonly doors: readonly Door[];
  /** Decides whether a question may be asked. */
  readonly decide: (call: Call) => Decision;
  /** Whether the addresses of a name are to be remembered. */
  readonly concerns: (name: string) => boolean;
  /** Where they are. */
  readonly table: NameTable;
  /** A descriptor that can be read when it should be over. */
  readonly over: number;
}

/** Gives an answer to whoever asked. */
export type Respond = (reply: Uint8Array) => void;

/** A resolver, and the sockets that questions for it come to. */
interface Entrance {
  readonly resolver: InetAddress;
  readonly datagrams: number;
  readonly streams: StreamClients;
}

/** Answers in place of resolvers. */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #entrances: readonly Entrance[];
  readonly #upstream = new Upstream();

  /** Makes one, which takes the sockets over. */
  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#entrances = options.doors.map((
      { resolver, datagrams, listener },
    ) => ({
      ...{ resolver, datagrams },
      streams: new StreamClients(
        listener,
        (bytes, respond) => this.#heard(bytes, resolver, respond, true),
      ),
    }));
  }

  /** Answers until it should be over. The calling thread is blocked meanwhile. */
  run(): void {
    while (!this.#options.table.stopped) this.#turn();
    this.#upstream.close();
    for (const { datagrams, streams } of this.#entrances) {
      close(datagrams);
      streams.close();
    }
  }

  #turn(): void {
    const now = milliseconds();
    const waited = new Map([[this.#options.over, POLLIN]]);
    for (const { datagrams, streams } of this.#entrances) {
      waited.set(datagrams, POLLIN);
      streams.wait(waited, now);
    }
    this.#upstream.wait(waited, now);
    for (const fd of waitForAny(waited, LOOK_MS)) {
      // Who waits for the end does not wait for answers.
      if (this.#options.table.stopped) return;
      this.#ready(fd);
    }
  }

  #ready(fd: number): void {
    if (this.#upstream.ready(fd)) return;
    for (const { resolver, datagrams, streams } of this.#entrances) {
      if (fd === datagrams) return this.#receive(datagrams, resolver);
      if (streams.ready(fd)) return;
    }
  }

  /** Takes questions that came by datagrams. */
  #receive(fd: number, resolver: InetAddress): void {
    for (let i = 0; i < TURN; i++) {
      const datagram = receiveFrom(fd);
      if (typeof datagram === "number") return;
      const { bytes, from } = datagram;
      this.#heard(bytes, resolver, (reply) => {
        send(fd, reply, from);
      }, false);
    }
  }

  /** Judges a question, and answers it or passes it on. */
  #heard(
    bytes: Uint8Array,
    resolver: InetAddress,
    respond: Respond,
    stream: boolean,
  ): void {
    const query = readQuery(bytes);
    if (query === undefined) return;
    if (query === "malformed") return respond(writeFormatError(bytes));
    const most = stream ? 65_535 : query.size;
    const say = (reply: Reply): void => respond(writeReply(query, reply, most));
    const { name, type } = query;
    if (name === undefined) return say({ code: NXDOMAIN });
    if (name === "localhost" || name.endsWith(".localhost")) {
      return say(this.#own(name, type));
    }
    const decision = this.#options.decide(questionCall(name, resolver));
    if (!this.#tell(name, type, resolver)) return;
    if (decision.kind === "refuse") {
      const { refusal } = decision;
      const absent = refusal.kind === "errno" && refusal.errno === "ENOENT";
      return say({ code: absent ? NXDOMAIN : REFUSED });
    }
    const usual = !this.#options.concerns(name) || isUsual(type);
    if (!usual || !isAskable(type)) return say({ code: NOTIMP });
    const { doors } = this.#options;
    const at = doors.findIndex((door) => door.resolver === resolver);
    this.#ask({ name, type, stream }, doors.slice(at), (answer) => {
      say(this.#reply(name, answer));
    });
  }

  /**
   * Asks a resolver, and the next one where nobody is there, or what is said makes
   * no sense. A client sees that of a resolver and does the same, and some take no
   * answer of jail's own for a reason to.
   */
  #ask(
    wanted: Omit<Wanted, "resolver">,
    [door, ...others]: readonly Door[],
    answered: Answered,
  ): void {
    if (door === undefined) return answered(undefined);
    const { asked, resolver } = door;
    const call = questionCall(wanted.name, resolver);
    const may = this.#options.decide(call).kind === "allow";
    if (asked === undefined || !may) {
      return this.#ask(wanted, others, answered);
    }
    this.#upstream.ask({ ...wanted, resolver: asked }, (answer) => {
      if (answer !== undefined) answered(answer);
      else this.#ask(wanted, others, answered);
    });
  }

  /** The loopback's name is its, whoever is asked: RFC 6761, 6.3. */
  #own(name: string, type: number): Reply {
    const address = type === TYPE_A
      ? LOOPBACK
      : type === TYPE_AAAA
      ? LOOPBACK6
      : undefined;
    if (address === undefined) return { code: NOERROR };
    if (!this.#learn(name, [{ address, ttl: OWN_TTL }])) {
      return { code: SERVFAIL };
    }
    return {
      ...{ code: NOERROR, counts: [1, 0] as const },
      records: addressRecord(address, OWN_TTL),
    };
  }

  /** Takes note of the addresses in an answer; what the client is told. */
  #reply(name: string, answer: DnsAnswer | undefined): Reply {
    if (answer === undefined) return { code: SERVFAIL };
    const { code, truncated } = answer;
    if (truncated) return { code, truncated };
    return this.#learn(name, answer.addresses) ? answer : { code: SERVFAIL };
  }

  #learn(name: string, addresses: DnsAnswer["addresses"]): boolean {
    if (!this.#options.concerns(name)) return true;
    const now = milliseconds();
    return addresses.every(({ address: found, ttl }) => {
      // By a socket of IPv6 it is reached as IPv4, and rules know it as that.
      const address = unmapped(found);
      return this.#options.table.learn(name, address, ttl, now);
    });
  }

  /**
   * Tells the tracer of a question, and waits until it has told of that: what leaves
   * the jail stands in its log, also where the program has ended by then.
   *
   * @returns whether it has; else nobody hears any more
   */
  #tell(name: string, type: number, resolver: InetAddress): boolean {
    const { table, doors } = this.#options;
    const at = doors.findIndex((door) => door.resolver === resolver);
    table.ask({ name, type, resolver: at });
    while (table.unheard > 0) {
      if (table.stopped) return false;
      // One that comes just before the tracer waits is lost.
      this.#poke();
      table.waitForHearing(HEARING_MS);
    }
    return true;
  }

  #poke(): void {
    const { poked } = this.#options.table;
    if (poked !== undefined) poke(poked);
  }
}
