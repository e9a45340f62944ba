/** Where in an address space jail keeps the arguments that it has checked. */

/**
 * The first address: the lowest at which anything can be mapped, which is
 * `/proc/sys/vm/mmap_min_addr` as every distribution sets it.
 */
export const PIN_START = 0x1_0000;
/** How many calls can be in flight in one address space. */
export const PIN_SLOTS = 256;
/** Bytes for one call: three pages hold a struct and two paths. */
export const PIN_SLOT_SIZE = 0x3000;
/** Bytes in all. */
export const PIN_SIZE: number = PIN_SLOTS * PIN_SLOT_SIZE;
/** The first address after them. */
export const PIN_END: number = PIN_START + PIN_SIZE;
