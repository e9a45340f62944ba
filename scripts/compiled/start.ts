/** The entry of a compiled file: the command, by what V8 made of it before. */

import { beside, CODE, command } from "./script.ts";

const { main } = command(Deno.readFileSync(beside(CODE)));
Deno.exit(await main(Deno.args));
