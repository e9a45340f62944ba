/** The refusals of one run, each shown once and counted. */

import type { Position } from "../errors.ts";
import type { Observation } from "../trace/options.ts";
import type { Paint } from "./paint.ts";
import { denialText } from "./report.ts";

// A program can make up new names forever; memory and terminal are finite.
const MOST = 1000;

/** The refusals of one run. */
export class Denials {
  readonly #paint: Paint;
  readonly #counts = new Map<string, number>();
  #unshown = 0;

  /** Makes an empty one. */
  constructor(paint: Paint) {
    this.#paint = paint;
  }

  /**
   * Takes note of a refusal.
   *
   * @param event a decision; one that allows, or is quiet, is passed over
   * @param position where its rule stands, if that is known
   * @returns the lines to show, or `undefined` where they have been shown
   */
  add(event: Observation, position: Position | undefined): string | undefined {
    const { decision } = event;
    if (decision.kind === "allow" || decision.quiet === true) return undefined;
    const text = denialText(event, position, this.#paint);
    const count = this.#counts.get(text);
    if (count !== undefined) {
      this.#counts.set(text, count + 1);
      return undefined;
    }
    if (this.#counts.size < MOST) {
      this.#counts.set(text, 1);
      return text;
    }
    return this.#unshown++ === 0
      ? `${
        this.#paint.name("jail:")
      } denied ${MOST} different calls; further ones are only counted`
      : undefined;
  }

  /** What to show at the end: how often refusals came again. */
  summary(): string | undefined {
    const lines: string[] = [];
    for (const [text, count] of this.#counts) {
      if (count === 1) continue;
      const [first] = text.split("\n");
      lines.push(`${first}, ${times(count)} in all`);
    }
    if (this.#unshown > 0) {
      lines.push(
        `${this.#paint.name("jail:")} denied calls ${
          times(this.#unshown)
        } without showing them`,
      );
    }
    return lines.length === 0 ? undefined : lines.join("\n");
  }
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
