/** A typed door to the YAML parser whose result is enforced. */

// @ts-types="./yaml_std.d.ts"
import { parse } from "@std/yaml";

/**
 * Reads YAML 1.2: texts, numbers, truth values, lists and maps, nothing else.
 *
 * @param text one document
 * @returns its value
 */
export function parseYaml(text: string): unknown {
  return parse(text, { schema: "core" });
}
