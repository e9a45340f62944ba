/**
 * Names of hosts on this machine: who finds them, and what jail does in their
 * place.
 */

import { fromBytes } from "../../abi/bytes.ts";
import { SystemCallError, UnsupportedError } from "../../errors.ts";
import { typeText } from "../../policy/net/dns.ts";
import { DNS_PORT } from "../../policy/net/endpoint.ts";
import {
  type HostAddress,
  namesByAddress,
  readResolvers,
} from "../../policy/net/hosts.ts";
import type { Policy } from "../../policy/policy.ts";
import { makeEvent, raiseEvent } from "../../sys/event.ts";
import { close } from "../../sys/files.ts";
import { boundAddress, connectTo, type InetAddress } from "../../sys/inet.ts";
import { interfaceIndex } from "../../sys/interfaces.ts";
import { heedPokes, type Poked } from "../../sys/pulse.ts";
import { OWN_VIEW, type View } from "../../sys/view.ts";
import type { AskedName, NameOptions, StandIn } from "../../trace/options.ts";

import { compileHere } from "../compiled.ts";
import { fromPlain } from "../messages.ts";
import { milliseconds } from "./clock.ts";
import type { ForwarderMessage, ForwarderRequest } from "./forwarder_worker.ts";
import { questionCall } from "./question.ts";
import { NameTable } from "./table.ts";

const RESOLVERS = "/etc/resolv.conf";
const HOSTS = "/etc/hosts";

/** More of one of these files is not read, in bytes. */
const MOST_READ = 1024 * 1024;

/** Answers in place of the system's resolvers, from the start to the stop. */
export class JailNames implements NameOptions {
  /** The resolvers, and what stands in for each. */
  readonly standIns: readonly StandIn[];
  readonly #resolvers: readonly InetAddress[];
  readonly #table: NameTable;
  readonly #worker: Worker;
  readonly #over: Promise<unknown>;
  /** Tells the Worker that it should be over. */
  readonly #end: number;
  /** The names of hosts(5), by address. */
  readonly #hosts: ReadonlyMap<string, readonly string[]>;
  #poked: Poked | undefined;

  private constructor(
    resolvers: readonly InetAddress[],
    standIns: readonly StandIn[],
    table: NameTable,
    worker: Worker,
    over: Promise<unknown>,
    end: number,
    hosts: ReadonlyMap<string, readonly string[]>,
  ) {
    this.#resolvers = resolvers;
    this.standIns = standIns;
    this.#table = table;
    this.#worker = worker;
    this.#over = over;
    this.#end = end;
    this.#hosts = hosts;
  }

  /**
   * Starts to answer.
   *
   * @param policy the policy
   * @param view the root directory of the program, with its files
   * @throws {SystemCallError} where the loopback cannot be used
   * @throws {UnsupportedError} where the thread that answers cannot be started
   */
  static async start(policy: Policy, view: View): Promise<JailNames> {
    const resolvers = resolversOf(view);
    const asked = view.isOwn ? resolvers : resolversOf(OWN_VIEW);
    const table = new NameTable();
    const end = makeEvent();
    const worker = new Worker(
      new URL("./forwarder_worker.ts", import.meta.url),
      { type: "module" },
    );
    const ready = Promise.withResolvers<readonly InetAddress[]>();
    const over = Promise.withResolvers<void>();
    worker.onmessage = (event: MessageEvent<ForwarderMessage>): void => {
      const { data } = event;
      if (data.kind === "ready") return ready.resolve(data.addresses);
      if (data.kind === "failed") ready.reject(fromPlain(data.error));
      over.resolve();
    };
    worker.onerror = (event): void => {
      event.preventDefault();
      table.fail();
      ready.reject(
        new UnsupportedError(
          `Cannot start the Worker that answers for resolvers: ${event.message}`,
        ),
      );
      over.resolve();
    };
    const request: ForwarderRequest = {
      ...{ policy, resolvers, memory: table.memory, over: end },
      // Whoever filled another root directory does not say who is asked.
      asked: resolvers.map((_, i) => asked[i % asked.length]),
    };
    worker.postMessage(request);
    try {
      const standIns = (await ready.promise).map((at, i) =>
        toStandIn(resolvers[i] as InetAddress, at)
      );
      const hosts = hostsOf(policy, view);
      return new JailNames(
        ...[
          resolvers,
          standIns,
          table,
          worker,
          over.promise,
          end,
          hosts,
        ] as const,
      );
    } catch (error) {
      worker.terminate();
      close(end);
      throw error;
    }
  }

  /** The names that an address is known by at the moment. */
  namesOf(address: readonly number[]): readonly string[] {
    const hosts = this.#hosts.get(address.join(".")) ?? [];
    return [...hosts, ...this.#table.namesOf(address, milliseconds())];
  }

  /** Told when the program is made, by the thread that traces it. */
  begin(): void {
    this.#poked = heedPokes();
    this.#table.poked = this.#poked.timer;
  }

  /** Hears of the next question that was asked. */
  hear(tell: (asked: AskedName) => void): boolean {
    if (this.#table.failed) {
      throw new SystemCallError(
        "answer in place of the resolver",
        "poll()",
        "EIO",
        "this is a mistake of jail: the thread that does it is gone",
      );
    }
    return this.#table.hear(({ name, type, resolver }) => {
      const address = this.#resolvers[resolver] as InetAddress;
      tell({
        call: questionCall(name, address),
        text: `resolve(dns:${name}, ${typeText(type)})`,
      });
    });
  }

  /** Answers no more. */
  async stop(): Promise<void> {
    this.#table.poked = undefined;
    this.#poked?.stop();
    this.#table.stop();
    raiseEvent(this.#end);
    await this.#over;
    this.#worker.terminate();
    close(this.#end);
  }
}

/** The resolvers that programs find in a root directory. */
function resolversOf(view: View): InetAddress[] {
  return readResolvers(textOf(RESOLVERS, view)).flatMap(toInetAddress);
}

function toInetAddress({ address, zone }: HostAddress): InetAddress[] {
  const scope = /^[0-9]*$/.test(zone) ? Number(zone) : interfaceIndex(zone);
  return scope === undefined ? [] : [{ address, port: DNS_PORT, scope }];
}

function toStandIn(
  resolver: InetAddress,
  { address, port }: InetAddress,
): StandIn {
  return {
    ...{ resolver: resolver.address, scope: resolver.scope, address, port },
    local: isLocal(resolver),
  };
}

/** Whether an address is one of this machine's, as the kernel finds a way to it. */
function isLocal(resolver: InetAddress): boolean {
  const [first] = resolver.address;
  if (resolver.address.length === 4 && first === 127) return true;
  const fd = connectTo("datagrams", resolver);
  if (fd < 0) return false;
  const own = boundAddress(fd);
  close(fd);
  return own?.address.join() === resolver.address.join();
}

/**
 * What hosts(5) of this machine says, by address. It is read before the program
 * runs; where that may write it, an earlier run could have said what it likes, as
 * could whoever filled another root directory.
 */
function hostsOf(
  policy: Policy,
  view: View,
): ReadonlyMap<string, readonly string[]> {
  const path = view.fromOutside(OWN_VIEW.realpath(HOSTS) ?? HOSTS);
  const engine = compileHere(policy, view, (path) => view.meant(path));
  const kind = path && engine.decide({
    name: "openat",
    uses: [{ access: "write", path, kind: "file" }],
  }).kind;
  return namesByAddress(kind === "allow" ? "" : textOf(HOSTS, OWN_VIEW));
}

function textOf(file: string, view: View): string {
  const bytes = view.readFile(file, MOST_READ);
  return typeof bytes === "number" ? "" : fromBytes(bytes);
}
