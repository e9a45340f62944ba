/** A question that a resolver is asked by TCP. */

import { EAGAIN, EINTR } from "../../abi/errno.ts";
import { POLLIN, POLLOUT } from "../../abi/poll.ts";
import { receive, send } from "../../sys/inet.ts";

/** A message of DNS behind its length: RFC 1035, 4.2.2. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  bytes.set([message.length >> 8, message.length & 0xff]);
  bytes.set(message, 2);
  return bytes;
}

/** A question on its way. */
export class StreamQuestion {
  readonly #fd: number;
  #unsent: Uint8Array;
  #bytes = new Uint8Array(2 + 65_535);
  #length = 0;

  /**
   * Makes one.
   *
   * @param fd a stream that connects to the resolver
   * @param message what is asked
   */
  constructor(fd: number, message: Uint8Array) {
    this.#fd = fd;
    this.#unsent = framed(message);
  }

  /** What it waits for. */
  get events(): number {
    return this.#unsent.length > 0 ? POLLOUT : POLLIN;
  }

  /**
   * Goes on.
   *
   * @returns the answer; `undefined` where there will be none
   */
  ready(): Uint8Array | "later" | undefined {
    if (this.#unsent.length > 0) {
      const sent = send(this.#fd, this.#unsent);
      if (sent < 0) return isLater(sent) ? "later" : undefined;
      this.#unsent = this.#unsent.subarray(sent);
      return "later";
    }
    const count = receive(this.#fd, this.#bytes.subarray(this.#length));
    if (count < 0 && isLater(count)) return "later";
    if (count <= 0) return undefined;
    this.#length += count;
    const [high = 0, low = 0] = this.#bytes;
    const end = 2 + (high << 8 | low);
    return this.#length < 2 || this.#length < end
      ? "later"
      : this.#bytes.subarray(2, end);
  }
}

/** Whether a call is to be made again. */
export function isLater(result: number): boolean {
  return result === -EAGAIN || result === -EINTR;
}
