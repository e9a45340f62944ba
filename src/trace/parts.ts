/** What follows a program, made once for a run. */

import type { Arch } from "../abi/arch.ts";
import { hidesVdso } from "../policy/plan/sys.ts";
import { given } from "../policy/sys.ts";
import { hostArch } from "../sys/host.ts";
import { Affinity } from "./affinity.ts";
import { Calls } from "./calls.ts";
import { Ending } from "./ending.ts";
import { Entry, isLookedAt } from "./entry.ts";
import { isHidden } from "./facts/shown_cpus.ts";
import { Family } from "./family.ts";
import { Freezer } from "./hold/freeze.ts";
import { quiet } from "./hold/quiet.ts";
import { Counter } from "./image/tsc.ts";
import { VdsoRemover } from "./image/vdso.ts";
import { Accounts } from "./limits/accounts.ts";
import { Room } from "./limits/room.ts";
import { Notices } from "./notices.ts";
import type { TraceOptions } from "./options.ts";
import { Resume } from "./resume.ts";
import { Strangers } from "./strangers.ts";
import type { Tracee } from "./tracee/tracee.ts";
import { Waits } from "./waits.ts";

/** What follows a program. */
export interface Parts {
  /** The run. */
  readonly options: TraceOptions;
  /** The machine's half of the calling convention. */
  readonly arch: Arch;
  /** The tracees. */
  readonly family: Family;
  /** What happens at calls. */
  readonly calls: Calls;
  /** Stops others for a call that needs its descriptors alone. */
  readonly freezer: Freezer;
  /** What the filter says, where the kernel does not run it. */
  readonly entry: Entry | undefined;
  /** What was used, where that is limited or to be told. */
  readonly accounts: Accounts | undefined;
  /** The room for processes and threads, where that is limited. */
  readonly room: Room | undefined;
  /** Takes the vDSO from new images, where a policy gives what that tells. */
  readonly vdso: VdsoRemover | undefined;
  /** Answers the processor's counter, where a policy gives the time. */
  readonly counter: Counter | undefined;
  /** The stops that are not handled yet. */
  readonly waits: Waits;
  /** The tracees that nobody has told of yet. */
  readonly strangers: Strangers;
  /** How the program ends. */
  readonly ending: Ending;
  /** Lets tracees go on. */
  readonly resume: Resume;
  /** Where a tracee and the tracer run. */
  readonly affinity: Affinity;
  /** The calls that wait for an answer, where there are such. */
  readonly notices: Notices | undefined;
}

/**
 * Makes them.
 *
 * @param options the run
 * @param handle handles a stop that was held back
 */
export function makeParts(
  options: TraceOptions,
  handle: (tracee: Tracee, status: number) => void,
): Parts {
  const arch = hostArch();
  const family = new Family(arch, options.view, options.answers);
  const { cpu, memory, written, time, processes } = options.limits ?? {};
  const accounts = (options.measured ?? cpu ?? memory ?? written ?? time)
    ? new Accounts(family, memory !== undefined, written !== undefined)
    : undefined;
  const room = processes && new Room(family, processes.most);
  const freezer: Freezer = new Freezer(family, {
    ready: (tracee) => calls.ready(tracee),
    handle,
    go: (tracee) => resume.go(tracee, 0),
    restsOnDescriptor: (tracee, status) =>
      isLookedAt(tracee, status, entry) && calls.restsOnDescriptor(tracee),
  });
  const waits = new Waits(accounts, family);
  const affinity = new Affinity({
    hidden: isHidden(options.plan),
    together: options.answers === true,
    isOver: (tid) => family.ended.has(tid),
  });
  const strangers = new Strangers(
    family,
    freezer,
    accounts,
    affinity,
    handle,
  );
  const ending = new Ending(options, family, waits, strangers);
  const entry = options.engine === "ptrace"
    ? new Entry(options.filter)
    : undefined;
  const resume = new Resume(
    ({ tid, rewaits }) =>
      entry !== undefined || rewaits || vdso?.has(tid) === true,
  );
  const calls = new Calls(options, arch, family, freezer, {
    go: (tracee) => resume.go(tracee, 0),
    toExit: (tracee) => {
      tracee.made.copy(calls.answers.registers);
      resume.toCall(tracee);
    },
    makesRoom: (tracee) => room?.take(tracee, strangers.count()) ?? true,
    exceeds: (tracee, limit, used) => ending.exceed(tracee, limit, used),
    kill: (outcome) => ending.endWith(outcome),
    aims: (tracee) => waits.aims(tracee),
    aiming: () => waits.aiming,
    quiet: () => quiet(family, waits, () => ending.look()),
    goesOn: () => {
      ending.look();
      return !ending.killing;
    },
    left: () => ending.watch?.left ?? Infinity,
    showsCpus: (always) => always ? affinity.end() : affinity.release(),
  });
  const { sys } = options;
  const vdso = sys !== undefined && hidesVdso(sys.rules)
    ? new VdsoRemover(arch, calls.answers)
    : undefined;
  const clock = sys && given(sys.rules.time);
  const counter = clock && new Counter(arch, clock.kind === "deny");
  return {
    ...{ options, arch, family, calls, freezer, entry, accounts, room },
    ...{ vdso, counter, waits, strangers, ending, resume, affinity },
    notices: options.answers === true
      ? new Notices(waits, family, calls, ending, affinity)
      : undefined,
  };
}
