/** One run for the command: on the calling thread, in the foreground. */

import {
  SIGALRM,
  SIGHUP,
  SIGINT,
  SIGPROF,
  SIGQUIT,
  SIGTERM,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGUSR1,
  SIGUSR2,
  SIGVTALRM,
  SIGWINCH,
} from "../abi/signal.ts";
import { UsageError } from "../errors.ts";
import type { Outcome } from "../outcome.ts";
import type { PermissionFlags } from "../policy/file/flags.ts";
import type { Limits } from "../policy/limits.ts";
import { isInherited } from "../sys/files.ts";
import { ownEnvironment } from "../sys/proc.ts";
import {
  countUnheard,
  forwardSignals,
  ignoreSignals,
  stopSelf,
} from "../sys/signals.ts";
import { keepForeground } from "../sys/terminal.ts";
import type { Usage } from "../trace/limits/accounts.ts";
import type {
  EngineChoice,
  NameOptions,
  Observation,
} from "../trace/options.ts";
import type { Ask } from "./ask.ts";
import { currentDirectory } from "./directory.ts";
import { linksOut } from "./inside.ts";
import { runJob } from "./job.ts";
import { withPlaces } from "./kernel_plan.ts";
import { type Loaded, loadSpec } from "./load.ts";
import { type Locate, locator, placed } from "./locate.ts";
import { withNames } from "./names/names.ts";
import { closeLog } from "./own_log.ts";
import type { Program } from "./program.ts";
import { isOutOfReach, outOfReachText } from "./reach.ts";
import { type TemporaryDirectory, withTemporary } from "./temporary.ts";

/** What a command line asks to run. Names are byte strings. */
export interface RunRequest {
  /** The program's name or path. */
  readonly program: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Built-in policies by name, and files, in order. */
  readonly policies: readonly string[];
  /** The permission flags. */
  readonly flags: PermissionFlags;
  /** A permission set of the nearest `deno.json`, or `true` for its default. */
  readonly permissionSet?: string | true;
  /** Limits beside those of the policies; the smaller ones hold. */
  readonly limits: Limits;
  /** How calls are caught. */
  readonly engine: EngineChoice;
  /** What a refusal does. */
  readonly onDeny: "errno" | "kill" | "ask";
  /** Whether refusals are shown. */
  readonly report: boolean;
  /** Whether, and how, it is shown at the end what was used. */
  readonly stats?: "text" | "json";
  /** The audit log, a byte string. */
  readonly audit?: string;
  /** Whether the run goes on without its audit log. */
  readonly auditOptional: boolean;
  /** The root directory of the program. */
  readonly root?: string;
  /** The working directory, of the program and of all names. */
  readonly cwd?: string;
  /** Descriptors above 2 that the program keeps. */
  readonly keepFds: readonly number[];
  /** Wait for everything that the program started. */
  readonly waitAll: boolean;
  /** Whether Landlock is used where there is one. */
  readonly landlock: boolean;
}

/** What the one who asks for a run hears of it, and is asked. */
export interface RunHooks {
  /** Told of each decision, where the request asks for that. */
  readonly observe: (event: Observation, locate: Locate) => void;
  /** Told at the end what was used, where it asks for that. */
  readonly measured: (usage: Usage) => void;
  /** Asks a person, where it asks for that. */
  readonly ask: Ask | undefined;
  /** Told of what a person should know before the program runs. */
  readonly warn: (text: string) => void;
}

/** What jail passes on to the program instead of ending of it. */
const FORWARDED: readonly number[] = [
  SIGHUP,
  SIGINT,
  SIGQUIT,
  SIGTERM,
  SIGUSR1,
  SIGUSR2,
  SIGALRM,
  SIGVTALRM,
  SIGPROF,
  SIGWINCH,
];

/** What stops the program's group, and jail only when the program has stopped. */
const JOB_CONTROL: readonly number[] = [SIGTSTP, SIGTTIN, SIGTTOU];

/**
 * How many signals of processes make jail leave its temporary directory behind,
 * once the program is gone. A terminal's do not count: the program may have told
 * the terminal to send them.
 */
const INSISTENCE = 2;

/**
 * Runs a program. The calling thread is blocked until it is gone.
 *
 * @param request what to run, and how; its `cwd` is this process's by now
 * @param hooks what to hear of it
 * @returns how the program ended
 * @throws {UsageError} where a descriptor to keep is none that jail was started with
 * @throws {PolicyError} where the policy cannot be used
 * @throws {LaunchError} where the program could not be started
 * @throws {UnsupportedError} where this machine cannot enforce the policy
 * @throws {SystemCallError} where the run failed, or left something behind
 */
export async function run(
  request: RunRequest,
  hooks: RunHooks,
): Promise<Outcome> {
  request.keepFds.forEach(checkInherited);
  const program: Program = {
    name: request.program,
    args: request.args,
    env: ownEnvironment(),
    cwd: currentDirectory(),
    stdio: [0, 1, 2],
    keepFds: request.keepFds,
  };
  return await withTemporary(
    program.env,
    (temporary) => runIn(temporary, program, request, hooks),
    () => countUnheard() >= INSISTENCE,
  );
}

/** Jail's own descriptors are not for the program. */
function checkInherited(fd: number): void {
  if (isInherited(fd)) return;
  throw new UsageError(
    `Cannot keep file descriptor ${fd}: jail was not started with it`,
    `a shell opens one so: jail --keep-fd=${fd} -- program ${fd}<file`,
  );
}

async function runIn(
  temporary: TemporaryDirectory,
  program: Program,
  request: RunRequest,
  hooks: RunHooks,
): Promise<Outcome> {
  const loaded = await loadSpec(request, program, program.cwd, temporary);
  const { root } = loaded;
  try {
    return await runLoaded(loaded, temporary, request, hooks);
  } finally {
    root.close();
  }
}

async function runLoaded(
  loaded: Loaded,
  temporary: TemporaryDirectory,
  request: RunRequest,
  hooks: RunHooks,
): Promise<Outcome> {
  const { program, root } = loaded;
  const fds = [0, 1, 2, ...request.keepFds];
  const { audit } = request;
  const { log, policy } = closeLog(loaded.policy, audit, fds, root.view);
  const observed = request.report || request.audit !== undefined;
  const locate = observed ? await locator(policy) : undefined;
  const find = (): Locate | Promise<Locate> => locate ?? locator(policy);
  const led = linksOut(policy, program.cwd, root.view);
  for (const text of [...loaded.doubts, ...led]) hooks.warn(text);
  const { cwd } = program;
  if (request.engine !== "kernel" && isOutOfReach(cwd, root.view)) {
    hooks.warn(outOfReachText(cwd));
  }
  const giveBack = keepForeground();
  const run = (names: NameOptions | undefined): Outcome =>
    runJob({
      program,
      policy,
      root,
      engine: request.engine,
      onDeny: request.onDeny,
      waitAll: request.waitAll,
      temporary,
      names,
      landlock: request.landlock,
      log,
      reports: request.report || request.stats !== undefined,
      owned: true,
    }, {
      measured: request.stats && hooks.measured,
      ask: hooks.ask,
      warn: hooks.warn,
      observe: locate && ((event): void => hooks.observe(event, locate)),
      started: (pid) => {
        const forwarding = forwardSignals(pid, FORWARDED);
        ignoreSignals(JOB_CONTROL);
        return {
          endBy: (pid): number => forwarding.endBy(pid),
          over: (): void => forwarding.stop(),
        };
      },
      stopped: stopSelf,
    });
  try {
    return await placed(await withNames(policy, root.view, run), find);
  } catch (error) {
    throw await withPlaces(error, find);
  } finally {
    giveBack();
  }
}
