/** Permissions as a program that embeds a jail gives them, made flags. */

import type { FlagValues, PermissionFlags } from "../policy/file/flags.ts";
import { EFFECTS } from "../policy/policy.ts";
import { checkKeys, hasKeys } from "./given.ts";

const SECTIONS = ["read", "write", "run", "env", "net", "sys"] as const;

/** All or nothing, or a list of what is meant. */
export type PermissionValue = boolean | readonly (string | URL)[];

/** What is allowed of one kind; in full, what is refused too. */
export type Permission =
  | PermissionValue
  | {
    /** What may be done. */
    readonly allow?: PermissionValue | undefined;
    /** What may not, whatever is allowed. */
    readonly deny?: PermissionValue | undefined;
    /** What looks as if it were not there. */
    readonly ignore?: PermissionValue | undefined;
  };

/**
 * Permissions in the form that Deno has for its own. What is not mentioned is
 * not allowed. Paths are relative to the working directory.
 */
export interface JailPermissions {
  /**
   * Allow everything; but what one of the others allows is all of its kind, and
   * what it denies and ignores still holds.
   */
  readonly all?: boolean | undefined;
  /** Files that may be read, and all beneath them. */
  readonly read?: Permission | undefined;
  /** Files that may be created, changed and removed, and all beneath them. */
  readonly write?: Permission | undefined;
  /** Programs that may be executed: paths, or names to look up in `PATH`. */
  readonly run?: Permission | undefined;
  /** Environment variables that the program gets. */
  readonly env?: Permission | undefined;
  /** Hosts that may be reached, by address or name; addresses to listen at. */
  readonly net?: Permission | undefined;
  /** Facts about the system, by Deno's names. */
  readonly sys?: Permission | undefined;
}

/**
 * Makes flags of permissions.
 *
 * @param permissions the permissions
 * @throws {TypeError} where they are none
 */
export function toFlags(permissions: JailPermissions): PermissionFlags {
  checkKeys(permissions, ["all", ...SECTIONS], "permission");
  const { all } = permissions;
  if (all !== undefined && typeof all !== "boolean") {
    throw new TypeError('Cannot use the permission "all": it is true or false');
  }
  // An object that allows nothing is not the same as nothing said.
  return {
    allowAll: all === true,
    read: toValues("read", permissions.read),
    write: toValues("write", permissions.write),
    run: toValues("run", permissions.run),
    env: toValues("env", permissions.env),
    net: toValues("net", permissions.net),
    sys: toValues("sys", permissions.sys),
  };
}

function toValues(
  section: string,
  permission: Permission | undefined,
): FlagValues {
  if (!isMap(permission)) return { allow: toAllowed(section, permission) };
  checkKeys(permission, EFFECTS, `part of "${section}"`);
  const { allow, deny, ignore } = permission;
  return {
    allow: toAllowed(section, allow),
    deny: toValue(section, deny),
    ignore: toValue(section, ignore),
  };
}

function isMap(
  permission: Permission | undefined,
): permission is Exclude<Permission, PermissionValue> {
  return hasKeys(permission);
}

function toAllowed(
  section: string,
  value: PermissionValue | undefined,
): FlagValues["allow"] {
  return value === false ? value : toValue(section, value);
}

function toValue(
  section: string,
  value: PermissionValue | undefined,
): true | readonly string[] | undefined {
  if (value === undefined || value === true) return value;
  if (value === false) return [];
  if (!Array.isArray(value) || !value.every(isNamed)) {
    throw new TypeError(
      `Cannot use the permission "${section}": ` +
        "it is true, false or a list of texts and URLs",
    );
  }
  return value.map(pathOf);
}

function isNamed(value: unknown): value is string | URL {
  return typeof value === "string" || value instanceof URL;
}

/** The path of a file's URL; a text is a path already. */
export function pathOf(file: string | URL): string {
  if (typeof file === "string") return file;
  if (!(file instanceof URL && file.protocol === "file:")) {
    throw new TypeError(`Cannot use "${file}": it is no file`);
  }
  const { hostname, search, hash, pathname } = file;
  // What a path has of these would be left out of it, and it be another one.
  if (hostname !== "" || search !== "" || hash !== "") {
    const hint = hostname === "" ? "write it as %3F or %23" : "write file:///";
    throw new TypeError(
      `Cannot use "${file}": "${hostname || search || hash}" is no part of a ` +
        `path: ${hint}`,
    );
  }
  return decodeURIComponent(pathname);
}
