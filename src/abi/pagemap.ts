/** Constants of `/proc/<pid>/pagemap`, `fs/proc/task_mmu.c` and pagemap.rst. */

// In the highest byte of a page's 64-bit entry.
/** Bit 61: a page of a file, or of shared memory. */
export const PM_FILE = 0x20;
/** Bit 63: present. */
export const PM_PRESENT = 0x80;
