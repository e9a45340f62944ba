/** Of which sockets something is known, by a number that no other socket has. */

/** More than these, and the first ones are forgotten. */
const MOST_SOCKETS = 4096;

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

  /** Forgets a socket. */
  delete(cookie: number): void {
    this.#cookies.delete(cookie);
  }
}
