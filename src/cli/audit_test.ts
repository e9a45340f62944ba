import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { fromText } from "../abi/bytes.ts";
import { SystemCallError } from "../errors.ts";
import { libc } from "../sys/libc.ts";
import type { Observation } from "../trace/options.ts";
import { auditLine, AuditLog, failLine, killLine, limitLine } from "./audit.ts";

// Opened here, since one that is opened in a test must be closed in it.
libc.__errno_location();

function event(path: string): Observation {
  return {
    time: Date.UTC(2026, 0, 2, 3, 4, 5, 6),
    pid: 7,
    tid: 8,
    program: "/usr/bin/cat",
    call: { name: "openat", uses: [{ access: "read", path, kind: "file" }] },
    text: "openat(…)",
    decision: {
      kind: "refuse",
      refusal: { kind: "errno", errno: "EACCES" },
      rule: { source: "x.yaml", keys: ["read", "deny", 0], text: "/etc" },
      use: 0,
    },
  };
}

Deno.test("auditLine() has every fact of a decision", () => {
  const position = { file: "x.yaml", line: 3, column: 9 };
  assertEquals(JSON.parse(auditLine(event("/etc/shadow"), position)), {
    time: "2026-01-02T03:04:05.006Z",
    pid: 7,
    tid: 8,
    program: "/usr/bin/cat",
    call: "openat",
    text: "openat(…)",
    uses: [{ access: "read", path: "/etc/shadow", kind: "file" }],
    decision: "refuse",
    refusal: { kind: "errno", errno: "EACCES" },
    use: 0,
    rule: {
      source: "x.yaml",
      line: 3,
      column: 9,
      keys: ["read", "deny", 0],
      text: "/etc",
    },
  });
});

Deno.test("killLine() has every fact of an end by the policy", () => {
  const rule = { source: "p.yaml", keys: ["read", "deny", 0], text: "/a" };
  const line = killLine({
    kind: "killed-by-policy",
    call: 'open("/a")',
    rule,
    position: { file: "p.yaml", line: 3, column: 5 },
    program: "/bin/cat",
    pid: 7,
  }, Date.UTC(2026, 0, 2));
  assertEquals(JSON.parse(line), {
    time: "2026-01-02T00:00:00.000Z",
    pid: 7,
    program: "/bin/cat",
    end: "policy",
    text: 'open("/a")',
    rule: { ...rule, line: 3, column: 5 },
  });
});

Deno.test("limitLine() has every fact of an end by a limit", () => {
  const outcome = {
    kind: "limited",
    limit: "memory",
    most: 2 ** 20,
    used: 2 ** 21,
    rule: { source: "x.yaml", keys: ["limits", "memory"], text: "1MiB" },
    position: { file: "x.yaml", line: 2, column: 9 },
    program: "/a\xff",
    pid: 7,
  } as const;
  const time = Date.UTC(2026, 0, 2);
  assertEquals(JSON.parse(limitLine(outcome, time)), {
    time: "2026-01-02T00:00:00.000Z",
    pid: 7,
    program: "/a\\xff",
    programBytes: btoa("/a\xff"),
    end: "limit",
    limit: "memory",
    most: 2 ** 20,
    used: 2 ** 21,
    rule: { ...outcome.rule, line: 2, column: 9 },
  });
  const gone = JSON.parse(limitLine({ ...outcome, pid: 0 }, time));
  assertEquals([gone.pid, gone.program], [undefined, undefined]);
});

Deno.test("failLine() says in one harmless line why jail failed", () => {
  const time = Date.UTC(2026, 1, 3);
  const line = failLine("Cannot start \u{202e}x\n", time);
  assertMatch(line, /^[\x20-\x7e]+$/);
  assertEquals(JSON.parse(line), {
    time: "2026-02-03T00:00:00.000Z",
    end: "failure",
    text: "Cannot start \u{202e}x\n",
  });
});

Deno.test("auditLine() gives a path that is not UTF-8 twice", () => {
  const [use] = JSON.parse(auditLine(event("/a\xff"), undefined)).uses;
  assertEquals(use.path, "/a\\xff");
  assertEquals(atob(use.pathBytes), "/a\xff");
});

Deno.test("auditLine() stays one harmless line for any name", () => {
  const name = '/\n\r\x1b[2J\x7f\x9b\u2028\u202e\ufeff\u{e0041}"}';
  const line = auditLine(event(fromText(name)), undefined);
  // deno-lint-ignore no-control-regex
  assert(!/[\x00-\x1f\x7f-\x9f\u2028\u202e\ufeff\u{e0041}]/u.test(line), line);
  assertEquals(JSON.parse(line).uses[0].path, name);
});

Deno.test("AuditLog appends a line for each decision", async () => {
  const path = await Deno.makeTempFile();
  try {
    for (let run = 0; run < 2; run++) {
      const log = AuditLog.open(path, { optional: false, warn: unexpected });
      log.record(event("/a"), undefined);
      log.record(event("/b"), undefined);
      log.close();
    }
    const lines = (await Deno.readTextFile(path)).trimEnd().split("\n");
    const paths = lines.map((line) => JSON.parse(line).uses[0].path);
    assertEquals(paths, ["/a", "/b", "/a", "/b"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("AuditLog begins a line of its own after a record that was cut short", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, '{"time":"2026-01-02T00:00');
    const log = AuditLog.open(path, { optional: false, warn: unexpected });
    log.record(event("/a"), undefined);
    log.record(event("/b"), undefined);
    log.close();
    const [, ...lines] = (await Deno.readTextFile(path)).trimEnd().split("\n");
    const paths = lines.map((line) => JSON.parse(line).uses[0].path);
    assertEquals(paths, ["/a", "/b"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("AuditLog throws when the log cannot be opened", () => {
  const error = assertThrows(
    () => AuditLog.open("/nowhere/x", { optional: false, warn: unexpected }),
    SystemCallError,
  );
  assertEquals(
    error.message,
    'Cannot write the audit log "/nowhere/x": open() failed with ENOENT',
  );
});

Deno.test("AuditLog waits for nobody who would read a pipe by its name", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/log`;
  try {
    await new Deno.Command("mkfifo", { args: [path] }).output();
    const error = assertThrows(
      () => AuditLog.open(path, { optional: false, warn: unexpected }),
      SystemCallError,
    );
    assertEquals(error.errno, "ENXIO");
    using reader = await Deno.open(path, { read: true, write: true });
    const log = AuditLog.open(path, { optional: false, warn: unexpected });
    log.record(event("/a"), undefined);
    log.close();
    const bytes = new Uint8Array(4096);
    const count = await reader.read(bytes) ?? 0;
    const line = new TextDecoder().decode(bytes.subarray(0, count));
    assertEquals(JSON.parse(line).uses[0].path, "/a");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("AuditLog waits for who has a lease on the file", async () => {
  const path = await Deno.makeTempFile();
  const code = `import fcntl, signal, sys
file = open(sys.argv[1], "r+")
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
signal.sigwait({signal.SIGIO})
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
`;
  const holder = new Deno.Command("/usr/bin/python3", {
    args: ["-c", code, path],
    stdout: "piped",
  }).spawn();
  try {
    const reader = holder.stdout.getReader();
    await reader.read();
    AuditLog.open(path, { optional: false, warn: unexpected }).close();
    await reader.cancel();
    assertEquals((await holder.status).code, 0);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("AuditLog throws when a record cannot be written", () => {
  const log = AuditLog.open("/dev/full", { optional: false, warn: unexpected });
  const error = assertThrows(
    () => log.record(event("/a"), undefined),
    SystemCallError,
  );
  assertEquals(error.errno, "ENOSPC");
  log.close();
});

Deno.test("AuditLog counts what an optional log lacks", () => {
  for (const path of ["/dev/full", "/nowhere/x"]) {
    const warnings: string[] = [];
    const warn = (text: string): number => warnings.push(text);
    const log = AuditLog.open(path, { optional: true, warn });
    log.record(event("/a"), undefined);
    log.record(event("/b"), undefined);
    log.close();
    assertEquals(warnings.length, 2);
    assertEquals(
      warnings[1],
      `the audit log "${path}" lacks 2 records`,
    );
  }
});

function unexpected(message: string): void {
  throw new Error(message);
}

Deno.test("AuditLog follows no link that has come to where it lies inside", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [path, other] = [`${directory}/log`, `${directory}/other`];
    await Deno.writeTextFile(other, "");
    await Deno.symlink(other, path);
    const options = { optional: false, warn: unexpected, inside: path };
    assertThrows(
      () => AuditLog.open(path, options),
      SystemCallError,
      "ELOOP",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
