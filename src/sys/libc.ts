/**
 * The C library, opened at the first call, typed, and with the kernel's own
 * convention of results.
 *
 * Requires `--allow-ffi` permission.
 */

import {
  byAddress,
  compiled,
  errno,
  type Libc,
  openRare,
  type RareLibc,
} from "./library.ts";

/**
 * The functions that every run calls. Where one fails its result is a negative
 * errno, as the kernel's is.
 *
 * That is read at once, from memory, with no other function on the way: where one
 * begins or ends V8 looks whether there is something else to do (to compile one, say),
 * and its own calls change errno too.
 *
 * Each has two places that call it, one for either way. V8 makes a call of Deno's
 * in a few instructions where a place has always called one function; where it has
 * called another before, by the detour for any function, which copies arguments.
 */
export const libc: Libc = {
  __errno_location: () =>
    compiled === undefined
      ? byAddress().__errno_location()
      : compiled.__errno_location(),
  ptrace: (request, tid, address, data) => {
    const result = compiled === undefined
      ? byAddress().ptrace(request, tid, address, data)
      : compiled.ptrace(request, tid, address, data);
    return result === -1 ? -errno[0] : result;
  },
  ptraceBuffer: (request, tid, address, data) => {
    const result = compiled === undefined
      ? byAddress().ptraceBuffer(request, tid, address, data)
      : compiled.ptraceBuffer(request, tid, address, data);
    return result === -1 ? -errno[0] : result;
  },
  wait4: (pid, status, options, usage) => {
    const result = compiled === undefined
      ? byAddress().wait4(pid, status, options, usage)
      : compiled.wait4(pid, status, options, usage);
    return result === -1 ? -errno[0] : result;
  },
  process_vm_readv: (pid, local, locals, remote, remotes, flags) => {
    const result = compiled === undefined
      ? byAddress().process_vm_readv(pid, local, locals, remote, remotes, flags)
      : compiled.process_vm_readv(pid, local, locals, remote, remotes, flags);
    return result === -1 ? -errno[0] : result;
  },
  process_vm_writev: (pid, local, locals, remote, remotes, flags) => {
    const result = compiled === undefined
      ? byAddress().process_vm_writev(
        pid,
        local,
        locals,
        remote,
        remotes,
        flags,
      )
      : compiled.process_vm_writev(pid, local, locals, remote, remotes, flags);
    return result === -1 ? -errno[0] : result;
  },
  pread64: (fd, into, size, offset) => {
    const result = compiled === undefined
      ? byAddress().pread64(fd, into, size, offset)
      : compiled.pread64(fd, into, size, offset);
    return result === -1 ? -errno[0] : result;
  },
  pwrite64: (fd, from, size, offset) => {
    const result = compiled === undefined
      ? byAddress().pwrite64(fd, from, size, offset)
      : compiled.pwrite64(fd, from, size, offset);
    return result === -1 ? -errno[0] : result;
  },
  read: (fd, into, size) => {
    const result = compiled === undefined
      ? byAddress().read(fd, into, size)
      : compiled.read(fd, into, size);
    return result === -1 ? -errno[0] : result;
  },
  write: (fd, from, size) => {
    const result = compiled === undefined
      ? byAddress().write(fd, from, size)
      : compiled.write(fd, from, size);
    return result === -1 ? -errno[0] : result;
  },
  open: (path, flags, mode) => {
    const result = compiled === undefined
      ? byAddress().open(path, flags, mode)
      : compiled.open(path, flags, mode);
    return result === -1 ? -errno[0] : result;
  },
  poll: (fds, count, timeout) => {
    const result = compiled === undefined
      ? byAddress().poll(fds, count, timeout)
      : compiled.poll(fds, count, timeout);
    return result === -1 ? -errno[0] : result;
  },
  faccessat: (dirfd, path, mode, flags) => {
    const result = compiled === undefined
      ? byAddress().faccessat(dirfd, path, mode, flags)
      : compiled.faccessat(dirfd, path, mode, flags);
    return result === -1 ? -errno[0] : result;
  },
  statx: (dirfd, path, flags, mask, into) => {
    const result = compiled === undefined
      ? byAddress().statx(dirfd, path, flags, mask, into)
      : compiled.statx(dirfd, path, flags, mask, into);
    return result === -1 ? -errno[0] : result;
  },
  ioctl: (fd, request, argument) => {
    const result = compiled === undefined
      ? byAddress().ioctl(fd, request, argument)
      : compiled.ioctl(fd, request, argument);
    return result === -1 ? -errno[0] : result;
  },
  mmap: (address, length, prot, flags, fd, offset) =>
    compiled === undefined
      ? byAddress().mmap(address, length, prot, flags, fd, offset)
      : compiled.mmap(address, length, prot, flags, fd, offset),
  mprotect: (address, length, prot) => {
    const result = compiled === undefined
      ? byAddress().mprotect(address, length, prot)
      : compiled.mprotect(address, length, prot);
    return result === -1 ? -errno[0] : result;
  },
  syscallIII: (nr, a, b, c) => {
    const result = compiled === undefined
      ? byAddress().syscallIII(nr, a, b, c)
      : compiled.syscallIII(nr, a, b, c);
    return result === -1 ? -errno[0] : result;
  },
  syscallIB: (nr, a, b) => {
    const result = compiled === undefined
      ? byAddress().syscallIB(nr, a, b)
      : compiled.syscallIB(nr, a, b);
    return result === -1 ? -errno[0] : result;
  },
  syscallBB: (nr, a, b) => {
    const result = compiled === undefined
      ? byAddress().syscallBB(nr, a, b)
      : compiled.syscallBB(nr, a, b);
    return result === -1 ? -errno[0] : result;
  },
  syscallIBBI: (nr, a, b, c, d) => {
    const result = compiled === undefined
      ? byAddress().syscallIBBI(nr, a, b, c, d)
      : compiled.syscallIBBI(nr, a, b, c, d);
    return result === -1 ? -errno[0] : result;
  },
  syscallIIBB: (nr, a, b, c, d) => {
    const result = compiled === undefined
      ? byAddress().syscallIIBB(nr, a, b, c, d)
      : compiled.syscallIIBB(nr, a, b, c, d);
    return result === -1 ? -errno[0] : result;
  },
  syscallBII: (nr, a, b, c) => {
    const result = compiled === undefined
      ? byAddress().syscallBII(nr, a, b, c)
      : compiled.syscallBII(nr, a, b, c);
    return result === -1 ? -errno[0] : result;
  },
};

/** The functions that few runs call, as {@linkcode libc}. */
export function rareLibc(): RareLibc {
  return openRare();
}
