/** Constants from `include/uapi/linux/prctl.h`. */

/** The signal that the end of the parent sends. */
export const PR_SET_PDEATHSIG = 1;
/** May the process be dumped, and traced by its user? */
export const PR_SET_DUMPABLE = 4;
/** Never gain rights by exec. */
export const PR_SET_NO_NEW_PRIVS = 38;

// The rest of include/uapi/linux/prctl.h, in the order of the numbers.
/** Which signal does the end of the parent send? */
export const PR_GET_PDEATHSIG = 2;
/** May it be dumped? */
export const PR_GET_DUMPABLE = 3;
/** Do capabilities survive a change of user? */
export const PR_GET_KEEPCAPS = 7;
/** Let them survive. */
export const PR_SET_KEEPCAPS = 8;
/** How is processor time counted? */
export const PR_GET_TIMING = 13;
/** Only the usual way is known. */
export const PR_SET_TIMING = 14;
/** Set the name of the thread. */
export const PR_SET_NAME = 15;
/** Get the name of the thread. */
export const PR_GET_NAME = 16;
/** Which seccomp mode is it in? */
export const PR_GET_SECCOMP = 21;
/** Install a filter, without flags. */
export const PR_SET_SECCOMP = 22;
/** Is a capability in the bounding set? */
export const PR_CAPBSET_READ = 23;
/** Drop one from it. */
export const PR_CAPBSET_DROP = 24;
/** Does `rdtsc` work? */
export const PR_GET_TSC = 25;
/** Make it work, or fault. */
export const PR_SET_TSC = 26;
/** `PR_SET_TSC`: it faults. */
export const PR_TSC_SIGSEGV = 2;
/** How root gains capabilities. */
export const PR_GET_SECUREBITS = 27;
/** Change that. */
export const PR_SET_SECUREBITS = 28;
/** How late timers may be. */
export const PR_SET_TIMERSLACK = 29;
/** How late may they be? */
export const PR_GET_TIMERSLACK = 30;
/** How to learn of broken memory. */
export const PR_MCE_KILL = 33;
/** How is that set? */
export const PR_MCE_KILL_GET = 34;
/** Change what the kernel says of the address space. */
export const PR_SET_MM = 35;
/** Adopt orphans of one's descendants. */
export const PR_SET_CHILD_SUBREAPER = 36;
/** Does it adopt them? */
export const PR_GET_CHILD_SUBREAPER = 37;
/** Can exec not gain rights? */
export const PR_GET_NO_NEW_PRIVS = 39;
/** Which word is cleared at the end of the thread? */
export const PR_GET_TID_ADDRESS = 40;
/** No huge pages. */
export const PR_SET_THP_DISABLE = 41;
/** Are there none? */
export const PR_GET_THP_DISABLE = 42;
/** Capabilities that survive exec. */
export const PR_CAP_AMBIENT = 47;
/** arm64: length of SVE vectors. */
export const PR_SVE_SET_VL = 50;
/** arm64: what is it? */
export const PR_SVE_GET_VL = 51;
/** Which speculation is restrained? */
export const PR_GET_SPECULATION_CTRL = 52;
/** Restrain it. */
export const PR_SET_SPECULATION_CTRL = 53;
/** arm64: new keys for signed pointers. */
export const PR_PAC_RESET_KEYS = 54;
/** arm64: let pointers carry tags into calls. */
export const PR_SET_TAGGED_ADDR_CTRL = 55;
/** arm64: may they? */
export const PR_GET_TAGGED_ADDR_CTRL = 56;
/** Turn calls into SIGSYS, by where they come from. */
export const PR_SET_SYSCALL_USER_DISPATCH = 59;
/** arm64: which keys sign. */
export const PR_PAC_SET_ENABLED_KEYS = 60;
/** arm64: which do? */
export const PR_PAC_GET_ENABLED_KEYS = 61;
/** Who may run on the same core. */
export const PR_SCHED_CORE = 62;
/** arm64: length of SME vectors. */
export const PR_SME_SET_VL = 63;
/** arm64: what is it? */
export const PR_SME_GET_VL = 64;
/** Memory that was written never becomes executable. */
export const PR_SET_MDWE = 65;
/** Is that so? */
export const PR_GET_MDWE = 66;
/** arm64: is there a shadow stack? */
export const PR_GET_SHADOW_STACK_STATUS = 74;
/** arm64: turn it on. */
export const PR_SET_SHADOW_STACK_STATUS = 75;
/** arm64: keep it as it is. */
export const PR_LOCK_SHADOW_STACK_STATUS = 76;
/** Size of the process's own table of futexes. */
export const PR_FUTEX_HASH = 78;
/** Under {@linkcode PR_FUTEX_HASH}: set it. */
export const PR_FUTEX_HASH_SET_SLOTS = 1;
/** Get the auxiliary vector. */
export const PR_GET_AUXV = 0x4155_5856;
/** Name a mapping. */
export const PR_SET_VMA = 0x5356_4d41;
/** Yama: who else may trace it. */
export const PR_SET_PTRACER = 0x5961_6d61;
