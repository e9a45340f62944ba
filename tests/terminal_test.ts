/** Job control, Ctrl-C and the size of the window, at a terminal. */

import { ENGINES, jailArgv } from "./harness.ts";
import { Terminal } from "./terminal.ts";

const BASH = ["bash", "--norc", "--noprofile", "-i"];
const CTRL_C = "\x03";
const CTRL_D = "\x04";
const CTRL_Z = "\x1a";
const RESIZE = "\0";

for (const engine of ENGINES) {
  Deno.test(`jail (${engine}) lets a shell inside control its jobs`, async () => {
    await using terminal = new Terminal(jailArgv(["-A"], BASH, engine));
    await terminal.see(/\$ $/);
    await terminal.type("echo up; cat\n");
    await terminal.see(/\nup\r\n/);
    await terminal.type("one\n");
    await terminal.see(/one\r\none\r\n/);
    await terminal.type(CTRL_Z);
    await terminal.see(/Stopped +(?:echo up; )?cat/);
    await terminal.type("jobs; fg\n");
    await terminal.see(/fg\r\n\[1\]\+ +Stopped +.*cat\r\n.*cat\r\n/);
    await terminal.type("two\n");
    await terminal.see(/two\r\ntwo\r\n/);
    await terminal.type(CTRL_C);
    await terminal.see(/\$ $/);
    await terminal.type("echo $?\n");
    await terminal.see(/\n130\r\n/);
    await terminal.type("sleep 0.1 & wait; echo done=$?\n");
    await terminal.see(/done=0\r\n/);
  });

  Deno.test(`jail (${engine}) is itself a job of a shell outside`, async () => {
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    const words = jailArgv(["-A"], ["sh", "-c", "'echo up; cat'"], engine);
    await terminal.type(`${words.join(" ")}\n`);
    await terminal.see(/up\r\n/);
    await terminal.type("one\n");
    await terminal.see(/one\r\none\r\n/);
    await terminal.type(CTRL_Z);
    await terminal.see(/Stopped/);
    await terminal.see(/\$ $/);
    // In the background it may not read, and stops again. Were fg to come in
    // that moment, bash would not continue it.
    await terminal.type("bg; sleep 0.3; fg\n");
    await terminal.see(/cat' &\r\n[^]*cat'\r\n/);
    await terminal.type("two\n");
    await terminal.see(/two\r\ntwo\r\n/);
    await terminal.type(CTRL_C);
    await terminal.see(/\$ $/);
    await terminal.type("echo $?\n");
    await terminal.see(/\n130\r\n/);
  });

  Deno.test(`jail (${engine}) is ended by Ctrl-D as the program is`, async () => {
    await using terminal = new Terminal(BASH);
    await terminal.see(/\$ $/);
    const words = jailArgv(
      ["-A"],
      ["sh", "-c", "'echo up; cat; exit 6'"],
      engine,
    );
    await terminal.type(`${words.join(" ")}; echo code=$?\n`);
    await terminal.see(/up\r\n/);
    await terminal.type(`x\n${CTRL_D}`);
    await terminal.see(/code=6\r\n/);
  });

  Deno.test(`jail (${engine}) lets a program see its window and its change`, async () => {
    const script =
      `trap 'echo changed; stty size; exit' WINCH; stty size; while :; do sleep 0.05; done`;
    await using terminal = new Terminal(
      jailArgv(["-A"], ["bash", "-c", script], engine),
    );
    await terminal.see(/24 80\r\n/);
    await terminal.type(RESIZE);
    await terminal.see(/changed\r\n45 123\r\n/);
  });
}
