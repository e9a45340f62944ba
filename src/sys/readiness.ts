/**
 * Waiting for pipes without blocking the thread.
 *
 * Deno cannot take over a descriptor that it has not opened. One `epoll_wait` on
 * a thread of the runtime's pool, which has few, watches all of them; what is
 * ready is then read and written by calls that do not wait.
 */

import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_EVENT,
  EPOLLIN,
} from "../abi/epoll.ts";
import { errnoName } from "../abi/errno.ts";
import { get, set } from "../abi/layout.ts";
import { SystemCallError } from "../errors.ts";
import { makeEvent, raiseEvent } from "./event.ts";
import { close, read } from "./files.ts";
import { hostArch } from "./host.ts";
import { rareLibc } from "./libc.ts";

// How many descriptors one wait tells of at most.
const MOST_EVENTS = 64;

class Poller {
  readonly #event = EPOLL_EVENT[hostArch().name];
  readonly #epoll: number;
  readonly #wake: number;
  readonly #waiting: Map<number, () => void> = new Map();
  // Another thread writes into it: made of a buffer, it is never moved.
  readonly #events = new Uint8Array(
    new ArrayBuffer(this.#event.size * MOST_EVENTS),
  );
  #running = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#wake = makeEvent();
    this.#epoll = rareLibc().epoll_create1(EPOLL_CLOEXEC);
    try {
      made("epoll_create1()", this.#epoll);
      this.#control(EPOLL_CTL_ADD, this.#wake, EPOLLIN);
    } catch (error) {
      // The next pipe that is waited for tries again.
      if (this.#epoll >= 0) close(this.#epoll);
      close(this.#wake);
      throw error;
    }
  }

  wait(fd: number, events: number): Promise<void> {
    return new Promise((resolve) => {
      this.#control(EPOLL_CTL_ADD, fd, events);
      this.#waiting.set(fd, resolve);
      if (!this.#running) this.#run();
    });
  }

  async forget(fd: number): Promise<void> {
    const resolve = this.#done(fd);
    if (resolve === undefined) return;
    resolve();
    if (this.#waiting.size > 0) return;
    // With nothing to watch, the wait would keep the process from ending.
    raiseEvent(this.#wake);
    await this.#turn;
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.size > 0) {
      // -1 is a signal, most likely; the next round waits again.
      const turn = rareLibc().epoll_wait(
        this.#epoll,
        this.#events,
        MOST_EVENTS,
        -1,
      );
      this.#turn = turn;
      const count = await turn;
      for (let at = 0; at < count; at++) {
        const { size } = this.#event;
        const event = this.#events.subarray(at * size, (at + 1) * size);
        const fd = get(this.#event, event, "data");
        if (fd === this.#wake) read(fd, new Uint8Array(8));
        // The descriptor may have been forgotten meanwhile, or be a new one with
        // the same number: that finds nothing to read then, and waits again.
        else this.#done(fd)?.();
      }
    }
    this.#running = false;
  }

  #done(fd: number): (() => void) | undefined {
    const resolve = this.#waiting.get(fd);
    if (resolve === undefined) return undefined;
    this.#waiting.delete(fd);
    this.#control(EPOLL_CTL_DEL, fd, 0);
    return resolve;
  }

  #control(operation: number, fd: number, events: number): void {
    const event = new Uint8Array(this.#event.size);
    set(this.#event, event, "events", events);
    set(this.#event, event, "data", fd);
    made(
      "epoll_ctl()",
      rareLibc().epoll_ctl(this.#epoll, operation, fd, event),
    );
  }
}

function made(call: string, result: number): number {
  if (result >= 0) return result;
  throw new SystemCallError("watch a pipe", call, errnoName(-result));
}

let poller: Poller | undefined;

/**
 * Waits until a descriptor is ready.
 *
 * That it is may turn out to be wrong: only a call that does not wait tells.
 *
 * @param fd the descriptor; nobody else waits for it
 * @param events `EPOLLIN` or `EPOLLOUT`
 * @returns a promise that is also resolved by {@linkcode forget}
 */
export function ready(fd: number, events: number): Promise<void> {
  poller ??= new Poller();
  return poller.wait(fd, events);
}

/**
 * Ends the wait for a descriptor, if there is one. It can be closed then.
 *
 * @param fd the descriptor
 * @returns a promise that is resolved when no thread waits in vain
 */
export async function forget(fd: number): Promise<void> {
  await poller?.forget(fd);
}
