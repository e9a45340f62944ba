/** The Worker that traces: one thread, one jail. */

import { fromText, toBytes } from "../abi/bytes.ts";
import { errnoName } from "../abi/errno.ts";
import { SystemCallError } from "../errors.ts";
import type { Policy } from "../policy/policy.ts";
import { presetNamed } from "../policy/presets.ts";
import { freeCodePage } from "../sys/code_page.ts";
import { writeAll } from "../sys/files.ts";
import { pidfdOpen } from "../sys/task/pidfd.ts";
import { isThread } from "../sys/thread.ts";
import { NOTHING_USED } from "../trace/limits/accounts.ts";
import { DenialLog } from "./denial.ts";
import { runJob } from "./job.ts";
import { withPlaces } from "./kernel_plan.ts";
import { loadSpec } from "./load.ts";
import { type Locate, locator, placed } from "./locate.ts";
import { toPlain, type WorkerMessage, type WorkerRequest } from "./messages.ts";
import { withNames } from "./names/names.ts";
import { type TemporaryDirectory, withTemporary } from "./temporary.ts";

/** What a Worker's scope has beyond that of a page, which the types are of. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<WorkerRequest>) => void) | null;
  postMessage(message: WorkerMessage): void;
}

const scope = self as unknown as WorkerScope;

type Tell = (message: WorkerMessage) => void;

scope.onmessage = async ({ data: request }): Promise<void> => {
  const { answers } = request;
  const tell: Tell = answers === undefined
    ? (message) => scope.postMessage(message)
    : (message) => {
      writeAll(answers, toBytes(fromText(`${JSON.stringify(message)}\n`)));
    };
  if (answers !== undefined) tell({ kind: "ready" });
  const message = await runOrFail(request, tell);
  freeCodePage();
  tell(message);
};

async function runOrFail(
  request: WorkerRequest,
  tell: Tell,
): Promise<WorkerMessage> {
  try {
    return await withTemporary(
      request.program.env,
      (temporary) => runIn(temporary, request, tell),
    );
  } catch (error) {
    return { kind: "failed", error: toPlain(error) };
  }
}

async function runIn(
  temporary: TemporaryDirectory,
  { program, policy, here, engine, caller, onDeny, answers }: WorkerRequest,
  tell: Tell,
): Promise<WorkerMessage> {
  const loaded = await loadSpec(policy, program, here, temporary);
  try {
    const locate = await positions(loaded.policy);
    const log = new DenialLog(locate);
    let usage = NOTHING_USED;
    const { view } = loaded.root;
    const ended = await withNames(loaded.policy, view, (names) =>
      runJob(
        { ...loaded, engine, onDeny, waitAll: false, temporary, names },
        {
          // Where no call is caught, there is nothing to tell.
          observe: engine === "kernel" ? undefined : (event) => {
            const denial = log.add(event);
            if (denial !== undefined) tell({ kind: "denied", denial });
          },
          // A Worker that is terminated ends, and tells nobody of it.
          abandoned: () => !isThread(caller),
          measured: (used) => {
            usage = used;
          },
          started: answers !== undefined ? undefined : (pid) => ({
            runs: () => tell({ kind: "started", pid, pidfd: open(pid) }),
            over: () => {},
          }),
        },
      ));
    const outcome = await placed(ended, () => locate);
    return { kind: "ended", outcome, denied: log.count, usage };
  } catch (error) {
    throw await withPlaces(error, () => locator(loaded.policy));
  } finally {
    loaded.root.close();
  }
}

/** Where rules stand in the user's own files: reading those has cost it all. */
async function positions(policy: Policy): Promise<Locate> {
  const own = policy.sources.some(({ name, text }) =>
    presetNamed(name)?.text !== text
  );
  return own ? await locator(policy) : () => undefined;
}

/** Opens the program while it cannot be another one. */
function open(pid: number): number {
  const pidfd = pidfdOpen(pid);
  if (pidfd >= 0) return pidfd;
  throw new SystemCallError(
    `watch process ${pid}`,
    "pidfd_open()",
    errnoName(-pidfd),
  );
}
