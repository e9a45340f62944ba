/**
 * A typed door to the YAML parser whose result is enforced. It is named whole: see
 * `yaml_nodes.ts`.
 */

// @ts-types="./yaml_std.d.ts"
import { parse } from "npm:deno-std@1.4.0/yaml/mod.js";

/**
 * Reads YAML 1.2: texts, numbers, truth values, lists and maps, nothing else.
 *
 * @param text one document
 * @returns its value
 */
export function parseYaml(text: string): unknown {
  return parse(text, { schema: "core" });
}
