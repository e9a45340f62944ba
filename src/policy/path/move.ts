/**
 * Would a rename let more be done with what is moved than before?
 *
 * A rename carries files past the rules: what could not be read could be moved
 * to where it can, and a directory with a protected one in it could be moved
 * away, changed, and moved back. So a move is refused unless at its new place
 * nothing may be read or run that could not be before, and, for a directory,
 * unless the same may be read and written beneath both places. Nor is a directory
 * moved to where jail removes it, or back, unless all in it may be written.
 *
 * Nor to where less may be read, or a rule closes what none did: a call that was judged
 * in a directory where it was is made in that directory, wherever it is by then. Another
 * jail could have moved it, and what may not be used come into it there.
 */

import type { Move } from "../call.ts";
import type { PathMatcher, Residual } from "./match.ts";
import { ALLOW, DENY, IGNORE, READ, RUN, slotOf, WRITE } from "./rules.ts";
import { outsideTemporary } from "./temporary.ts";

const ACCESSES = [READ, WRITE, RUN] as const;

/** The move is as good as it was. */
export const HARMLESS = -1;
/** It lets more be done, and no one rule is in the way. */
export const WIDER = -2;

/**
 * Finds the rule for an access to a path: its number and whether it allows, or
 * nothing.
 */
export type Judge = (
  access: number,
  path: string,
) => { readonly allows: boolean; readonly rule: number };

/**
 * Finds what speaks against a move.
 *
 * @param move what moves
 * @param judge what may be done with one path
 * @param matcher the tree of rules, for what lies beneath a directory
 * @returns the number of the rule in the way, {@linkcode WIDER} or {@linkcode HARMLESS}
 */
export function obstacle(
  move: Move,
  judge: Judge,
  matcher: PathMatcher,
): number {
  const read = judge(READ, move.from);
  if (!read.allows) {
    const run = judge(RUN, move.from);
    if (
      judge(READ, move.to).allows ||
      (!run.allows && judge(RUN, move.to).allows)
    ) {
      return read.rule >= 0 ? read.rule : WIDER;
    }
  }
  if (!move.tree) return HARMLESS;
  const [from, to] = [matcher.residual(move.from), matcher.residual(move.to)];
  const outside = outsideTemporary(move);
  if (outside !== undefined) {
    // What may not be written would be removed with the directory.
    const end = outside === move.from ? from : to;
    if (!isOpen(end, WRITE)) return WIDER;
    const kept = ruleIn(end, closing(WRITE));
    if (kept >= 0) return kept;
  }
  return treeObstacle(from, to);
}

/** The same for all that lies beneath, now and later. */
export function treeObstacle(from: Residual, to: Residual): number {
  // What lies in there and may not be written must not be seen elsewhere either, nor
  // sockets be reached that a rule about writing closes by another name.
  for (const access of [READ, WRITE]) {
    const closes = closing(access);
    if (isCovered(from, closes) && !isCovered(to, closes)) return WIDER;
  }
  const readable = isOpen(from, READ) && ruleIn(from, closing(READ)) < 0;
  for (const access of ACCESSES) {
    // What may be read could be copied, and run there.
    if (access === RUN && readable) continue;
    if (isOpen(to, access) && !isOpen(from, access)) return WIDER;
    if (access !== RUN && isOpen(from, access) && !isOpen(to, access)) {
      return WIDER;
    }
    const rule = missing(from, to, closing(access));
    if (rule >= 0) return rule;
    // What is closed in there and not read is unseen, unless it is on the way.
    const unseen = !isOpen(from, READ) && ruleIn(from, closing(access)) >= 0;
    if (unseen || !isOpen(from, access)) {
      const opened = gained(from, to, bit(access, ALLOW), closing(access));
      if (opened >= 0) return opened;
    }
  }
  for (const access of [WRITE, READ, RUN]) {
    const kept = lost(from, to, access);
    if (kept >= 0) return kept;
  }
  return HARMLESS;
}

/**
 * A rule by which less may be done beneath the new place than the old one, or -1. Of what
 * is executed, which is looked at again, only a rule that closes it.
 */
function lost(from: Residual, to: Residual, access: number): number {
  const closed = closedIn(from, to, closing(access));
  if (closed >= 0 || access === RUN || isOpen(to, access)) return closed;
  return gained(to, from, bit(access, ALLOW), closing(access));
}

/**
 * A rule of these slots, which close, that covers more beneath the new place of a
 * directory than beneath the old one, or -1.
 */
function closedIn(from: Residual, to: Residual, slots: number): number {
  if (isCovered(from, slots)) return -1;
  const covering = to.covers.filter((_, slot) => (slots & 1 << slot) !== 0);
  const all = Math.max(...covering);
  return all >= 0 ? all : missing(to, from, slots);
}

/**
 * Whether a file could be moved from where what would lie beneath it is closed to be
 * read, by rules or as no rule allows it, to where that may be read. By the time of
 * the call another jail may have put a directory in its place, with that in it.
 *
 * @param from what the rules say beneath the old place
 * @param to the same of the new place
 */
export function uncovers(from: Residual, to: Residual): boolean {
  const allow = bit(READ, ALLOW);
  const all = isOpen(to, READ);
  if (!all && ruleIn(to, allow) < 0) return false;
  if (missing(from, to, closing(READ)) >= 0) return true;
  return !isOpen(from, READ) &&
    (all || gained(from, to, allow, closing(READ)) >= 0);
}

/**
 * A rule that allows something beneath one place and not beneath another, or -1.
 * Where a place is closed with all that is beneath, no rule allows anything.
 *
 * @param less the place where it must be allowed as well
 * @param more the place where it is
 * @param allow the slot of rules that allow, as a bit
 * @param closing those of rules that close
 */
function gained(
  less: Residual,
  more: Residual,
  allow: number,
  closing: number,
): number {
  if (isCovered(more, closing)) return -1;
  return isCovered(less, closing)
    ? ruleIn(more, allow)
    : missing(more, less, allow);
}

/**
 * Whether a directory has what rules about sockets tell apart from its new place:
 * a socket in it could then be reached that could not be before, or whoever
 * listens would do so where none of these rules lets it, or a rule closes there what
 * none did.
 *
 * @param from what the rules say beneath the old place
 * @param to the same of the new place
 * @param access the number of the access
 * @param gains whether more must not be allowed there; else less must not
 * @param unnamed whether a rule that names no path allows it
 */
export function opensSockets(
  from: Residual,
  to: Residual,
  access: number,
  gains: boolean,
  unnamed: boolean,
): boolean {
  const [less, more] = gains ? [from, to] : [to, from];
  const allow = bit(access, ALLOW);
  const closing = bit(access, DENY) | bit(access, IGNORE);
  const isOpen = (one: Residual): boolean =>
    (unnamed || isCovered(one, allow)) && !isCovered(one, closing);
  if (isOpen(more) && !isOpen(less)) return true;
  if (missing(less, more, closing) >= 0) return true;
  // Whoever connects may be on his way in there.
  if (closedIn(from, to, closing) >= 0) return true;
  return !isOpen(less) && gained(less, more, allow, closing) >= 0;
}

/**
 * Whether a rule of a slot lies beneath the new place of a directory, and not beneath
 * the old one.
 */
export function reachesMore(
  from: Residual,
  to: Residual,
  slot: number,
): boolean {
  return missing(to, from, 1 << slot) >= 0;
}

/** A rule of these slots that lies beneath one place and not the other, or -1. */
function missing(one: Residual, other: Residual, slots: number): number {
  for (const branch of one.branches) {
    const wanted = branch.below & slots;
    if (wanted === 0 || other.branches.includes(branch)) continue;
    return branch.ruleBelow(wanted);
  }
  return -1;
}

/** A rule of these slots beneath a place, or -1. */
function ruleIn(residual: Residual, slots: number): number {
  const branch = residual.branches.find(({ below }) => (below & slots) !== 0);
  return branch === undefined ? -1 : branch.ruleBelow(slots);
}

/** Whether all beneath may be used so, but for what rules further down say. */
function isOpen(residual: Residual, access: number): boolean {
  return isCovered(residual, bit(access, ALLOW)) &&
    !isCovered(residual, closing(access));
}

/** Whether a rule of these slots covers a place, and all beneath. */
function isCovered({ covers }: Residual, slots: number): boolean {
  return covers.some((rule, slot) => rule >= 0 && (slots & 1 << slot) !== 0);
}

/** The slots that close an access, as bits: what is hidden from reading is hidden. */
export function closing(access: number): number {
  return bit(access, DENY) | bit(access, IGNORE) | bit(READ, IGNORE);
}

function bit(access: number, effect: number): number {
  return 1 << slotOf(access, effect);
}
