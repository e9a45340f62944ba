/**
 * Makes random and malformed calls in a jail, for as long as asked.
 *
 *     deno task fuzz                          10 seeds of 5 s each, both engines
 *     deno task fuzz --seconds=600            for ten minutes
 *     deno task fuzz --seed=7 --engine=ptrace this one again
 */

import { parseArgs } from "../src/cli/parse_args.ts";
import { fuzz } from "../tests/fuzz.ts";
import { ENGINES } from "../tests/harness.ts";
import { countsLine, say } from "./parts.ts";
