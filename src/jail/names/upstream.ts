/**
 * Questions that resolvers are asked, until they answer.
 *
 * Each has a socket of its own, which is connected, and a number that nobody can
 * guess: nothing that somebody else sends is taken for an answer.
 */

import { POLLIN } from "../../abi/poll.ts";
import { FORMERR } from "../../policy/net/dns.ts";
import {
  type DnsAnswer,
  readAnswer,
  writeQuery,
} from "../../policy/net/dns_resolver.ts";
import { close } from "../../sys/files.ts";
import { connectTo, type InetAddress, receive, send } from "../../sys/inet.ts";
import { milliseconds } from "./clock.ts";
import { isLater, StreamQuestion } from "./stream_question.ts";

/** How long a resolver may take. */
const PATIENCE_MS = 10_000;

/** How many questions may wait for a resolver: the last ones. */
const MOST_QUESTIONS = 64;

/** The same, by TCP. */
const MOST_STREAMS = 16;

/** Told of an answer; `undefined` where there is none, or none that makes sense. */
export type Answered = (answer: DnsAnswer | undefined) => void;

/** What is asked. */
export interface Wanted {
  /** Who is asked. */
  readonly resolver: InetAddress;
  /** The name, as `hostName()` writes it. */
  readonly name: string;
  /** The type of records. */
  readonly type: number;
  /** Whether by TCP. */
  readonly stream: boolean;
}

interface Waiting {
  readonly wanted: Wanted;
  /** Whether it was asked by EDNS. */
  readonly extended: boolean;
  readonly sent: Uint8Array;
  readonly until: number;
  readonly answered: Answered;
  /** Where it is asked by TCP: how far it is. */
  readonly stream: StreamQuestion | undefined;
}

const received = new Uint8Array(65_536);

/** Questions that wait for an answer. */
export class Upstream {
  readonly #waiting = new Map<number, Waiting>();
  #streams = 0;

  /** Asks a resolver. One that does not answer in time is not told of, by UDP. */
  ask(wanted: Wanted, answered: Answered, extended = true): void {
    const { resolver, name, type, stream } = wanted;
    if (stream && this.#streams >= MOST_STREAMS) return answered(undefined);
    const sent = writeQuery(randomNumber(), name, type, extended);
    const fd = connectTo(stream ? "stream" : "datagrams", resolver);
    if (fd < 0) return answered(undefined);
    if (!stream && send(fd, sent) < 0) {
      close(fd);
      return answered(undefined);
    }
    this.#makeRoom();
    if (stream) this.#streams++;
    this.#waiting.set(fd, {
      ...{ wanted, extended, sent, answered },
      until: milliseconds() + PATIENCE_MS,
      stream: stream ? new StreamQuestion(fd, sent) : undefined,
    });
  }

  /** Adds what is waited for; lets go of what has waited for too long. */
  wait(waited: Map<number, number>, now: number): void {
    for (const [fd, { stream, until, answered }] of this.#waiting) {
      if (until > now) waited.set(fd, stream?.events ?? POLLIN);
      else {
        this.#forget(fd);
        // Whoever asked by a stream would wait until that is closed.
        if (stream !== undefined) answered(undefined);
      }
    }
  }

  /** Goes on with a descriptor; whether it was one of these. */
  ready(fd: number): boolean {
    const waiting = this.#waiting.get(fd);
    if (waiting === undefined) return false;
    const { wanted, extended, stream, sent, answered } = waiting;
    const message = stream === undefined ? receiveNow(fd) : stream.ready();
    // Perhaps another one had this number when it was ready.
    if (message === "later") return true;
    const answer = message && readAnswer(message, sent);
    // What answers something else may be a forgery: the answer may come yet.
    if (message !== undefined && answer === undefined && !stream) return true;
    this.#forget(fd);
    const told = answer === "malformed" ? undefined : answer;
    // Who does not know EDNS says so, and is asked without: RFC 6891, 7.
    if (extended && told?.code === FORMERR) this.ask(wanted, answered, false);
    else answered(told);
    return true;
  }

  /** Waits for nothing any more. */
  close(): void {
    for (const fd of [...this.#waiting.keys()]) this.#forget(fd);
  }

  #makeRoom(): void {
    if (this.#waiting.size - this.#streams < MOST_QUESTIONS) return;
    for (const [fd, { stream }] of this.#waiting) {
      if (stream === undefined) return this.#forget(fd);
    }
  }

  #forget(fd: number): void {
    if (this.#waiting.get(fd)?.stream !== undefined) this.#streams--;
    this.#waiting.delete(fd);
    close(fd);
  }
}

/** A message; `undefined` where none will come. */
function receiveNow(fd: number): Uint8Array | "later" | undefined {
  const size = receive(fd, received);
  if (isLater(size)) return "later";
  return size < 0 ? undefined : received.subarray(0, size);
}

function randomNumber(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0] as number;
}
