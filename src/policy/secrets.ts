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
  "*AUTHKEY*",
  "*DEPLOYKEY*",
  "*MASTERKEY*",
  "*SSHKEY*",
  "*INMEMORYKEY",
  "KEY",
  "*_KEY",
  "*_KEYS",
  "*PASS",
  "*_PASS_*",
  "*PASSCODE*",
  "*PW",
  "*_PWD",
  "USERPWD",
  "*PSK",
  "AUTH",
  "*_AUTH",
  "*_AUTH_CONFIG",
  "PAT",
  "*_PAT",
  "*CREDS*",
  "*_CRED",
  "*OAUTH*",
  "*BEARER*",
  "*OTP",
  "*TOTP*",
  "*RECOVERY_CODE*",
  "*BACKUP_CODE*",
  "*_SAS",
  // Of npm, by Yarn; a name and a password.
  "*_AUTH_IDENT",
  "BW_SESSION",
  "FASTLANE_SESSION",
  "OP_SESSION_*",
  "*MNEMONIC*",
  "*SEED_PHRASE*",
  "*KUBE*CONFIG_DATA",
  "AUTHORIZATION",
  "*JWT*",
  "*_DSN",
  "*DATABASE_URL",
  "*CONNECTION_STRING*",
  "*COOKIE*",
  "*WEBHOOK*",
  // What is sent along, such as OTEL_EXPORTER_OTLP_HEADERS; Bundler's, by host.
  "*_HEADERS",
  "BUNDLE_*__COM",
  "BUNDLE_*__IO",
  // All that was set, packed, so as to take it back: by direnv, mise, fnox, shadowenv,
  // Varlock. What has a name that is hidden is in there with its value.
  "DIRENV_DIFF",
  "__MISE_DIFF",
  "__MISE_SESSION",
  "__FNOX_SESSION",
  "__SHADOWENV_DATA",
  "__VARLOCK_ENV",
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

/** What values look like that are secrets, whatever the variable is called. */
const SECRET_REGEXPS: readonly RegExp[] = [
  // A password in an address: REDIS_URL, HTTP_PROXY.
  /:\/\/[^/\s:]*:[^/\s]+@/,
  // A token in the place of a user, who has no password.
  /\bhttps?:\/\/[^/\s:@]{16,999}@/,
  // One among other settings: of a database, of an account, in a query.
  /(?:^|[\s;&?])(?:password|passwd|pwd|(?:account|shared_?access|secret)_?key|shared_?access_?signature|client_?secret|(?:access_?)?token|sig|api_?key)\s*=\s*[^\s;&]/i,
  // The same for Java, for curl(1), in a header, in JSON or XML.
  /(?:^|\s)-[DP][\w.-]{0,99}(?:password|passphrase|secret|token)=(?!(?:\d|no|off|on|yes|false|true)(?:\s|$))\S/i,
  /(?:^|\s)(?:-u|--user(?=[ =]))[ =]{0,9}(?![ $=)])([^\s:]{1,99}):(?!\/\/|(?:\d{1,9}|\1)(?:[\s/]|$))\S/,
  /\bauthorization\b\W{1,9}(?:basic|bearer|token)\b/i,
  /["<](?:auth|identitytoken|password|passphrase|privateKey|private_key)(?:"\s{0,9}:\s{0,9}"|>)[^"<]/i,
  // A private key, as of an account: PEM (RFC 7468), in JSON as well.
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  // The same in base64, as in a kubeconfig: its beginning, the kind of key, and
  // "PRIVATE", which has three spellings there, by where it falls.
  /\bLS0tLS1CRUdJTi[A-Za-z0-9]{0,32}?(?:BSSVZBVEUg|QUklWQVRFI|UFJJVkFUR)/,
  /\bAGE-SECRET-KEY-(?:PQ-)?1/,
  // What some who give out tokens put in front of them.
  /\b(?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|[rs]k_live_|pypi-|dop_v1_|shpat_)[\w-]{16}/,
  /\b(?:sk-|ya29\.|AIza|SG\.)[\w-]{20}|\b(?:hf|npm)_[A-Za-z0-9]{30}/,
  /\bA(?:KI|SI)A[0-9A-Z]{16}/,
  /\b(?:ATATT3|dckr_pat_|figd_|glsa_|gsk_|lin_api_|nfp_|pplx-|r8_|sntry[su]_)[\w-]{16}/,
  /\b(?:dapi|hvs\.|lsv2_[ps][kt]_|ntn_|nvapi-|PMAK-|sbp_|[rs]k_test_|tskey-)[\w-]{16}/,
  /\b(?:tvly-|whsec_|xai-|xapp-)[\w-]{16}|\b\d{8,10}:AA[\w-]{33}/,
  /\b(?:CCIP(?:AT|RJ)_|GOCSPX-|NRAK-|bk(?:ct|ua)_|pscale_(?:oauth|pw|tkn)_)[\w-]{16}/,
  /\b(?:gl(?:agent|cbt|dt|ft|imt|oas|ptt|rt|soat)-|do[or]_v1_|ops_eyJ)[\w-]{16}/,
  /\b(?:rubygems_|sb_secret_|shp(?:ca|pa|ss)_|sq[apu]_)[\w-]{16}|\bpul-[0-9a-f]{40}/,
  // Two parts of JSON in base64: RFC 7519.
  /\beyJ[\w-]{8,999}\.eyJ[\w-]{8}/,
];

/**
 * Whether a variable looks like a secret, by whatever case:
 * `npm_config__authToken` is a token, too.
 *
 * @param name the variable's name, as a byte string
 * @param value its value, as a byte string
 */
export function looksSecret(name: string, value: string): boolean {
  const upper = upperCase(name);
  return SECRET_REGEXPS.some((one) => one.test(value)) ||
    PATTERNS.some((one) => matchSegment(one, upper, 0, upper.length));
}
