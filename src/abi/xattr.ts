/** Constants from `include/uapi/linux/xattr.h` and `limits.h`. */

/** The most bytes of an attribute's name. */
export const XATTR_NAME_MAX = 255;
/** The most bytes of an attribute. */
export const XATTR_SIZE_MAX = 65_536;
/** The most bytes of all names. */
export const XATTR_LIST_MAX = 65_536;
/** What begins so only CAP_SYS_ADMIN sees. */
export const XATTR_TRUSTED_PREFIX = "trusted.";

/** Attributes: the access control list of a file. */
export const XATTR_ACCESS_LIST = "system.posix_acl_access";
