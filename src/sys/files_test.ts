import { assertEquals } from "@std/assert";
import { fromText, toBytes, toCString } from "../abi/bytes.ts";
import { EBADF, ELOOP, ENOENT } from "../abi/errno.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
} from "../abi/fcntl.ts";
import { get } from "../abi/layout.ts";
import { RESOLVE_NO_SYMLINKS } from "../abi/openat2.ts";
import {
  PROC_SUPER_MAGIC,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  STAT,
  STATFS,
} from "../abi/stat.ts";
import {
  close,
  duplicate,
  fstat,
  fstatat,
  fstatfs,
  isInherited,
  open,
  openat2,
  pread,
  readFile,
  readLink,
  unlinkat,
  write,
} from "./files.ts";
import { libc } from "./libc.ts";
import { OWN_VIEW } from "./view.ts";

// Opened outside of a test, in which Deno 2.4 would call it a leak.
libc.__errno_location();

const ODD = "odd \xff\x01 name";

function withDirectory(test: (directory: string) => void): void {
  const made = Deno.makeTempDirSync();
  try {
    test(fromText(Deno.realPathSync(made)));
  } finally {
    Deno.removeSync(made, { recursive: true });
  }
}

function writeFile(path: string, text: string): void {
  const fd = open(toCString(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0o644);
  assertEquals(write(fd, toBytes(text)), text.length);
  close(fd);
}

Deno.test("a name that is not UTF-8 can be made, found, read and removed", () => {
  withDirectory((directory) => {
    const path = `${directory}/${ODD}`;
    writeFile(path, "hello");
    assertEquals(OWN_VIEW.realpath(`${directory}/.//${ODD}`), path);
    assertEquals(readFile(path, 100), toBytes("hello"));
    assertEquals(unlinkat(AT_FDCWD, toCString(path), 0), 0);
    assertEquals(OWN_VIEW.realpath(path), undefined);
  });
});

Deno.test("openat2() refuses a link where RESOLVE_NO_SYMLINKS is asked for", () => {
  withDirectory((directory) => {
    writeFile(`${directory}/file`, "x");
    Deno.symlinkSync("file", `${directory}/link`);
    const link = toCString(`${directory}/link`);
    const flags = O_PATH | O_CLOEXEC;
    assertEquals(
      openat2(AT_FDCWD, link, flags, 0, RESOLVE_NO_SYMLINKS),
      -ELOOP,
    );
    const fd = openat2(AT_FDCWD, link, flags, 0, 0);
    assertEquals(readLink(`/proc/self/fd/${fd}`), `${directory}/file`);
    assertEquals(close(fd), 0);
  });
});

Deno.test("openat2() gives a file that it creates its mode", () => {
  withDirectory((directory) => {
    const path = toCString(`${directory}/new`);
    const flags = O_CREAT | O_WRONLY | O_CLOEXEC;
    const fd = openat2(AT_FDCWD, path, flags, 0o400, RESOLVE_NO_SYMLINKS);
    const status = new Uint8Array(STAT.size);
    assertEquals(fstat(fd, status), 0);
    assertEquals(get(STAT, status, "st_mode"), S_IFREG | 0o400);
    close(fd);
  });
});

Deno.test("fstat() and fstatat() agree with Deno.lstat()", () => {
  withDirectory((directory) => {
    writeFile(`${directory}/file`, "hello");
    Deno.symlinkSync("file", `${directory}/link`);
    const status = new Uint8Array(STAT.size);
    const link = toCString(`${directory}/link`);
    const wanted = Deno.lstatSync(`${directory}/file`);
    assertEquals(fstatat(AT_FDCWD, link, status, 0), 0);
    assertEquals(get(STAT, status, "st_ino"), wanted.ino);
    assertEquals(get(STAT, status, "st_dev"), wanted.dev);
    assertEquals(get(STAT, status, "st_size"), 5);
    assertEquals(get(STAT, status, "st_nlink"), 1);
    assertEquals(fstatat(AT_FDCWD, link, status, AT_SYMLINK_NOFOLLOW), 0);
    assertEquals(get(STAT, status, "st_mode") & S_IFMT, S_IFLNK);
  });
});

Deno.test("fstatfs() knows /proc", () => {
  const fd = open(toCString("/proc"), O_RDONLY | O_CLOEXEC);
  const status = new Uint8Array(STATFS.size);
  assertEquals(fstatfs(fd, status), 0);
  assertEquals(get(STATFS, status, "f_type"), PROC_SUPER_MAGIC);
  close(fd);
});

Deno.test("readFile() reads no more than its limit, and pread() from anywhere", () => {
  withDirectory((directory) => {
    const path = `${directory}/file`;
    writeFile(path, "x".repeat(10_000));
    assertEquals((readFile(path, 20_000) as Uint8Array).length, 10_000);
    assertEquals((readFile(path, 9_999) as Uint8Array).length, 9_999);
    assertEquals((readFile(path, 0) as Uint8Array).length, 0);
    const fd = open(toCString(path), O_RDONLY | O_CLOEXEC);
    assertEquals(pread(fd, new Uint8Array(100), 100, 9_990), 10);
    close(fd);
  });
});

Deno.test("what fails says why", () => {
  assertEquals(readFile("/no/such", 1), -ENOENT);
  assertEquals(readLink("/no/such"), -ENOENT);
  assertEquals(close(-1), -EBADF);
  assertEquals(fstat(-1, new Uint8Array(STAT.size)), -EBADF);
});

Deno.test("isInherited() tells an fd of our own from what we were started with", () => {
  const own = duplicate(0, 10);
  assertEquals(isInherited(0), true);
  assertEquals(isInherited(own), false);
  close(own);
  assertEquals(isInherited(own), false);
});
