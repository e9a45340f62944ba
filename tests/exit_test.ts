/** The README's exit codes, a test for each. */

import { assertEquals } from "@std/assert";
import { jailArgv, run } from "./harness.ts";
import { jail, scratch } from "./jail.ts";
import { needs } from "./needs.ts";

interface ExitCase {
  readonly what: string;
  readonly args: readonly string[];
  readonly code: number;
  readonly signal?: Deno.Signal;
  readonly stderr?: string;
}

const ROWS: readonly ExitCase[] = [
  { what: "0 of a program that succeeds", args: ["--", "true"], code: 0 },
  {
    what: "the program's own exit code",
    args: ["--", "sh", "-c", "exit 37"],
    code: 37,
  },
  {
    what: "255, the largest",
    args: ["--", "sh", "-c", "exit 255"],
    code: 255,
  },
  {
    what: "the signal that ended the program",
    args: ["--", "sh", "-c", "kill -TERM $$"],
    code: 143,
    signal: "SIGTERM",
  },
  {
    what: "SIGKILL where that ended the program",
    args: ["--", "sh", "-c", "kill -KILL $$"],
    code: 137,
    signal: "SIGKILL",
  },
  {
    what: "SIGSYS where the policy ended it",
    args: ["--on-deny=kill", "--", "cat", "/etc/shadow"],
    code: 159,
    signal: "SIGSYS",
    stderr: `\
jail: ended by the policy: openat("/etc/shadow", O_RDONLY)
  base:53  deny: /etc/shadow
`,
  },
  {
    what: "SIGSYS where the policy ended it, and --report tells of it once",
    args: ["--on-deny=kill", "--report", "--", "cat", "/etc/shadow"],
    code: 159,
    signal: "SIGSYS",
    stderr: `\
jail: denied openat("/etc/shadow", O_RDONLY) with SIGSYS for the whole jail
  base:53  deny: /etc/shadow
`,
  },
  {
    what: "124 at the time limit",
    args: ["--timeout=300ms", "--", "sleep", "1000"],
    code: 124,
  },
  {
    what: "125 for a command line that makes no sense",
    args: ["--polcy=x", "--", "true"],
    code: 125,
    stderr: `\
jail: Cannot understand the option "--polcy"

hint: did you mean "--policy"?
`,
  },
  {
    what: "125 for a policy that is not there",
    args: ["-p", "./nowhere.yaml", "--", "true"],
    code: 125,
  },
  {
    what: "125 for two policies in one flag",
    args: ["-p", "agent,build", "--", "true"],
    code: 125,
    stderr: 'jail: Cannot find policy "agent,build"\n\n' +
      "hint: each policy needs a flag: -p agent -p build\n",
  },
  {
    what: "125 for what does not exist yet",
    args: ["learn", "--", "true"],
    code: 125,
  },
  {
    what: "126 for what is there and cannot be executed",
    args: ["-A", "--", "/etc/passwd"],
    code: 126,
  },
  {
    what: "126 for a directory, which may be meant for a flag",
    args: ["-R", "/etc", "ls"],
    code: 126,
    stderr: 'jail: Cannot start "/etc": execve failed with EACCES\n\n' +
      'hint: it is a directory; the value of a flag needs a "=", as in -R=.\n',
  },
  {
    what: "127 for a command that is not in PATH",
    args: ["--", "no-such-command-here"],
    code: 127,
  },
  {
    what: "127 for a path that is not there",
    args: ["-A", "--", "/nowhere/prog"],
    code: 127,
  },
];

for (const { what, args, code, signal, stderr } of ROWS) {
  Deno.test(`jail ends with ${what}`, async () => {
    await using directory = await scratch();
    const ended = await jail(args, { cwd: directory.path });
    assertEquals(ended.code, code, ended.stderr);
    assertEquals(ended.signal, signal ?? null);
    if (stderr !== undefined) assertEquals(ended.stderr, stderr);
  });
}

Deno.test({
  ...needs(
    ["setpriv"],
    "jail says what is in the way of a program that cannot be started",
  ),
  async fn(): Promise<void> {
    await using directory = await scratch();
    const { path } = directory;
    await directory.file("file", "");
    await directory.file("crlf", "#!/bin/sh\r\ntrue\r\n", 0o755);
    await directory.file("lost", "#! bin/none -x\n", 0o755);
    await Deno.symlink("loop", `${path}/loop`);
    await Deno.mkdir(`${path}/closed`, { mode: 0 });
    // As a user who may not enter it, also root without these.
    const user = Deno.uid() === 0
      ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
      : [];
    for (
      const [name, errno, hint] of [
        ["loop", "ELOOP", "links lead around in circles there"],
        [
          "file/prog",
          "ENOTDIR",
          "a part of its path is a file, and no directory",
        ],
        [
          "crlf",
          "ENOENT",
          'its first line names "/bin/sh\\r", which is not there',
        ],
        [
          "lost",
          "ENOENT",
          'its first line names "bin/none", which is not there',
        ],
        ["file", "EACCES", "it is not marked as executable: chmod +x"],
        ["closed/prog", "EACCES", "a directory on its way may not be entered"],
      ] as const
    ) {
      const { stderr } = await run([
        ...user,
        ...jailArgv([], [`${path}/${name}`]),
      ]);
      const said =
        `"${path}/${name}": execve failed with ${errno}\n\nhint: ${hint}\n`;
      assertEquals(stderr, `jail: Cannot start ${said}`);
    }
    await Deno.chmod(`${path}/closed`, 0o700);
  },
});
