/** The C library's functions that jail calls, and nothing else. */

// `syscall` and `ptrace` take whatever their first argument asks for, so each
// shape of arguments that is used has a name of its own. Where a struct or a
// number differs between C libraries, or the function is missing in old ones,
// the raw call is made. So it is for what is called a few times a run: to open a
// function takes as long as to load a file, and a shape serves many calls.
/** What every run calls, or most. */
export const SYMBOLS = {
  __errno_location: { parameters: [], result: "pointer" },

  // long ptrace(enum __ptrace_request request, pid_t pid, void *addr, void *data)
  ptrace: { parameters: ["i32", "i32", "usize", "usize"], result: "i32" },
  ptraceBuffer: {
    name: "ptrace",
    parameters: ["i32", "i32", "usize", "buffer"],
    result: "i32",
  },
  // pid_t wait4(pid_t pid, int *status, int options, struct rusage *rusage)
  wait4: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  // ssize_t process_vm_readv(pid_t pid,
  //   const struct iovec *local, unsigned long liovcnt,
  //   const struct iovec *remote, unsigned long riovcnt, unsigned long flags)
  process_vm_readv: {
    parameters: ["i32", "buffer", "usize", "buffer", "usize", "usize"],
    result: "i32",
  },
  // ssize_t process_vm_writev, with the same parameters
  process_vm_writev: {
    parameters: ["i32", "buffer", "usize", "buffer", "usize", "usize"],
    result: "i32",
  },

  // ssize_t pread64(int fd, void *buf, size_t count, off64_t offset)
  pread64: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  // ssize_t pwrite64(int fd, const void *buf, size_t count, off64_t offset)
  pwrite64: { parameters: ["i32", "buffer", "usize", "i64"], result: "i32" },
  // ssize_t read(int fd, void *buf, size_t count)
  read: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // ssize_t write(int fd, const void *buf, size_t count)
  write: { parameters: ["i32", "buffer", "usize"], result: "i32" },
  // int open(const char *path, int flags, mode_t mode)
  open: { parameters: ["buffer", "i32", "u32"], result: "i32" },
  // int poll(struct pollfd *fds, nfds_t count, int timeout)
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  // int faccessat(int dirfd, const char *path, int mode, int flags)
  faccessat: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  // int statx(int dirfd, const char *path, int flags, unsigned mask, struct statx *buf)
  statx: {
    parameters: ["i32", "buffer", "i32", "u32", "buffer"],
    result: "i32",
  },
  // int ioctl(int fd, unsigned long request, void *argument)
  ioctl: { parameters: ["i32", "usize", "buffer"], result: "i32" },

  // void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset)
  mmap: {
    parameters: ["usize", "usize", "i32", "i32", "i32", "i64"],
    result: "pointer",
  },
  // int mprotect(void *addr, size_t length, int prot)
  mprotect: { parameters: ["pointer", "usize", "i32"], result: "i32" },

  // long syscall(long number, ...)
  syscallIII: {
    name: "syscall",
    parameters: ["i32", "i32", "i32", "i32"],
    result: "i32",
  },
  syscallIB: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer"],
    result: "i32",
  },
  syscallBB: {
    name: "syscall",
    parameters: ["i32", "buffer", "buffer"],
    result: "i32",
  },
  syscallIBBI: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "buffer", "usize"],
    result: "i32",
  },
  syscallIIBB: {
    name: "syscall",
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  syscallBII: {
    name: "syscall",
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;

/** What few runs call. */
export const RARE = {
  // int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options)
  waitid: { parameters: ["i32", "u32", "buffer", "i32"], result: "i32" },

  // int clock_gettime(clockid_t clockid, struct timespec *tp)
  clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  // ssize_t getxattr(const char *path, const char *name, void *value, size_t size)
  getxattr: {
    parameters: ["buffer", "buffer", "buffer", "usize"],
    result: "i32",
  },
  // ssize_t listxattr(const char *path, char *list, size_t size)
  listxattr: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  // int uname(struct utsname *buf)
  uname: { parameters: ["buffer"], result: "i32" },
  // ssize_t pwritev2(int fd, const struct iovec *iov, int count, off64_t offset, int flags)
  pwritev2: {
    parameters: ["i32", "buffer", "i32", "i64", "i32"],
    result: "i32",
  },
  // int openat(int dirfd, const char *path, int flags, mode_t mode)
  openat: { parameters: ["i32", "buffer", "i32", "u32"], result: "i32" },
  // int unlinkat(int dirfd, const char *path, int flags)
  unlinkat: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  // int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath)
  renameat: { parameters: ["i32", "buffer", "i32", "buffer"], result: "i32" },
  // int mkdir(const char *path, mode_t mode)
  mkdir: { parameters: ["buffer", "u32"], result: "i32" },
  // int fchmodat(int dirfd, const char *path, mode_t mode, int flags)
  fchmodat: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  // off64_t lseek64(int fd, off64_t offset, int whence)
  lseek64: { parameters: ["i32", "i64", "i32"], result: "i64" },
  // int pipe2(int fds[2], int flags)
  pipe2: { parameters: ["buffer", "i32"], result: "i32" },
  // int epoll_create1(int flags)
  epoll_create1: { parameters: ["i32"], result: "i32" },
  // int epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  // int epoll_wait(int epfd, struct epoll_event *events, int maxevents, int timeout)
  // It runs on a thread of the runtime's pool, so its errno cannot be known.
  epoll_wait: {
    parameters: ["i32", "buffer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  // int eventfd(unsigned int initval, int flags)
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  // int prctl(int option, unsigned long, unsigned long, unsigned long, unsigned long)
  prctl: {
    parameters: ["i32", "usize", "usize", "usize", "usize"],
    result: "i32",
  },
  // int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  // int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  // pid_t getpid(void)
  getpid: { parameters: [], result: "i32" },
  // int munmap(void *addr, size_t length)
  munmap: { parameters: ["pointer", "usize"], result: "i32" },
  syscallIBI: {
    name: "syscall",
    parameters: ["i32", "i32", "buffer", "usize"],
    result: "i32",
  },
  syscallWords: {
    name: "syscall",
    parameters: ["i32", "u64", "u64", "u64", "u64", "u64", "u64"],
    result: "i32",
  },
  syscallIIIBB: {
    name: "syscall",
    parameters: ["i32", "i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  // int socket(int domain, int type, int protocol)
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // int bind(int fd, const struct sockaddr *address, socklen_t length)
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int connect(int fd, const struct sockaddr *address, socklen_t length)
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  // int listen(int fd, int backlog)
  listen: { parameters: ["i32", "i32"], result: "i32" },
  // int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  // int getpeername(int fd, struct sockaddr *address, socklen_t *length)
  getpeername: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // int getsockname(int fd, struct sockaddr *address, socklen_t *length)
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // unsigned int if_nametoindex(const char *name)
  if_nametoindex: { parameters: ["buffer"], result: "u32" },
  // ssize_t sendto(int fd, const void *message, size_t size, int flags,
  //   const struct sockaddr *address, socklen_t length)
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "i32",
  },
  // ssize_t recvfrom(int fd, void *into, size_t size, int flags,
  //   struct sockaddr *address, socklen_t *length)
  recvfrom: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"],
    result: "i32",
  },
} as const satisfies Deno.ForeignLibraryInterface;
