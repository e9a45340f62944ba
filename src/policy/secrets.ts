/** Which environment variables look like secrets, or change how programs start? */

import { matchSegment, parseSegment } from "./path/segment.ts";

/**
 * Names that a wildcard does not mean. `LD_*` tells the dynamic linker what else
 * to load (ld.so(8)); the rest is what secrets are commonly called.
 */
const SECRET_NAMES = [
  "*TOKEN*",
  "*SECRET*",
  "*PASSWORD*",
  "*PASSWD*",
  "*PASSPHRASE*",
  "*CREDENTIAL*",
  "*APIKEY*",
  "*API_KEY*",
  "*ACCESS_KEY*",
  "*ACCESSKEY*",
  "*PRIVATE_KEY*",
  "*PRIVATEKEY*",
  "KEY",
  "*_KEY",
  "*_KEYS",
  "*PASS",
  "*_PW",
  "*_PWD",
  "*_AUTH",
  "*_AUTH_CONFIG",
  "*_PAT",
  "*CREDS*",
  "BW_SESSION",
  "OP_SESSION_*",
  "*MNEMONIC*",
  "AUTHORIZATION",
  "*JWT*",
  "*_DSN",
  "*DATABASE_URL",
  "*CONNECTION_STRING*",
  "*COOKIE*",
  "*WEBHOOK*",
  "LD_*",
] as const;

const PATTERNS = SECRET_NAMES.map((text) => parseSegment(text));

/** ASCII letters made capitals; all else stays. */
export function upperCase(text: string): string {
  return text.replace(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** The same the other way round. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * A password in an address, whatever the variable is called: REDIS_URL, HTTP_PROXY;
 * and a private key, as of an account: PEM (RFC 7468), in JSON as well.
 */
const SECRET_REGEXP = /:\/\/[^/\s:]*:[^/\s]+@|-----BEGIN [A-Z ]*PRIVATE KEY/;

/**
 * Whether a variable looks like a secret, by whatever case:
 * `npm_config__authToken` is a token, too.
 *
 * @param name the variable's name, as a byte string
 * @param value its value, as a byte string
 */
export function looksSecret(name: string, value: string): boolean {
  const upper = upperCase(name);
  return SECRET_REGEXP.test(value) ||
    PATTERNS.some((one) => matchSegment(one, upper, 0, upper.length));
}
