/** Constants from `include/uapi/linux/random.h`. */

/** The flags of getrandom(2): GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE. */
export const GRND_VALID = 7;
