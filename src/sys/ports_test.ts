import { assertEquals } from "@std/assert";
import { mayBeChosen } from "./ports.ts";

Deno.test("mayBeChosen() tells the ports that the kernel chooses from", async () => {
  const text = await Deno.readTextFile(
    "/proc/sys/net/ipv4/ip_local_port_range",
  );
  const [first = 0, last = 0] = text.trim().split(/\s+/).map(Number);
  assertEquals(
    [first - 1, first, last, last + 1].map(mayBeChosen),
    [false, true, true, false],
  );
});

Deno.test("mayBeChosen() takes no port that is reserved", async () => {
  const script = `
    const { mayBeChosen } = await import("${new URL(
    "./ports.ts",
    import.meta.url,
  )}");
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_local_port_range", "40000 50000");
    await Deno.writeTextFile("/proc/sys/net/ipv4/ip_local_reserved_ports", "41000,42000-42002");
    console.log([40999, 41000, 41001, 41999, 42000, 42002, 42003].map(mayBeChosen).join());
  `;
  const { stdout } = await new Deno.Command("unshare", {
    args: ["-Urn", Deno.execPath(), "eval", "--ext=ts", script],
    stderr: "inherit",
  }).output();
  assertEquals(
    new TextDecoder().decode(stdout),
    "true,false,true,true,false,false,true\n",
  );
});
