/** Constants from `linux/mman.h` and `asm-generic/mman-common.h`. */

/** No access. */
export const PROT_NONE = 0x0;
/** Read. */
export const PROT_READ = 0x1;
/** Write. */
export const PROT_WRITE = 0x2;
/** Execute. */
export const PROT_EXEC = 0x4;

/** Changes go to the file. */
export const MAP_SHARED = 0x01;
/** The same, and unknown flags are refused. */
export const MAP_SHARED_VALIDATE = 0x03;
/** The bits of the flags that say whether changes stay here. */
export const MAP_TYPE = 0x0f;
/** Changes stay here. */
export const MAP_PRIVATE = 0x02;
/** No file, and gone whenever memory is needed. */
export const MAP_DROPPABLE = 0x08;
/** Exactly at the address, replacing what is there. */
export const MAP_FIXED = 0x10;
/** No file. */
export const MAP_ANONYMOUS = 0x20;
/** No memory is set aside for it. */
export const MAP_NORESERVE = 0x4000;
/** Exactly at the address, unless something is there. */
export const MAP_FIXED_NOREPLACE = 0x10_0000;

/** `mremap`: may move. */
export const MREMAP_MAYMOVE = 1;
/** `mremap`: to exactly this address. */
export const MREMAP_FIXED = 2;

/** Size of a page, `PAGE_SIZE`, on x86-64. */
export const PAGE_SIZE = 4096;

// include/uapi/linux/mman.h: flags of mremap(2).
/** Leave an empty mapping behind. */
export const MREMAP_DONTUNMAP = 4;

/** madvise(2): put large pages there, now, `asm-generic/mman-common.h`. */
export const MADV_COLLAPSE = 25;

/** Memory that grows down when it is touched below, `asm-generic/mman.h`. */
export const MAP_GROWSDOWN = 0x0100;
/** mprotect(2): down to the beginning of memory that grows down. */
export const PROT_GROWSDOWN = 0x0100_0000;
/** Large pages; the kernel rounds the length up to their size. */
export const MAP_HUGETLB = 0x4_0000;
