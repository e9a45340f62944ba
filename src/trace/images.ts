/** What happens at an exec: what is there before anything of it has run. */

import { SIGKILL } from "../abi/signal.ts";
import { kill } from "../sys/task/wait.ts";
import { imageOf, unexpectedImage } from "./look/executed.ts";
import type { Parts } from "./parts.ts";
import type { PendingExec, Tracee } from "./tracee/tracee.ts";

/** Takes in new images. */
export class Images {
  readonly #parts: Parts;

  /**
   * Makes it.
   *
   * @param parts what follows the program
   */
  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * A new image is there; nothing of it has run. What the old one held is free
   * only when the new one has been looked at: whoever is served then must find
   * it allowed, or ended.
   */
  enter(tracee: Tracee): void {
    const {
      accounts,
      calls,
      ending,
      family,
      freezer,
      options,
      resume,
      strangers,
      vdso,
      waits,
    } = this.#parts;
    const { process, exec, tid, view } = tracee;
    calls.forget(tracee);
    tracee.held.length = 0;
    const wrong = this.#wrongWith(tracee);
    if (wrong !== undefined) {
      kill(process.pid, SIGKILL);
      calls.answers.ended(tracee, exec?.image ?? "", wrong);
    }
    waits.aimed(tracee);
    calls.drop(tracee);
    freezer.gone(tracee);
    family.exec(tracee);
    strangers.told(tracee);
    if (wrong !== undefined) return;
    process.loads = programOf(exec);
    calls.entered(tracee);
    if ((options.observe ?? accounts) !== undefined) {
      process.program = imageOf(view, tid);
    }
    if (!family.started) {
      family.started = true;
      // Not before: who shares memory with one that is killed for it dies, too.
      options.controlGroup?.hold();
      ending.watcher = options.started?.(process.pid);
      ending.watcher?.runs?.();
    }
    vdso?.begin(tracee);
    resume.go(tracee, 0);
  }

  /** A new image that has had a vDSO has stopped once more. */
  withoutVdso(tracee: Tracee): void {
    const { resume, vdso } = this.#parts;
    switch (vdso?.step(tracee)) {
      case "to call":
        return resume.toCall(tracee);
      case "go on":
        return resume.go(tracee, 0);
    }
  }

  /** Why the image that a tracee has now must not run, if it must not. */
  #wrongWith(tracee: Tracee): string | undefined {
    const { calls } = this.#parts;
    const { exec, tid, view } = tracee;
    if (exec === undefined) return "its exec was not looked at";
    const sp = (): number => calls.registersOf(tracee)?.sp ?? 0;
    return unexpectedImage(view, tid, sp, exec) ??
      (calls.tell(tracee) ? undefined : "it cannot be told what sys says");
  }
}

/** The name by which a new image opens what it runs, if it is a dynamic loader. */
function programOf(exec: PendingExec | undefined): string {
  const { told } = exec ?? {};
  return told?.whole === false ? told.words.at(-1) ?? "" : "";
}
