/**
 * Byte strings: file names as the kernel has them.
 *
 * A name on Linux is bytes, not text. Here it is a string in which every
 * character is one byte (0 to 255), so that nothing is lost, and comparing,
 * slicing and matching need no decoding. Text (of a policy, of a flag) becomes
 * one by {@linkcode fromText}, and a person sees {@linkcode printable}.
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", {
  fatal: true,
  ignoreBOM: true,
});

/** Makes a byte string of `bytes[start..end)`. */
export function fromBytes(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string {
  let text = "";
  // apply() has a limit on arguments; 4 KiB is far below it.
  for (let at = start; at < end; at += 4096) {
    text += String.fromCharCode.apply(
      null,
      bytes.subarray(at, Math.min(end, at + 4096)) as unknown as number[],
    );
  }
  return text;
}

/** Makes a byte string of text, as UTF-8. */
export function fromText(text: string): string {
  return fromBytes(encoder.encode(text));
}

/** The bytes of a byte string. Characters above 255 cannot occur in one. */
export function toBytes(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(name.length);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}

/** The bytes of a byte string with the NUL that C expects at the end. */
export function toCString(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(name.length + 1);
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i);
  return bytes;
}

/** The text of a byte string, or `undefined` where it is not valid UTF-8. */
export function toText(name: string): string | undefined {
  try {
    return decoder.decode(toBytes(name));
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

// Characters that move the cursor, hide, or reorder what follows: C0, DEL, C1,
// line separators, bidirectional controls, zero-width ones, BOM, surrogates.
const UNSAFE_REGEXP =
  // deno-lint-ignore no-control-regex
  /[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

// What a person sees as it is: ASCII, but for what moves the cursor or is escaped.
const PLAIN_REGEXP = /^[ !#-[\]-~]*$/;

/**
 * A byte string as a person may safely see it, in double quotes.
 *
 * Valid UTF-8 stays; control and invisible characters become `\n`, `\x1b`,
 * `\u{202e}`; bytes that are not UTF-8 become `\xff`; `"` and `\` are escaped.
 * The result has no newline and nothing that a terminal acts on.
 *
 * @param name the byte string
 * @param limit the most characters shown; what is cut is counted at the end
 * @returns the quoted form
 */
export function printable(name: string, limit = 1000): string {
  const cut = name.length > limit ? name.slice(0, limit) : name;
  if (cut === name && PLAIN_REGEXP.test(name)) return `"${name}"`;
  let out = "";
  for (let at = 0; at < cut.length;) {
    const size = sequenceLength(cut, at);
    if (size === 0) {
      out += `\\x${cut.charCodeAt(at).toString(16).padStart(2, "0")}`;
      at++;
      continue;
    }
    out += escapeText(toText(cut.slice(at, at + size)) as string);
    at += size;
  }
  const more = name.length - cut.length;
  return `"${out}"${more > 0 ? `… (${more} bytes more)` : ""}`;
}

/** Text with what a terminal would act on escaped, without quotes. */
export function escapeText(text: string): string {
  return text
    .replace(/["\\]/g, "\\$&")
    .replace(UNSAFE_REGEXP, (c) => {
      if (c === "\n") return "\\n";
      if (c === "\t") return "\\t";
      if (c === "\r") return "\\r";
      const code = c.codePointAt(0) as number;
      return code < 0x100
        ? `\\x${code.toString(16).padStart(2, "0")}`
        : `\\u{${code.toString(16)}}`;
    });
}

/** Length of the valid UTF-8 sequence at `at`, or 0. */
function sequenceLength(name: string, at: number): number {
  const lead = name.charCodeAt(at);
  if (lead < 0x80) return 1;
  const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (size === 0 || at + size > name.length) return 0;
  return toText(name.slice(at, at + size)) === undefined ? 0 : size;
}
