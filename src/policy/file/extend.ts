/** A policy and all that it extends, in the order in which they apply. */

import { PolicyError } from "../../errors.ts";
import { parentOf } from "../path/within.ts";
import type { Layer } from "../policy.ts";
import { presetNamed, PRESETS } from "../presets.ts";
import { Fault } from "./fault.ts";
import { asPolicyError, parsePolicy } from "./parse.ts";
import { didYouMean } from "./similar.ts";
import type { Variables } from "./variables.ts";

/** A policy that was found. */
export interface LoadedPolicy {
  /** What tells it from others: its absolute path, or a built-in policy's name. */
  readonly file: string;
  /**
   * The directory that it is in: `${policy-dir}`, and what its own `extends` are
   * relative to.
   */
  readonly dir: string;
  /** What it says. */
  readonly bytes: Uint8Array;
  /** Whether it is jail's own. */
  readonly trusted: boolean;
  /** What a parser made of it; absent where none has read it yet. */
  readonly value?: unknown;
}

/**
 * Finds a policy.
 *
 * @param reference the name of a built-in policy, or a file
 * @param from the directory that a file is relative to
 * @returns the policy, or `undefined` where there is none
 */
export type LoadPolicy = (
  reference: string,
  from: string,
) => Promise<LoadedPolicy | undefined>;

/** What {@linkcode loadPolicy} has to know. */
export interface LoadOptions {
  /** Finds a policy. */
  readonly load: LoadPolicy;
  /** What the variables stand for; `policy-dir` is each file's own. */
  readonly variables: Variables;
  /** What they stand for in `root`; the same unless given. */
  readonly outside?: Variables | undefined;
  /** What a directory is called in the root, if it is in there. */
  readonly inside?: ((directory: string) => string | undefined) | undefined;
  /** The directory that the reference is relative to. */
  readonly from: string;
}

const MAX_DEPTH = 16;

/**
 * Loads a policy and all that it extends.
 *
 * @param reference the name of a built-in policy, or a file
 * @param options how to find it
 * @returns its layers, those that it extends before it, each file once
 * @throws {PolicyError} when one is missing or wrong, or extends itself
 */
export async function loadPolicy(
  reference: string,
  options: LoadOptions,
): Promise<Layer[]> {
  const found = await options.load(reference, options.from);
  if (found === undefined) {
    throw new PolicyError(`Cannot find policy "${reference}"`, {
      hint: hintFor(reference),
    });
  }
  const loading: Loading = { options, layers: [], done: new Set() };
  await add(loading, found, found.trusted ? found.file : reference, []);
  return loading.layers;
}

/** What has been loaded of one policy and all that it extends. */
interface Loading {
  readonly options: LoadOptions;
  readonly layers: Layer[];
  /** The files that the layers are of. */
  readonly done: Set<string>;
}

/** Adds a policy's layers, and before it those that it extends, each once. */
async function add(
  loading: Loading,
  loaded: LoadedPolicy,
  source: string,
  path: readonly string[],
): Promise<void> {
  const { options, layers, done } = loading;
  const { file, dir, bytes, trusted, value } = loaded;
  const { inside = (path: string): string => path } = options;
  const variables = trusted
    ? options.variables
    : { ...options.variables, "policy-dir": inside(dir) };
  const outside = {
    ...options.outside ?? options.variables,
    "policy-dir": dir,
  };
  const layer = await parsePolicy(bytes, {
    ...{ source, variables, outside, trusted, value },
  });
  const text = layer.sources[0]?.text ?? "";
  for (const { name, ref } of layer.extends) {
    const base = await options.load(name, dir);
    const here = [...path, file];
    const wrong = base === undefined
      ? new Fault(ref.keys, `there is no policy "${name}"`, {
        hint: name.includes(",")
          ? `write a list: [${name.split(/\s*,\s*/).join(", ")}]`
          : hintFor(name),
      })
      : here.includes(base.file)
      ? new Fault(
        ref.keys,
        `it extends itself: ${[...here, base.file].join(" -> ")}`,
        { hint: "take one of them out" },
      )
      : here.length >= MAX_DEPTH
      ? new Fault(ref.keys, `"extends" is more than ${MAX_DEPTH} deep`)
      : undefined;
    if (wrong !== undefined) throw await asPolicyError(wrong, source, text);
    if (base === undefined || done.has(base.file)) continue;
    const called = base.trusted ? base.file : beside(source, name);
    await add(loading, base, called, here);
  }
  done.add(file);
  // It stands before this one.
  layers.push({ ...layer, extends: [] });
}

/** What a file is called that another one names. */
function beside(source: string, name: string): string {
  if (name.startsWith("/")) return name;
  const directory = source.slice(0, source.lastIndexOf("/") + 1);
  return directory +
    (directory === "" ? name : name.replace(/^(?:\.\/+)+/, ""));
}

/** Whether a reference is a file's, rather than the name of a built-in policy. */
function isFile(reference: string): boolean {
  return /\/|\.(?:ya?ml|json)$/.test(reference);
}

/** What to do about a policy that is not there. */
function hintFor(reference: string): string {
  if (isFile(reference)) return "there is no such file";
  if (reference.includes(",")) {
    return `each policy needs a flag: -p ${
      reference.split(/\s*,\s*/).join(" -p ")
    }`;
  }
  const names = PRESETS.map((preset) => preset.name);
  return didYouMean(reference, names) ??
    `the built-in policies are ${
      names.join(", ")
    }; a file needs a "/", or ".yaml", ".yml" or ".json" at its end`;
}

/** Reads a file by its absolute path, or `undefined` where there is none. */
export type ReadFile = (path: string) => Promise<Uint8Array | undefined>;

/**
 * Makes a function that finds policies: built-in ones by name, any other as a
 * file. A file has a slash in its name, or ends in `.yaml`, `.yml` or `.json`.
 *
 * @param readFile reads a file
 * @returns the function
 */
export function policyLoader(readFile: ReadFile): LoadPolicy {
  return async (reference, from) => {
    const preset = presetNamed(reference);
    if (preset !== undefined) {
      const bytes = new TextEncoder().encode(preset.text);
      const { name, value } = preset;
      return { file: name, dir: "/", bytes, trusted: true, value };
    }
    if (!isFile(reference)) return undefined;
    const path = joinPath(from, reference);
    const bytes = await readFile(path);
    if (bytes === undefined) return undefined;
    const dir = parentOf(path);
    return { file: path, dir, bytes, trusted: false };
  };
}

/** A path relative to a directory, without `.` and `..`. */
export function joinPath(from: string, path: string): string {
  const names: string[] = [];
  const whole = path.startsWith("/") ? path : `${from}/${path}`;
  for (const name of whole.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") names.pop();
    else names.push(name);
  }
  return `/${names.join("/")}`;
}
