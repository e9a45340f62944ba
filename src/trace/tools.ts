/** What those who handle calls work with, in one run. */

import type { Arch } from "../abi/arch.ts";
import { Answers, type Resumer } from "./answer.ts";
import type { Family } from "./family.ts";
import type { Freezer } from "./hold/freeze.ts";
import { PathLock } from "./hold/lock.ts";
import { Rewriter } from "./hold/rewrite.ts";
import { hasLeft } from "./hold/unseen.ts";
import { OutputLimit } from "./limits/output_limit.ts";
import { LinkSockets } from "./look/links.ts";
import { BoundSockets } from "./look/sockets.ts";
import { Specs } from "./look/spec.ts";
import { StreamSockets } from "./look/streams.ts";
import { NamedSources } from "./named_sources.ts";
import { Names } from "./names.ts";
import type { TraceOptions } from "./options.ts";
import { guardAutomounts } from "./path/automount.ts";
import { Closed } from "./path/closed.ts";
import { interruptCall } from "./tracee/tracee.ts";

/** What those who handle calls work with, in one run. */
export interface Tools {
  /** The run. */
  readonly options: TraceOptions;
  /** The machine's half of the calling convention. */
  readonly arch: Arch;
  /** What there is to look at in each call. */
  readonly specs: Specs;
  /** The tracees. */
  readonly family: Family;
  /** Stops others for a call that needs its descriptors alone. */
  readonly freezer: Freezer;
  /** How tracees are resumed. */
  readonly resumer: Resumer;
  /** Asks the policy, and reads and writes registers. */
  readonly answers: Answers;
  /** Changes calls. */
  readonly rewriter: Rewriter;
  /** Knows the files that are closed under every policy. */
  readonly closed: Closed;
  /** Keeps those who use paths from those who change what paths mean. */
  readonly lock: PathLock;
  /** The sockets that were bound where they may listen. */
  readonly bound: BoundSockets;
  /** The sockets that are bound to an interface by an address. */
  readonly links: LinkSockets;
  /** The streams of IPv6 that were connected to addresses of IPv6 alone. */
  readonly streams: StreamSockets;
  /** What may be written to the program's output, where that is limited. */
  readonly output: OutputLimit | undefined;
  /** The filter of new sockets for datagrams, where they have one. */
  readonly sources: Uint8Array | undefined;
  /** Knows resolvers and names, where rules name hosts. */
  readonly names: Names | undefined;
  /** The sockets for datagrams that sent to an address with a name. */
  readonly named: NamedSources | undefined;
}

/**
 * Makes them.
 *
 * @param options the run
 * @param arch the machine's half of the calling convention
 * @param family the tracees
 * @param freezer stops others for a call that needs its descriptors alone
 * @param resumer how tracees are resumed
 */
export function makeTools(
  options: TraceOptions,
  arch: Arch,
  family: Family,
  freezer: Freezer,
  resumer: Resumer,
): Tools {
  const limited = options.limits?.output;
  const { names, sources } = options.net ?? {};
  const { launch, log, receives, view } = options;
  const fds = [...launch.stdio, ...launch.keepFds];
  guardAutomounts(view, (path) => {
    const uses = [{ access: "stat", path, kind: "directory" }] as const;
    return options.refuses?.({ name: "statx", uses }) === true;
  });
  return {
    ...{ options, arch, family, freezer, resumer },
    specs: new Specs(arch.name),
    answers: new Answers(options, arch, family, resumer),
    rewriter: new Rewriter(arch),
    closed: new Closed(view, fds, () => family.processes.keys(), {
      ...{ log, receives },
    }),
    lock: new PathLock(interruptCall, hasLeft),
    bound: new BoundSockets(),
    links: new LinkSockets(),
    streams: new StreamSockets(),
    output: limited &&
      new OutputLimit(options.launch.stdio.slice(1), limited.most),
    sources: sources?.([]),
    names: names && new Names(names),
    named: names && sources && new NamedSources(sources),
  };
}
