/** What is known of which sockets, by a number that no other socket has. */

/** More than these, and the first ones are forgotten. */
const MOST_SOCKETS = 4096;

/** With these there is room for as many whose calls have been looked at. */
const MANY_SOCKETS = MOST_SOCKETS / 2;

/** Some sockets, and what is known of each. */
export class Cookies<Known> {
  readonly #cookies = new Map<number, Known>();

  /** Whether a socket is one of them. */
  has(cookie: number): boolean {
    return this.#cookies.has(cookie);
  }

  /** What is known of a socket; `undefined` where it is none of them. */
  get(cookie: number): Known | undefined {
    return this.#cookies.get(cookie);
  }

  /** Takes in a socket, and what is known of it from now on. */
  set(cookie: number, known: Known): void {
    this.#cookies.set(cookie, known);
    if (this.#cookies.size <= MOST_SOCKETS) return;
    for (const first of this.#cookies.keys()) {
      this.#cookies.delete(first);
      break;
    }
  }

  /**
   * Whether some should be forgotten that can be, before one is whose call is on its
   * way. It may be so for long: a process can hardly ever run.
   */
  get areMany(): boolean {
    return this.#cookies.size >= MANY_SOCKETS;
  }

  /** Forgets the first ones, where there are many. */
  forgetSome(): void {
    const many = Array.from(this.#cookies.keys()).slice(0, -MANY_SOCKETS / 2);
    for (const first of many) this.#cookies.delete(first);
  }

  /** Forgets a socket. */
  delete(cookie: number): void {
    this.#cookies.delete(cookie);
  }
}
