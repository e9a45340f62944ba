/**
 * Real programs do in a jail what they do without one: same output, same status,
 * same files.
 */

import { assertEquals, assertNotEquals } from "@std/assert";
import { ENGINES, fixture, jail, run } from "./harness.ts";
import { scratch } from "./jail.ts";
import { needs } from "./needs.ts";

interface ProgramCase {
  readonly what: string;
  /** Commands that must be there. */
  readonly commands: readonly string[];
  /** The built-in policy that is made for it. */
  readonly policy?: string;
  /** What is run, by bash, in an empty directory. */
  readonly script: string;
}

const PAGE = `%!PS
/Helvetica findfont 24 scalefont setfont
72 700 moveto (A page of our own) show
0.8 0.1 0.2 setrgbcolor 300 400 120 0 360 arc fill
0 0 1 setrgbcolor 4 setlinewidth
72 72 moveto 200 300 400 100 540 400 curveto stroke
showpage`;

const PROGRAMS: readonly ProgramCase[] = [
  {
    what: "gcc and make -j4 of 30 files",
    commands: ["gcc", "make"],
    policy: "build",
    script: `for i in $(seq 30); do
  echo "int f$i(int x) { return x * $i; }" > f$i.c
  echo "int f$i(int x);" >> all.h
done
{ echo '#include <stdio.h>'; echo '#include "all.h"'; echo 'int main(void) { int x = 1;'
  for i in $(seq 30); do echo "x += f$i(x) % 7;"; done
  echo 'printf("%d\\n", x); return 0; }'; } > main.c
printf 'OBJECTS = $(patsubst %%.c,%%.o,$(wildcard *.c))\\nall: prog\\nprog: $(OBJECTS)\\n\\tgcc -o $@ $(OBJECTS)\\n%%.o: %%.c\\n\\t@gcc -c -o $@ $<\\n' > Makefile
make -s -j4 && ./prog && make -s -q && ls`,
  },
  {
    what: "python3 with many imports",
    commands: ["python3"],
    policy: "python",
    script: `/usr/bin/python3 -B -c '
import http.client, json, sqlite3, ssl, asyncio, multiprocessing, xml.dom.minidom, decimal, subprocess
print(len(http.client.responses), json.dumps({"a": [1, None]}), decimal.Decimal(1) / 3)
print(subprocess.run(["/bin/echo", "from a child"], capture_output=True, text=True).stdout)
print(asyncio.run(asyncio.sleep(0, "slept")))
'; /usr/bin/python3 -c 'raise SystemExit(7)'`,
  },
  {
    what: "node -e",
    commands: ["node"],
    policy: "node",
    script: `node -e '
const { execFileSync } = require("child_process");
const zlib = require("zlib");
console.log(process.argv.length, zlib.gzipSync("x".repeat(1000)).length);
console.log(execFileSync("/bin/echo", ["from a child"]).toString());
setTimeout(() => process.exit(5), 10);
'`,
  },
  {
    what: "git clone of a local repository",
    commands: ["git"],
    policy: "git",
    script:
      `export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_DATE='2001-02-03 04:05:06 +0000'
export GIT_COMMITTER_DATE="$GIT_AUTHOR_DATE" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b
export GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
git init -q -b main one && cd one && for i in 1 2 3; do echo $i > f$i; git add .; git commit -q -m $i; done
cd .. && git clone -q one two && cd two && git log --format='%H %s' && git status && git fsck && ls`,
  },
  {
    what: "tar and gzip",
    commands: ["tar", "gzip"],
    script:
      `mkdir -p d/e; seq 5000 > d/e/numbers; ln -s e/numbers d/link; ln d/e/numbers d/hard
tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - d | gzip -n -9 | cksum
tar -cf - d | gzip > a.tgz && mkdir out && tar -xzf a.tgz -C out && diff -r d out/d && ls -R out`,
  },
  {
    what: "bash with pipes, here-documents and process substitution",
    commands: ["bash"],
    script: `cat <<END | tr a-z A-Z
here $((6 * 7))
END
cat <<<"a word"
diff <(seq 5) <(seq 2 6)
echo pipes: $(yes | head -n 1000 | wc -l) \${PIPESTATUS[@]}
set -o pipefail; yes | head -n 1 >/dev/null; echo $?
exec 3>out 4<>both; echo three >&3; echo four >&4; cat out both
coproc cat; echo through >&"\${COPROC[1]}"; read -r line <&"\${COPROC[0]}"; echo "$line"
set -m; sleep 0.05 & jobs %sleep; wait $!; echo $?
trap 'echo bye' EXIT; (exit 3); echo $?; kill -0 $$; no-such-command; exit 9`,
  },
  {
    what: "find over a large tree",
    commands: ["find"],
    script:
      `find /usr/share/doc -name 'c*' -printf '%p %y %s %l\\n' | sort | cksum; find /usr/bin -maxdepth 1 -type l | wc -l`,
  },
  {
    what: "ssh-keygen",
    commands: ["ssh-keygen"],
    script:
      `ssh-keygen -q -t ed25519 -N '' -C me -f key && stat -c %a key key.pub
[ "$(ssh-keygen -y -f key)" = "$(cat key.pub)" ] && echo same; ssh-keygen -lf key.pub | cut -d' ' -f1,3-; rm key*`,
  },
  {
    what: "sqlite3",
    commands: ["sqlite3"],
    script: `sqlite3 db <<'END'
pragma journal_mode = wal;
create table t (a integer primary key, b text);
with recursive n(x) as (select 1 union all select x + 1 from n where x < 2000) insert into t select x, 'row ' || x from n;
select count(*), sum(a), max(b) from t;
END
sqlite3 db 'pragma integrity_check; select b from t where a = 77'; ls; rm db*`,
  },
  {
    what: "Ghostscript, with a PNG of the same bytes",
    commands: ["gs"],
    policy: "gs",
    script: `cat > page.ps <<'END'
${PAGE}
END
gs -q -dNOPAUSE -dBATCH -dSAFER -sDEVICE=png16m -r72 -sOutputFile=out.png page.ps; cksum out.png`,
  },
  {
    what: "valgrind",
    commands: ["gcc", "valgrind"],
    script: `cat > a.c <<'END'
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
static void *look(void *made)
{
  struct stat st;
  for (int i = 0; i < 50; i++)
    stat("/etc/passwd", &st);
  return made;
}
int main(void)
{
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, look, NULL);
  for (int i = 0; i < 4; i++)
    pthread_join(threads[i], NULL);
  puts("looked");
}
END
gcc -g -pthread -o a a.c && TMPDIR=$PWD valgrind -q ./a; echo $?; rm a`,
  },
  {
    what: "PAM, which tells the kernel's audit of users that come and go",
    commands: ["runuser"],
    script: "runuser -u nobody -- id -u; echo $?",
  },
  {
    what: "a job that makes all of its process group slower",
    commands: ["python3"],
    script: `/usr/bin/python3 -c '
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def io(number, *words):
  result = libc.syscall(number, *words)
  return result if result >= 0 else errno.errorcode[ctypes.get_errno()]
os.setpgid(0, 0)
r, w = os.pipe()
child = os.fork()
if child == 0:
  os.read(r, 1)
  print(os.getpriority(os.PRIO_PGRP, 0), io(252, 2, 0), flush=True)
  os._exit(0)
group = os.getpid()
for who in 0, group, child, 0:
  try: print(os.setpriority(os.PRIO_PGRP, who, 3), os.getpriority(os.PRIO_PGRP, who))
  except OSError as e: print(errno.errorcode[e.errno])
  print(io(251, 2, who, 3 << 13), io(252, 2, who))
print(os.getpriority(os.PRIO_PROCESS, child), io(252, 1, child), flush=True)
os.write(w, b"x")
os.waitpid(child, 0)
'`,
  },
  {
    what: "a program that hears of its sockets and pipes by SIGIO",
    commands: ["python3"],
    script: `/usr/bin/python3 -W ignore -c '
import errno, fcntl, os, signal, socket, threading
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGIO})
def hears(fd, send, owner, first):
  flags = fcntl.fcntl(fd, fcntl.F_GETFL)
  def own():
    if owner is not None: fcntl.fcntl(fd, fcntl.F_SETOWN, owner)
  try:
    if first: own()
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_ASYNC)
    if not first: own()
    send()
    heard = signal.sigtimedwait({signal.SIGIO}, 5 if owner is not None else 0)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)
    return heard and heard.si_signo == signal.SIGIO, fcntl.fcntl(fd, fcntl.F_GETOWN)
  except OSError as e: return errno.errorcode[e.errno]
def all(owner, group):
  for whose in owner, group, None:
    for first in True, False:
      ours, theirs = socket.socketpair()
      got = [hears(ours.fileno(), lambda: theirs.send(b"x"), whose, first)]
      r, w = os.pipe()
      got.append(hears(r, lambda: os.write(w, b"x"), whose, first))
      server = socket.create_server(("127.0.0.1", 0))
      client = socket.socket()
      got.append(hears(server.fileno(), lambda: client.connect(server.getsockname()), whose, first))
      print([one if isinstance(one, str) else (one[0], one[1] == whose) for one in got], flush=True)
  try: fcntl.fcntl(99, fcntl.F_SETFL, os.O_ASYNC)
  except OSError as e: print(errno.errorcode[e.errno])
os.setpgid(0, 0)
all(os.getpid(), -os.getpid())
thread = threading.Thread(target=all, args=(os.getpid(), -os.getpid()))
thread.start()
thread.join()
'`,
  },
  {
    what: "a program that names process groups by numbers below 0",
    commands: ["python3"],
    script: `/usr/bin/python3 -c '
import errno, os
for who in -1, -os.getpid(), -2 ** 31:
  for ask in os.getpriority, lambda *group: os.setpriority(*group, 3):
    try: print(ask(os.PRIO_PGRP, who))
    except OSError as e: print(errno.errorcode[e.errno])
'`,
  },
  {
    what: "ls in all its columns",
    commands: ["ls"],
    policy: "ls",
    script: "ls -la /usr /etc/passwd; ls /nowhere; echo $?",
  },
];

/** All files of a directory with what they contain. */
async function files(directory: string): Promise<string> {
  const script = `find . -printf '%P %y %m %l\\n' | sort
    find . -type f -not -path '*/.git/index' -not -name '*.tgz' -print0 | sort -z | xargs -0r cksum`;
  return (await run(["sh", "-c", script], { cwd: directory })).stdout;
}

for (const engine of ENGINES) {
  for (const { what, commands, script } of PROGRAMS) {
    Deno.test({
      ...needs(commands, `jail (${engine}) changes nothing for ${what}`),
      fn: async () => {
        await using directory = await scratch();
        const cwd = `${directory.path}/here`;
        const argv = ["/bin/bash", "-c", script];
        await Deno.mkdir(cwd);
        const wanted = await run(argv, { cwd });
        const made = await files(cwd);
        assertNotEquals(wanted.stdout, "");
        assertEquals(wanted.signal, null);
        await Deno.remove(cwd, { recursive: true });
        await Deno.mkdir(cwd);
        const ended = await jail(["-A"], argv, { engine, cwd });
        assertEquals(ended, wanted);
        assertEquals(await files(cwd), made);
      },
    });
  }
}

/** What a program asks the kernel of others and of itself, by ids. */
const ASKED = {
  ended: "of its child in /proc until it has waited for that, and of none then",
  nobody: "what is wrong with an id that is nobody's",
  clocks: "processor times by ids, its own and those of its children",
};

for (const engine of ENGINES) {
  for (const [word, what] of Object.entries(ASKED)) {
    Deno.test(`a program is told (${engine}) ${what}`, async () => {
      const argv = [fixture("ask_of_others"), word];
      const wanted = await run(argv);
      assertEquals(wanted.code, 0);
      assertEquals(await jail(["-A"], argv, { engine }), wanted);
    });
  }
}
