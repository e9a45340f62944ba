import { assertEquals } from "@std/assert";
import { INIT_LISTING, initCode } from "./launch/init_code.ts";
import { HANDLER_DATA, launchCode, LISTING } from "./launch_code.ts";

function assembler(): string | undefined {
  const has = (): boolean => {
    try {
      return new Deno.Command("nasm", { args: ["-v"], stdout: "null" })
        .outputSync().success;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  };
  if (has()) return undefined;
  try {
    const args = ["install", "-y", "--no-install-recommends", "nasm"];
    new Deno.Command("apt-get", { args, stdout: "null", stderr: "null" })
      .outputSync();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return has() ? undefined : "nasm cannot be installed";
}

const missing = assembler();

const CODES = [
  ["launchCode()", launchCode, LISTING],
  ["initCode()", initCode, INIT_LISTING],
] as const;

for (const [name, code, listing] of CODES) {
  Deno.test({
    name: `${name} is what nasm makes of the listing${
      missing === undefined ? "" : ` (skipped: ${missing})`
    }`,
    ignore: missing !== undefined,
    fn(): void {
      const directory = Deno.makeTempDirSync();
      try {
        const source = listing.map(([, line]) => line).join("\n");
        Deno.writeTextFileSync(`${directory}/a.asm`, `bits 64\n${source}\n`);
        const args = ["-f", "bin", "-o", `${directory}/a`];
        const result = new Deno.Command("nasm", {
          args: [...args, `${directory}/a.asm`],
        }).outputSync();
        assertEquals(new TextDecoder().decode(result.stderr), "");
        assertEquals(Deno.readFileSync(`${directory}/a`), code());
      } finally {
        Deno.removeSync(directory, { recursive: true });
      }
    },
  });
}

Deno.test("launchCode() leaves room for the data behind it", () => {
  assertEquals(launchCode().length < HANDLER_DATA, true);
});
