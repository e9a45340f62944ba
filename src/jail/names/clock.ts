/** The clock by which names are remembered: that of all threads. */

import { get } from "../../abi/layout.ts";
import { CLOCK_MONOTONIC, TIMESPEC } from "../../abi/time.ts";
import { readClock } from "../../sys/clock.ts";

const time = new Uint8Array(TIMESPEC.size);

/** Milliseconds since some moment, the same for all threads. */
export function milliseconds(): number {
  readClock(CLOCK_MONOTONIC, time);
  return get(TIMESPEC, time, "tv_sec") * 1000 +
    get(TIMESPEC, time, "tv_nsec") / 1e6;
}
