/** Constants from `include/uapi/linux/futex.h`. */

/** Flag of an operation: only threads share the memory of the word. */
export const FUTEX_PRIVATE = 128;
/** Wake those that wait. */
export const FUTEX_WAKE = 1;
/** Wait while a word has a value, among threads that share memory. */
export const FUTEX_WAIT_PRIVATE = 128;
/** Wake those that wait, among threads that share memory. */
export const FUTEX_WAKE_PRIVATE = 129;

// include/uapi/linux/futex.h: operations whose futex names its owner.
/** Lock; the owner inherits the priority of who waits. */
export const FUTEX_LOCK_PI = 6;
/** Unlock. */
export const FUTEX_UNLOCK_PI = 7;
/** Lock, now or not at all. */
export const FUTEX_TRYLOCK_PI = 8;
/** Wait, then lock another. */
export const FUTEX_WAIT_REQUEUE_PI = 11;
/** Move those who wait to another. */
export const FUTEX_CMP_REQUEUE_PI = 12;
/** As FUTEX_LOCK_PI, with a clock. */
export const FUTEX_LOCK_PI2 = 13;
/** The bits of the operation; the others are flags. */
export const FUTEX_CMD_MASK = 0x7f;

// include/uapi/linux/futex.h: waits until a time of a clock.
/** Wait while a word has a value. */
export const FUTEX_WAIT_BITSET = 9;
/** The clock is CLOCK_REALTIME. */
export const FUTEX_CLOCK_REALTIME = 256;
