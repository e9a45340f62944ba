/** What git keeps, runs and goes by that lies where no rule of a policy names it. */

import { fromBytes } from "../abi/bytes.ts";
import { SystemCallError } from "../errors.ts";
import { joinPath } from "../policy/file/extend.ts";
import { isWithin, parentOf, pathIn } from "../policy/path/within.ts";
import type { View } from "../sys/view.ts";
import { isDirectory } from "../sys/which.ts";
import { farIn, MOST_LOOKS } from "./doubted.ts";

/** The names in a directory; none where nobody says: then there is nothing to doubt. */
function namesIn(directory: string, view: View): readonly string[] {
  try {
    return view.names(directory).slice(0, MOST_LOOKS);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return [];
  }
}

/**
 * Finds what git keeps for a repository by another name than .git: beside its worktrees
 * (`git clone --bare URL .bare`), or where somebody starts.
 */
export function repositoriesIn(cwd: string, view: View): string[] {
  const far = farIn(view);
  const beneath = namesIn(cwd, view).filter((name) => name !== ".git")
    .map((name) => pathIn(cwd, name));
  return [cwd, ...beneath].filter((path) =>
    !far.has(path) && isDirectory(pathIn(path, "objects"), view) &&
    isDirectory(pathIn(path, "refs"), view) &&
    view.realpath(pathIn(path, "HEAD")) !== undefined
  );
}

/** How much is read of the settings of a repository, in bytes. */
const MOST_SETTINGS = 1 << 20;

/** Settings whose values are commands, or have some in them: git-config(1). */
const COMMAND_REGEXP =
  /^(?:askpass|clean|credentialhelper|difffilter|driver|editor|external|fsmonitor|gitproxy|helper|pager|path|process|program|receivepack|smudge|textconv|tool|uploadpack|.*(?:cmd|command))$/;

/** A section of settings begins, and perhaps the first of them follows. */
const SECTION_REGEXP = /^\s*\[([^\]]*)\](.*)/;

/** A setting: its name and value, with quotes, up to a comment. */
const SETTING_REGEXP =
  /^\s*([\w-]+)\s*=\s*((?:"(?:[^"\\]|\\.)*"|\\.|[^#;"\\])*)/;

/** One of the settings of git. */
interface Setting {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/** The settings in a file of git's; none where it cannot be read. */
function settingsIn(file: string, view: View): Setting[] {
  const bytes = view.readFile(file, MOST_SETTINGS);
  if (typeof bytes === "number") return [];
  const found: Setting[] = [];
  let section = "";
  for (const line of fromBytes(bytes).replace(/\\\r?\n/g, "").split("\n")) {
    const [, began, left = line] = SECTION_REGEXP.exec(line) ?? [];
    // Behind the name there may be a part of it, in quotes.
    if (began !== undefined) {
      section = began.trim().toLowerCase().split(/\s/)[0] ?? "";
    }
    const [, name, value] = SETTING_REGEXP.exec(left) ?? [];
    if (name === undefined || value === undefined) continue;
    found.push({
      section,
      name: name.toLowerCase(),
      value: value.trim().replace(/\\(.)|"/g, "$1"),
    });
  }
  return found;
}

/** The longest path there is, with what is in front of it in a .git. */
const MOST_OF_PATH = 8192;

/**
 * Where git keeps what belongs to a working tree: its .git, or the directories that
 * names, of a worktree or a submodule. None where there is no .git.
 */
function keptFor(top: string, view: View): string[] {
  const git = pathIn(top, ".git");
  const line = (file: string): string => {
    const bytes = view.readFile(file, MOST_OF_PATH);
    return typeof bytes === "number" ? "" : fromBytes(bytes).trimEnd();
  };
  const named = line(git);
  if (!named.startsWith("gitdir: ")) {
    return view.realpath(pathIn(git, "config")) === undefined ? [] : [git];
  }
  const own = joinPath(top, named.slice("gitdir: ".length));
  const common = line(pathIn(own, "commondir"));
  return common === "" ? [own] : [joinPath(own, common), own];
}

/** What git goes by, by real paths: also of what is not there yet. */
interface GitPaths {
  /** Where its settings say that hooks are, if they do. */
  readonly hooks: readonly string[];
  /** What else is run, or has settings or hooks in it, directories of git's as well. */
  readonly files: readonly string[];
}

/**
 * What the repository around a directory has git run, or take more settings from, by
 * what its .git says: where its hooks are, what links among them lead to, which files
 * it includes, and what commands name. Git looks for one in each directory above.
 *
 * @param cwd the directory, a real path
 * @param home the home directory, which has settings as well
 * @param view where paths begin
 */
export function ranByGit(
  cwd: string,
  home: string | undefined,
  view: View,
): GitPaths {
  let top = cwd;
  let kept = keptFor(top, view);
  while (kept.length === 0) {
    if (top === "/") return { hooks: [], files: [] };
    top = parentOf(top);
    kept = keptFor(top, view);
  }
  const at = (base: string, path: string): string =>
    path.startsWith("/")
      ? path
      : home !== undefined && path.startsWith("~/")
      ? pathIn(home, path.slice(2))
      : joinPath(base, path);
  const named = kept.flatMap((git) => [git, pathIn(git, "hooks")])
    .flatMap((directory) =>
      namesIn(directory, view).map((name) => pathIn(directory, name))
    );
  const commands: string[] = [];
  let hooks: string | undefined;
  const files = kept.flatMap((git) =>
    ["config", "config.worktree"].map((name) => pathIn(git, name))
  );
  if (home !== undefined) {
    files.unshift(
      pathIn(home, ".config/git/config"),
      pathIn(home, ".gitconfig"),
    );
  }
  for (const file of files) {
    for (const { section, name, value } of settingsIn(file, view)) {
      if (section === "core" && name === "hookspath") {
        // The last one counts, of however many there are.
        hooks = value === "" ? undefined : at(top, value);
      } else if (section.startsWith("include") && name === "path") {
        named.push(at(parentOf(file), value));
      } else if (
        // The pager of a command has the name of that.
        section === "pager" || COMMAND_REGEXP.test(name) ||
        value.startsWith("!")
      ) {
        const words = value.match(/[^\s"'`;&|()<>=!]+/g) ?? [];
        if (commands.length > MOST_LOOKS) continue;
        commands.push(
          ...words.slice(0, MOST_LOOKS).map((word) => at(top, word)),
        );
      }
    }
  }
  const reals = kept.map((git) => view.realpath(git) ?? git);
  const isNear = (path: string): boolean =>
    [top, ...kept].some((directory) => isWithin(path, directory));
  const real = (paths: readonly string[]): string[] =>
    paths.filter(isNear).slice(0, MOST_LOOKS)
      .map((path) => view.meant(path) ?? path);
  const isKept = (path: string): boolean =>
    reals.some((git) => isWithin(path, git));
  const isThere = (path: string): boolean =>
    view.realpath(path) !== undefined && !isDirectory(path, view);
  const where = hooks && (view.realpath(hooks) ?? hooks);
  const led = [...real(named), ...real(commands).filter(isThere)]
    .filter((path) => !isKept(path) && path !== where);
  // Where .git is a file, no rule names what it does: it may lie in the tree as well.
  const apart = reals.filter((_, i) => kept[i] !== pathIn(top, ".git"));
  return {
    hooks: where === undefined ? [] : [where],
    files: [...new Set([...apart, ...led])],
  };
}
