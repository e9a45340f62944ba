/** Where in an address space jail keeps the arguments that it has checked. */

/**
 * The first address: the lowest at which anything can be mapped, which is
 * `/proc/sys/vm/mmap_min_addr` as every distribution sets it.
 */
export const PIN_START = 0x1_0000;
/** Bytes for a call with long paths: three pages hold a struct and two of them. */
export const PIN_LONG_SIZE = 0x3000;
/** How many calls with long paths can be in flight in one address space. */
export const PIN_LONG_SLOTS = 53;
/** Where the slot for a filter of the program's own is. */
export const PIN_FILTER_START: number = PIN_START +
  PIN_LONG_SLOTS * PIN_LONG_SIZE;
/** Bytes for a filter as long as the kernel takes one, and what says where it is. */
export const PIN_FILTER_SIZE = 0x9000;
/** Bytes for a call with one short path. */
export const PIN_SHORT_SIZE = 0x100;
/** How many calls with short paths can be in flight in one address space. */
export const PIN_SHORT_SLOTS = 1280;
/** Where the slots for short paths begin. */
export const PIN_SHORT_START: number = PIN_FILTER_START + PIN_FILTER_SIZE;
/**
 * The first address after them. No higher than 0x108000: there valgrind(1) puts
 * the program that it runs.
 */
export const PIN_END: number = PIN_SHORT_START +
  PIN_SHORT_SLOTS * PIN_SHORT_SIZE;
/** Bytes in all. */
export const PIN_SIZE: number = PIN_END - PIN_START;
