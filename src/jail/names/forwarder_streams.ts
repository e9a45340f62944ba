/** Clients that ask by TCP: their connections, which are hostile ones. */

import { POLLIN, POLLOUT } from "../../abi/poll.ts";
import { close } from "../../sys/files.ts";
import { accept, receive, send } from "../../sys/inet.ts";
import { waitATurn } from "../../sys/output.ts";
import { milliseconds } from "./clock.ts";
import { framed, isLater } from "./stream_question.ts";

/** How many connections there may be: the last ones. */
const MOST_CLIENTS = 16;

/** How long a client may say nothing, or leave a question unfinished. */
const IDLE_MS = 10_000;

/** How long a question is at most: a header, a name, and an OPT with options. */
const MOST_QUESTION = 2048;

/** How many of a client's questions may wait for an answer. */
const MOST_OPEN = 16;

/** Told of a question, and how to answer it. */
type Hear = (
  bytes: Uint8Array,
  respond: (reply: Uint8Array) => void,
) => void;

/** The clients of one socket that listens. */
export class StreamClients {
  readonly #listener: number;
  readonly #hear: Hear;
  readonly #clients = new Map<number, Client>();

  /** Takes over a socket that listens. */
  constructor(listener: number, hear: Hear) {
    this.#listener = listener;
    this.#hear = hear;
  }

  /** Adds what is waited for; lets go of who said nothing for too long. */
  wait(waited: Map<number, number>, now: number): void {
    for (const [fd, client] of this.#clients) {
      if (client.until <= now) this.#drop(fd);
      else if (client.events !== 0) waited.set(fd, client.events);
    }
    waited.set(this.#listener, POLLIN);
  }

  /** Goes on with a descriptor; whether it was one of these. */
  ready(fd: number): boolean {
    if (fd === this.#listener) {
      const client = accept(fd);
      for (const oldest of this.#clients.keys()) {
        if (client >= 0 && this.#clients.size >= MOST_CLIENTS) {
          this.#drop(oldest);
        }
        break;
      }
      if (client >= 0) this.#clients.set(client, new Client(client));
      // Without a descriptor for it, it would be ready again at once.
      else if (!isLater(client)) waitATurn();
      return true;
    }
    const client = this.#clients.get(fd);
    if (client === undefined) return false;
    if (!client.write() || !client.read(this.#hear)) this.#drop(fd);
    return true;
  }

  /** Closes all of it. */
  close(): void {
    for (const fd of [...this.#clients.keys()]) this.#drop(fd);
    close(this.#listener);
  }

  #drop(fd: number): void {
    this.#clients.get(fd)?.gone();
    this.#clients.delete(fd);
    close(fd);
  }
}

class Client {
  readonly #fd: number;
  readonly #bytes = new Uint8Array(2 + MOST_QUESTION);
  #length = 0;
  #unsent: Uint8Array[] = [];
  /** How many questions have no answer that was sent. */
  #open = 0;
  #gone = false;
  /** Whether it asks no more. */
  #asked = false;
  until = milliseconds() + IDLE_MS;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get events(): number {
    return (this.#open < MOST_OPEN && !this.#asked ? POLLIN : 0) |
      (this.#unsent.length > 0 ? POLLOUT : 0);
  }

  gone(): void {
    this.#gone = true;
  }

  /** Sends what it can; false where the connection is over. */
  write(): boolean {
    for (let first = this.#unsent[0]; first; first = this.#unsent[0]) {
      const sent = send(this.#fd, first);
      if (sent < 0) return isLater(sent);
      if (sent < first.length) {
        this.#unsent[0] = first.subarray(sent);
        return true;
      }
      this.#unsent.shift();
      this.#open--;
      this.until = milliseconds() + IDLE_MS;
    }
    return true;
  }

  /** Takes questions; false where the connection is over. */
  read(hear: Hear): boolean {
    const room = this.#bytes.subarray(this.#length);
    if (this.#open < MOST_OPEN && room.length > 0 && !this.#asked) {
      const count = receive(this.#fd, room);
      if (count < 0 && !isLater(count)) return false;
      this.#asked = count === 0;
      this.#length += Math.max(count, 0);
    }
    while (this.#length >= 2 && this.#open < MOST_OPEN) {
      const size = (this.#bytes[0] as number) << 8 | (this.#bytes[1] as number);
      if (size === 0 || size > MOST_QUESTION) return false;
      if (this.#length < 2 + size) break;
      const question = this.#bytes.slice(2, 2 + size);
      this.#bytes.copyWithin(0, 2 + size, this.#length);
      this.#length -= 2 + size;
      this.#open++;
      hear(question, (reply) => this.#answer(reply));
      this.until = milliseconds() + IDLE_MS;
    }
    return !this.#asked || this.#open > 0;
  }

  #answer(reply: Uint8Array): void {
    if (!this.#gone) this.#unsent.push(framed(reply));
  }
}
