/** Constants from `include/uapi/linux/mempolicy.h`. */

/** get_mempolicy(2): of the page at an address, and not of the task. */
export const MPOL_F_ADDR = 2;
/** mbind(2): fail where pages that are there lie elsewhere. */
export const MPOL_MF_STRICT = 1;
