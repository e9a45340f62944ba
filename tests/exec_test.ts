/** What an exec loads: it is what was allowed, however the kernel comes by it. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ENGINES, fixture, jail, jailArgv, run, start } from "./harness.ts";
import { type Scratch, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

const LOADER = "/lib64/ld-linux-x86-64.so.2";

/** Whether a format of programs can be made known here, in a place of our own. */
const FORMATS = (await run([
  "unshare",
  "-Urm",
  "sh",
  "-c",
  "mount -t binfmt_misc none /proc/sys/fs/binfmt_misc",
])).code === 0;

/** A policy under which one program may not be run. */
function without(program: string): string {
  return `extends: allow-all\nrun: {deny: ["${program}"]}\n`;
}

/** A copy of echo in a directory. */
async function echoIn({ path }: Scratch): Promise<string> {
  await Deno.copyFile("/bin/echo", `${path}/echo`);
  return `${path}/echo`;
}

/** The source of a program that needs no loader, and ends with 7. */
const ENDS = `void _start(void) {
  __asm__ volatile("syscall" : : "a"(231L), "D"(7L));
}
`;

/** The words that run a program from a shell, in its place. */
function fromShell(...argv: readonly string[]): string[] {
  return ["sh", "-c", 'exec "$@"', "sh", ...argv];
}

/** An ELF file of 32 bits that says 64, and has no interpreter if it were. */
function twoFaced(interpreter: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4096);
  const data = new DataView(bytes.buffer);
  const words = (at: number, ...all: number[]): void =>
    all.forEach((word, i) => data.setUint32(at + 4 * i, word, true));
  const base = 0x0804_8000;
  const path = new TextEncoder().encode(`${interpreter}\0`);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  // Elf32_Ehdr: e_type ET_EXEC, e_machine EM_386, e_version, e_entry, e_phoff.
  words(16, 2 | 3 << 16, 1, base + 0x200, 0x80);
  // e_ehsize, e_phentsize, e_phnum; then Elf64_Ehdr's: 56 bytes each, one.
  [52, 32, 2, 0, 0, 0].forEach((half, i) =>
    data.setUint16(40 + 2 * i, half, true)
  );
  data.setUint16(54, 56, true);
  data.setUint16(56, 1, true);
  // Elf32_Phdr: PT_INTERP, PT_LOAD.
  words(0x80, 3, 0x100, base, base, path.length, path.length, 4, 1);
  words(0xa0, 1, 0, base, base, 0x1000, 0x1000, 5, 0x1000);
  bytes.set(path, 0x100);
  return bytes;
}

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) goes on where a pipe takes the place of a dynamic loader while that is looked at`, async () => {
    await using directory = await scratch();
    const [loader, pipe] = ["loader", "pipe"].map((name) =>
      `${directory.path}/${name}`
    ) as [string, string];
    await Deno.copyFile(LOADER, loader);
    await run(["mkfifo", pipe]);
    const other = start([fixture("exchange"), loader, pipe]);
    try {
      const { stdout } = await run([
        ...["timeout", "-k", "1", "50"],
        ...jailArgv(["-A"], [
          ...["sh", "-c"],
          `for i in $(seq 1000); do $0 --argv0 x /bin/true; done 2>&-; echo all`,
          loader,
        ], engine),
      ]);
      assertEquals(stdout, "all\n");
    } finally {
      other.kill("SIGKILL");
      await other.stdin.abort();
      await other.output();
    }
  });

  Deno.test(`jail (${engine}) tells nothing of what a first line names that is written during an exec`, async () => {
    await using directory = await scratch();
    const closed = `${directory.path}/closed`;
    await Deno.mkdir(closed);
    const script = `${directory.path}/script`;
    const ended = await jail(
      `extends: allow-all\nread: {deny: ["${closed}"]}\nrun: {deny: ["${closed}"]}\n`,
      [
        ...[fixture("exec_rewritten"), script, "#!/bin/true"],
        ...[`#!${closed}/missing`, "300"],
      ],
      { engine },
    );
    const counts = new Map(
      ended.stdout.trim().split(" ").map((count) => count.split(":"))
        .map(([error, times]) => [error, Number(times)]),
    );
    assertEquals(counts.get("0"), 300, ended.stderr);
    assert((counts.get("EACCES") ?? 0) > 0, ended.stdout);
    assertEquals(counts.get("ENOENT"), undefined, ended.stdout);
  });

  Deno.test(`jail (${engine}) stops a script whose interpreter is a dynamic loader`, async () => {
    await using directory = await scratch();
    const echo = await echoIn(directory);
    const one = await directory.file("one", `#!${LOADER} ${echo}\n`, 0o755);
    const two = await directory.file("two", `#!${one}\n`, 0o755);
    const options = `#!${LOADER} --inhibit-cache\n`;
    const three = await directory.file("three", options, 0o755);
    for (const argv of [[one], [two], [three, echo]]) {
      const ended = await jail(without(echo), fromShell(...argv), { engine });
      assertEquals([argv, ended.stdout], [argv, ""]);
    }
    assert((await run([one, "ran"])).stdout.includes("ran"));
    const allowed = await jail(["-A"], fromShell(one, "ran"), { engine });
    assertEquals(allowed.stdout, `${one} ran\n`);
  });

  Deno.test(`jail (${engine}) stops a dynamic loader whatever its name`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    const echo = await echoIn(directory);
    for (const name of ["ld-2.31.so", "libc.so", "loader"]) {
      await Deno.copyFile(LOADER, `${path}/${name}`);
      const words = fromShell(`${path}/${name}`, echo, "ran");
      assertEquals((await run(words)).stdout, "ran\n");
      const ended = await jail(without(echo), words, { engine });
      assertEquals([name, ended.stdout], [name, ""]);
    }
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) takes a program at any address for no loader`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const source = await directory.file(
        "show.c",
        "#include <stdio.h>\nint main(int argc, char **argv) { puts(argv[1]); return argc; }\n",
      );
      const program = `${directory.path}/show`;
      for (const how of ["-static-pie", "-static"]) {
        await run(["gcc", how, "-o", program, source]);
        const words = fromShell(program, "--ran", "it");
        const { stdout, code } = await jail(["-A"], words, { engine });
        assertEquals([how, stdout, code], [how, "--ran\n", 3]);
      }
    },
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) stops a program that another one names as its dynamic loader`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const source = await directory.file("end.c", ENDS);
      const alone = ["-nostdlib", "-static", "-fno-stack-protector"];
      const [other, program] = [`${path}/other`, `${path}/program`];
      await run(["gcc", ...alone, "-o", other, source]);
      const named = `-Wl,--dynamic-linker=${other}`;
      await run(["gcc", "-nostartfiles", named, "-o", program, source]);
      const words = fromShell(program);
      assertEquals((await run(words)).code, 7);
      // It may be read, as loaders may; and Landlock closes nothing in there.
      const ended = await jail(without(other), words, { engine });
      assertEquals(ended.code, 126);
      assertEquals((await jail(["-A"], words, { engine })).code, 7);
    },
  });

  Deno.test(`jail (${engine}) stops a file that is one program to the kernel and another to jail`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    // The kernel would say ENOENT, if it came to look for it.
    await Deno.writeFile(`${path}/program`, twoFaced(`${path}/none`));
    await Deno.chmod(`${path}/program`, 0o755);
    const ended = await jail(["-A"], [`${path}/program`], { engine });
    assertEquals(ended.code, 126);
    assert(ended.stderr.includes("ENOEXEC"), ended.stderr);
  });

  const format =
    `jail (${engine}) stops a program that a format of the machine runs`;
  Deno.test({
    name: FORMATS ? format : `${format} (needs unshare -U and binfmt_misc)`,
    ignore: !FORMATS,
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      await Deno.copyFile("/bin/true", `${path}/program.jail`);
      const script = `cd /proc/sys/fs/binfmt_misc
mount -t binfmt_misc none . && cd . && echo ":jail:E::jail::/bin/echo:" >/proc/sys/fs/binfmt_misc/register && exec "$@"`;
      const within = (argv: readonly string[]): string[] => [
        ...["unshare", "-Urm", "sh", "-c", script, "sh"],
        ...argv,
      ];
      const program = [`${path}/program.jail`];
      const outside = await run(within(program));
      assertEquals(outside.stdout, `${path}/program.jail\n`);
      const argv = jailArgv(["-A", "--report"], program, engine);
      const inside = await run(within(argv));
      assertEquals([inside.stdout, inside.signal], ["", "SIGKILL"]);
      assertStringIncludes(inside.stderr, `execve("${program}") with EPERM`);
      assertStringIncludes(inside.stderr, 'not what was allowed: it is "/');
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) stops a dynamic loader that finds another program by the time that it opens one`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      for (const [name, program] of [["good", "echo"], ["bad", "basename"]]) {
        await Deno.mkdir(`${path}/${name}`);
        await Deno.copyFile(`/usr/bin/${program}`, `${path}/${name}/program`);
      }
      // The parent of a vfork runs on before the loader opens the program.
      const code = `import os, threading
os.chdir(${JSON.stringify(path)})
for name in "here", "new":
  if os.path.lexists(name): os.unlink(name)
os.symlink("good", "here")
def swap():
  while True:
    for to in "bad", "good":
      os.symlink(to, "new"); os.rename("new", "here")
threading.Thread(target=swap, daemon=True).start()
null = [(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)]
for _ in range(150):
  argv = ["ld.so", "here/program", "a/b"]
  try: pid = os.posix_spawn("${LOADER}", argv, {}, file_actions=null)
  except PermissionError: continue
  os.waitpid(pid, 0)
os._exit(0)`;
      const ran = async (policy: string): Promise<Set<string>> => {
        const argv = ["/usr/bin/python3", "-c", code];
        const ended = await jail(policy, argv, { engine });
        assertEquals(ended.code, 0, ended.stderr);
        return new Set(ended.stdout.trimEnd().split("\n"));
      };
      const both = new Set(["a/b", "b"]);
      assertEquals(await ran("extends: allow-all\n"), both);
      assertEquals(await ran(without(`${path}/bad`)), new Set(["a/b"]));
    },
  });

  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) looks into no file for an exec that is refused, which others would see`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const { path } = directory;
      const script = `#!${path}/interpreter\n`;
      for (const name of ["open", "denied", "ignored"]) {
        await directory.file(name, script, 0o755);
      }
      await directory.file("leads", `#!${path}/denied\n`, 0o755);
      await Deno.copyFile("/usr/bin/true", `${path}/interpreter`);
      const code = `import ctypes, os, struct
libc = ctypes.CDLL(None)
watch = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(watch, b"${path}", 0x21)
for name in ["open", "denied", "ignored", "leads"]:
  try:
    child = os.posix_spawn("${path}/" + name, [name], {})
    os.waitpid(child, 0)
  except OSError: pass
  seen = set()
  try:
    events = os.read(watch, 65536)
    while events:
      length, = struct.unpack_from("I", events, 12)
      seen.add(events[16:16 + length].rstrip(b"\\0").decode())
      events = events[16 + length:]
  except BlockingIOError: pass
  print(name, *sorted(seen))
`;
      const policy = `extends: minimal
read:
  allow: [/usr, /lib, /etc, "${path}"]
  deny: ["${path}/denied"]
  ignore: ["${path}/ignored"]
run:
  allow: [/usr, "${path}"]
  deny: ["${path}/denied"]
`;
      const argv = ["/usr/bin/python3", "-c", code];
      const ended = await jail(policy, argv, { engine });
      assertEquals(
        [ended.stderr, ended.stdout],
        ["", "open interpreter open\ndenied\nignored\nleads leads\n"],
      );
    },
  });

  Deno.test(`jail (${engine}) says of a file without a format that it may be executed, to who only asks`, async () => {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("module", "print(1)\n", 0o755);
    await directory.file("denied", "print(1)\n", 0o755);
    await directory.file("plain", "print(1)\n", 0o644);
    // AT_EXECVE_CHECK, with AT_EMPTY_PATH of a descriptor.
    const code = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
words = (ctypes.c_char_p * 2)(b"x", None)
def ask(fd, path, flags):
  failed = libc.execveat(fd, path, words, words, 0x10000 | flags)
  return failed and os.strerror(ctypes.get_errno())
for name in ("module", "plain", "denied"):
  path = "${path}/" + name
  print(name, ask(-100, path.encode(), 0), ask(os.open(path, os.O_RDONLY), b"", 0x1000))
os.execv("/bin/echo", ["echo", "goes on"]) if os.fork() == 0 else os.wait()
`;
    const argv = ["/usr/bin/python3", "-uc", code];
    const outside = await run(argv);
    const { stdout } = await jail(without(`${path}/denied`), argv, { engine });
    const denied = /^denied.*$/m;
    const refused = "denied Permission denied Permission denied";
    assertEquals(stdout, outside.stdout.replace(denied, refused));
  });

  Deno.test({
    ...needs(
      ["gcc"],
      `jail (${engine}) stops a dynamic loader whose arguments change in a file`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const echo = await echoIn(directory);
      const words = await directory.file("words", "\0".repeat(4096), 0o666);
      const race = fixture("race_argv");
      const length = Math.max(race.length, echo.length);
      const [one, other] = [race, echo].map((path) =>
        path.padStart(length, "/")
      ) as [string, string];
      const outside = start([race, "flip", words, one, other]);
      const reader = outside.stdout.getReader();
      await reader.read();
      // It runs itself, until it is ended for arguments that have changed.
      const argv = [race, "run", words, LOADER, "60"];
      const ended = await jail(without(echo), argv, { engine });
      outside.kill("SIGKILL");
      await reader.cancel();
      await outside.stderr.cancel();
      await outside.stdin.close();
      await outside.status;
      assert(/^(?:over\n)?$/.test(ended.stdout), ended.stdout);
    },
  });
}

for (const engine of ENGINES) {
  Deno.test({
    ...needs(
      ["python3"],
      `jail (${engine}) ends no program for an exec of what was not there yet`,
    ),
    async fn(): Promise<void> {
      await using directory = await scratch();
      const inside = `import os, sys
ended = 0
for _ in range(40):
  try: child = os.posix_spawn(sys.argv[1], sys.argv[1:], {})
  except OSError: continue
  ended += os.waitpid(child, 0)[1] != 0
print(ended)`;
      const outside = `import os, subprocess, sys
at = sys.argv[1]
with open(at + "/kept", "w") as script: script.write("#!/bin/true\\n")
os.chmod(at + "/kept", 0o755)
with subprocess.Popen(sys.argv[2:] + [at + "/seen"]) as jail:
  while jail.poll() is None:
    os.link(at + "/kept", at + "/seen")
    os.unlink(at + "/seen")`;
      const argv = jailArgv(
        ["-A"],
        ["/usr/bin/python3", "-c", inside],
        engine,
      );
      const python = ["/usr/bin/python3", "-c", outside];
      const { stdout, stderr } = await run([
        ...python,
        directory.path,
        ...argv,
      ]);
      assertEquals(stdout, "0\n", stderr);
    },
  });
}
