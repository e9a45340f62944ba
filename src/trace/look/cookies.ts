/** Of which sockets something is known, by a number that no other socket has. */

/** More than these, and the first ones are forgotten. */
const MOST_SOCKETS = 4096;

/** With these there is room for as many whose calls have been looked at. */
const MANY_SOCKETS = MOST_SOCKETS / 2;

/** Some sockets. */
export class Cookies {
  readonly #cookies = new Set<number>();

  /** Whether a socket is one of them. */
  has(cookie: number): boolean {
    return this.#cookies.has(cookie);
  }

  /** Takes in a socket. */
  add(cookie: number): void {
    this.#cookies.add(cookie);
    if (this.#cookies.size <= MOST_SOCKETS) return;
    for (const first of this.#cookies) {
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
    const many = Array.from(this.#cookies).slice(0, -MANY_SOCKETS / 2);
    for (const first of many) this.#cookies.delete(first);
  }

  /** Forgets a socket. */
  delete(cookie: number): void {
    this.#cookies.delete(cookie);
  }
}
