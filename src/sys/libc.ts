/**
 * The C library, opened at the first call, and typed.
 *
 * Requires `--allow-ffi` permission.
 */

import {
  byAddress,
  compiled,
  type Libc,
  location,
  openRare,
  type RareLibc,
} from "./library.ts";

/**
 * The functions that every run calls; a result of -1 goes through
 * {@linkcode outcome} at once.
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
  ptrace: (request, tid, address, data) =>
    compiled === undefined
      ? byAddress().ptrace(request, tid, address, data)
      : compiled.ptrace(request, tid, address, data),
  ptraceBuffer: (request, tid, address, data) =>
    compiled === undefined
      ? byAddress().ptraceBuffer(request, tid, address, data)
      : compiled.ptraceBuffer(request, tid, address, data),
  wait4: (pid, status, options, usage) =>
    compiled === undefined
      ? byAddress().wait4(pid, status, options, usage)
      : compiled.wait4(pid, status, options, usage),
  process_vm_readv: (pid, local, locals, remote, remotes, flags) =>
    compiled === undefined
      ? byAddress().process_vm_readv(pid, local, locals, remote, remotes, flags)
      : compiled.process_vm_readv(pid, local, locals, remote, remotes, flags),
  process_vm_writev: (pid, local, locals, remote, remotes, flags) =>
    compiled === undefined
      ? byAddress().process_vm_writev(
        pid,
        local,
        locals,
        remote,
        remotes,
        flags,
      )
      : compiled.process_vm_writev(pid, local, locals, remote, remotes, flags),
  pread64: (fd, into, size, offset) =>
    compiled === undefined
      ? byAddress().pread64(fd, into, size, offset)
      : compiled.pread64(fd, into, size, offset),
  pwrite64: (fd, from, size, offset) =>
    compiled === undefined
      ? byAddress().pwrite64(fd, from, size, offset)
      : compiled.pwrite64(fd, from, size, offset),
  read: (fd, into, size) =>
    compiled === undefined
      ? byAddress().read(fd, into, size)
      : compiled.read(fd, into, size),
  write: (fd, from, size) =>
    compiled === undefined
      ? byAddress().write(fd, from, size)
      : compiled.write(fd, from, size),
  open: (path, flags, mode) =>
    compiled === undefined
      ? byAddress().open(path, flags, mode)
      : compiled.open(path, flags, mode),
  poll: (fds, count, timeout) =>
    compiled === undefined
      ? byAddress().poll(fds, count, timeout)
      : compiled.poll(fds, count, timeout),
  faccessat: (dirfd, path, mode, flags) =>
    compiled === undefined
      ? byAddress().faccessat(dirfd, path, mode, flags)
      : compiled.faccessat(dirfd, path, mode, flags),
  statx: (dirfd, path, flags, mask, into) =>
    compiled === undefined
      ? byAddress().statx(dirfd, path, flags, mask, into)
      : compiled.statx(dirfd, path, flags, mask, into),
  ioctl: (fd, request, argument) =>
    compiled === undefined
      ? byAddress().ioctl(fd, request, argument)
      : compiled.ioctl(fd, request, argument),
  mmap: (address, length, prot, flags, fd, offset) =>
    compiled === undefined
      ? byAddress().mmap(address, length, prot, flags, fd, offset)
      : compiled.mmap(address, length, prot, flags, fd, offset),
  mprotect: (address, length, prot) =>
    compiled === undefined
      ? byAddress().mprotect(address, length, prot)
      : compiled.mprotect(address, length, prot),
  syscallIII: (nr, a, b, c) =>
    compiled === undefined
      ? byAddress().syscallIII(nr, a, b, c)
      : compiled.syscallIII(nr, a, b, c),
  syscallIB: (nr, a, b) =>
    compiled === undefined
      ? byAddress().syscallIB(nr, a, b)
      : compiled.syscallIB(nr, a, b),
  syscallBB: (nr, a, b) =>
    compiled === undefined
      ? byAddress().syscallBB(nr, a, b)
      : compiled.syscallBB(nr, a, b),
  syscallIBBI: (nr, a, b, c, d) =>
    compiled === undefined
      ? byAddress().syscallIBBI(nr, a, b, c, d)
      : compiled.syscallIBBI(nr, a, b, c, d),
  syscallIIBB: (nr, a, b, c, d) =>
    compiled === undefined
      ? byAddress().syscallIIBB(nr, a, b, c, d)
      : compiled.syscallIIBB(nr, a, b, c, d),
  syscallBII: (nr, a, b, c) =>
    compiled === undefined
      ? byAddress().syscallBII(nr, a, b, c)
      : compiled.syscallBII(nr, a, b, c),
};

/** The functions that few runs call, as {@linkcode libc}. */
export function rareLibc(): RareLibc {
  return openRare();
}

/**
 * The kernel's own convention of a C library's result.
 *
 * Must take the call itself as its argument, so that nothing comes between the
 * call and the look at `errno`.
 *
 * @param result what the call returned
 * @returns the result, or a negative errno
 */
export function outcome(result: number): number {
  return result === -1 && location !== undefined
    ? -location.getInt32()
    : result;
}
