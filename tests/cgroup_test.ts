/** Where jail may make control groups, the kernel itself holds the memory of a jail. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { whyNoControlGroup } from "../src/sys/cgroup.ts";
import { ENGINES, fixture, jail, jailArgv, start } from "./harness.ts";
import { hasMachine } from "./needs.ts";

const WHY = whyNoControlGroup();

function grouped(name: string): { readonly name: string; ignore: boolean } {
  return hasMachine(WHY === undefined, "control groups for memory", name);
}

const POLICY = "{extends: allow-all, limits: {memory: 60MiB}}";
const GROUPS = "/sys/fs/cgroup";

/** Whether a control group is there, by its name in /proc. */
function isThere(group: string): boolean {
  try {
    return Deno.statSync(`${GROUPS}${group}`).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

for (const engine of ENGINES) {
  Deno.test({
    ...grouped(
      `jail (${engine}) ends a program whose files in memory are too much memory`,
    ),
    fn: async () => {
      const file = `/dev/shm/jail-${crypto.randomUUID()}`;
      const fill = `dd if=/dev/zero of=${file} bs=1M count=200`;
      const argv = ["sh", "-c", `${fill} status=none; echo on`];
      try {
        const { code, stdout, stderr } = await jail(POLICY, argv, { engine });
        assertEquals([code, stdout], [123, ""], stderr);
        assertStringIncludes(stderr, "memory limit of 60 MiB");
        assertEquals(stderr.trim().split("\n").length, 1);
      } finally {
        await Deno.remove(file);
      }
    },
  });

  Deno.test({
    ...grouped(
      `jail (${engine}) lets a program use files that are larger than its memory`,
    ),
    fn: async () => {
      const fill = "dd if=/dev/zero of=x bs=1M count=80 status=none";
      const script = `${fill}; cat x > /dev/null; wc -c < x`;
      const cwd = Deno.makeTempDirSync({ dir: "/var/tmp" });
      try {
        const ended = await jail(POLICY, ["sh", "-c", script], { engine, cwd });
        const size = `${80 * 2 ** 20}\n`;
        assertEquals([ended.code, ended.stdout], [0, size], ended.stderr);
      } finally {
        Deno.removeSync(cwd, { recursive: true });
      }
    },
  });

  Deno.test({
    ...grouped(
      `jail (${engine}) lets nobody leave or change its control group, and leaves none`,
    ),
    fn: async () => {
      const script = `group=$(sed -n s/^0:://p /proc/self/cgroup); echo "$group"
        cd ${GROUPS}"$group" || exit 9
        echo max > memory.max; echo $$ > ${GROUPS}/cgroup.procs
        echo 1 > ../cgroup.kill; mkdir ../jail-other; chmod 777 memory.max
        rmdir ../jail-*; cat memory.max`;
      const ended = await jail(POLICY, ["sh", "-c", script], { engine });
      const [group = "", most] = ended.stdout.split("\n");
      assertEquals(most, String(60 * 2 ** 20), ended.stderr);
      const { length } = ended.stderr.match(/not permitted/g) ?? [];
      assertEquals(length, 6, ended.stderr);
      assert(group.includes("/jail-") && !isThere(group), group);
    },
  });

  Deno.test({
    ...grouped(
      `jail (${engine}) runs nothing outside of its control group, and removes what a jail left that was killed`,
    ),
    fn: async () => {
      const tells = "sed -n s/^0:://p /proc/self/cgroup";
      const argv = ["sh", "-c", `${tells}; exec sleep 1000`];
      const flags = ["-A", "--memory=60MiB"];
      await using left = start(jailArgv(flags, argv, engine));
      const reader = left.stdout.getReader();
      const { value } = await reader.read();
      const group = new TextDecoder().decode(value).trim();
      assert(isThere(group) && group.includes("/jail-"), group);
      left.kill("SIGKILL");
      await left.status;
      await Promise.all([
        reader.cancel(),
        left.stderr.cancel(),
        left.stdin.close(),
      ]);
      const script = "sed -n s/^0:://p /proc/self/cgroup";
      const ended = await jail(POLICY, ["sh", "-c", `${script} & wait`], {
        engine,
      });
      assertStringIncludes(ended.stdout, "/jail-");
      assert(!isThere(group), group);
    },
  });

  Deno.test({
    ...grouped(
      `jail (${engine}) ends what the kernel may not kill for its memory`,
    ),
    fn: async () => {
      const script =
        'echo -1000 > /proc/self/oom_score_adj || exit 9; exec "$@"';
      const program = [fixture("use_much"), "memory", "2"];
      const argv = jailArgv(["-A", "--memory=60MiB"], program, engine);
      const command = new Deno.Command("sh", {
        args: ["-c", script, "sh", ...argv],
      });
      const { code, stderr } = await command.output();
      const text = new TextDecoder().decode(stderr);
      // An ordinary user may not ask for that.
      if (code === 9) return assertStringIncludes(text, "denied");
      assertEquals(code, 123, text);
    },
  });
}
