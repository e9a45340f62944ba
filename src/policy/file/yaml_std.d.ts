/** What is used of `@std/yaml`. */

/** Reads one document. */
export function parse(content: string, options?: { schema?: "core" }): unknown;
