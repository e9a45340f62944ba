/** A file system tree as a list of names: `policy` makes it, and `sys` mounts it. */

/** One name in a tree. In a list of them, those above it come before it. */
export type TreeNode =
  /** A directory that has nothing but what other nodes put there. */
  | { readonly kind: "directory"; readonly path: string }
  /** A link. */
  | { readonly kind: "link"; readonly path: string; readonly to: string }
  /** What the machine has by the same name, and all that is beneath. */
  | {
    readonly kind: "bind";
    readonly path: string;
    /** Its name on the machine, where that is another one: no link is in it. */
    readonly from?: string;
    /** What it is. */
    readonly is: "directory" | "file" | "device";
    /** Whether a node above has a name for it already. */
    readonly there: boolean;
    /** Whether it may be changed. */
    readonly write: boolean;
    /** Whether nothing may be executed there, nor run by a dynamic loader. */
    readonly noRun: boolean;
  }
  /** A name that is seen, with nothing behind it that can be opened. */
  | {
    readonly kind: "closed";
    readonly path: string;
    /** What it is; in the place of a link is one that leads to nothing. */
    readonly is: "directory" | "file" | "link";
  }
  /** The processes of a PID namespace: proc(5). */
  | {
    readonly kind: "processes";
    readonly path: string;
    /** Whether nothing else is there. */
    readonly alone: boolean;
  }
  /** Terminals that are made in there: pts(4). */
  | { readonly kind: "terminals"; readonly path: string };
