/** Looks at a call that names files, descriptors or addresses, whichever it is. */

import { refuseForeign } from "./aimed_calls.ts";
import { tellsCpus } from "./facts/shown_cpus.ts";
import { lookAtAddress } from "./look/address.ts";
import { lookAtAsync } from "./look/async.ts";
import { lookAtEnded } from "./look/ended.ts";
import { lookAtExec } from "./look/exec.ts";
import { lookAtId, lookAtPidfd } from "./look/ids.ts";
import {
  EVERYBODY,
  type Looked,
  nothing,
  type Refuses,
} from "./look/looked.ts";
import { LookedSocket } from "./look/looked_socket.ts";
import { lookAtMessages } from "./look/message.ts";
import { lookAtOpen } from "./look/open.ts";
import { lookAtDescriptor, lookAtFlow, lookAtPaths } from "./look/paths.ts";
import { lookAtModes } from "./look/terminal_modes.ts";
import {
  isDatagram,
  isPortless,
  lookAtConnected,
  lookAtKept,
  lookAtOthers,
  lookAtSender,
  lookAtSource,
} from "./look/senders.ts";
import {
  leads,
  lookAtBind,
  lookAtHearing,
  lookAtListen,
  lookAtOption,
  lookAtReported,
  lookAtSocket,
} from "./look/sockets.ts";
import type { CallSpec } from "./look/spec.ts";
import { UNTOLD_MOUNTS } from "./path/closed.ts";
import type { Tools } from "./tools.ts";
import type { Tracee } from "./tracee/tracee.ts";

/** Looks at a call; `undefined` where it was refused. */
export function lookAt(
  tracee: Tracee,
  spec: CallSpec,
  alone: boolean,
  tools: Tools,
): Looked | undefined {
  if (!tracee.view.renew(tracee.tid)) {
    return { ...nothing(), never: UNTOLD_MOUNTS };
  }
  const looked = lookAtCall(tracee, spec, alone, tools);
  if (looked !== undefined) lookAtEnded(looked, tracee, tools.family);
  return looked;
}

function lookAtCall(
  tracee: Tracee,
  spec: CallSpec,
  alone: boolean,
  tools: Tools,
): Looked | undefined {
  const { answers, bound, closed, family, options, resumer } = tools;
  const { registers } = answers;
  const { isOwn } = family;
  const refuses: Refuses = ({ syscall: { name } }, uses, names = []) =>
    options.refuses?.({ name, uses, names }) === true;
  tracee.exec = undefined;
  switch (spec.treatment) {
    case "exec": {
      const exec = lookAtExec(tracee, registers, spec, isOwn, refuses);
      tracee.exec = exec.pending;
      return exec.looked;
    }
    case "open": {
      const looked = lookAtOpen(tracee, registers, spec, isOwn, refuses);
      if (tellsCpus(looked.paths[0]?.place.path)) resumer.showsCpus(true);
      return looked;
    }
    case "address":
    case "message":
      return lookAtSockets(tracee, spec, alone, tools);
    case "socket":
      return lookAtSocket(tracee, leads(tracee, family));
    case "listen":
      return lookAtListen(tracee, registers, leads(tracee, family), bound);
    case "option":
      return lookAtOption(
        ...[tracee, registers, leads(tracee, family)] as const,
        options.heard,
      );
    case "hears":
      return lookAtHearing(tracee, registers, spec, options.heard);
    case "async":
      return lookAtAsync(tracee, registers, spec, family, closed);
    case "flow":
      return lookAtFlow(tracee, registers, spec, isOwn, closed);
    case "modes":
      return lookAtModes(tracee, registers, spec, family, refuses);
    case "id":
    case "pidfd": {
      const id = spec.treatment === "id"
        ? lookAtId(tracee, registers, spec, family)
        : lookAtPidfd(tracee, registers, spec, family);
      if (id.foreign === 0) return id.looked;
      refuseForeign(answers, tracee, spec, id.foreign);
      return undefined;
    }
    default:
      return spec.paths.length > 0
        ? lookAtPaths(tracee, registers, spec, isOwn, refuses)
        : lookAtDescriptor(tracee, registers, spec, isOwn);
  }
}

/** Looks at a call with socket addresses. */
function lookAtSockets(
  tracee: Tracee,
  spec: CallSpec,
  alone: boolean,
  tools: Tools,
): Looked {
  const { answers: { registers }, family, freezer } = tools;
  const socket = new LookedSocket(
    ...[tracee, leads(tracee, family), registers.int(0)] as const,
    () => alone || freezer.holds(tracee, EVERYBODY),
  );
  try {
    const looked = lookAtAddresses(tracee, spec, alone, tools, socket);
    return socket.isHeld ? { ...nothing(), descriptorsOf: EVERYBODY } : looked;
  } finally {
    socket.close();
  }
}

/** Looks at the socket addresses of a call, and then at its socket. */
function lookAtAddresses(
  tracee: Tracee,
  spec: CallSpec,
  alone: boolean,
  tools: Tools,
  socket: LookedSocket,
): Looked {
  const { answers: { registers }, links, named, names, options } = tools;
  const { isOwn } = tools.family;
  const { syscall: { name } } = spec;
  const looked = spec.treatment === "message"
    ? lookAtMessages(tracee, registers, spec, isOwn, alone, names)
    : lookAtAddress(tracee, registers, spec, isOwn, names);
  if (name === "connect") {
    lookAtReported(looked, tracee, registers, options.heard);
  }
  if (options.net === undefined) return looked;
  const asks = options.net.granted !== undefined;
  if (name === "bind") {
    lookAtBind(looked, socket, asks);
    if (names?.takesPlace(looked.net[0]?.endpoint) === true) {
      looked.never = "it would answer in the place of the resolver";
    }
  } else {
    if (name === "connect") lookAtConnected(looked, socket);
    lookAtSource(looked, socket);
    if (asks) lookAtSender(looked, socket);
  }
  links.look(looked, registers, spec, socket);
  tools.streams.look(looked, registers, spec, socket);
  lookAtKept(looked, registers, spec, socket);
  if (name === "connect") lookAtOthers(looked, socket);
  // Before the call it is kept from sending, or gets another filter.
  const isSet = looked.net.some(isPortless) ||
    asks && looked.net.some(isDatagram) ||
    name !== "bind" && named?.renews(looked.net, socket) === true;
  if (isSet) socket.mayLock();
  return looked;
}
