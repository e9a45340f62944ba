/** What a jail used, for a person and as JSON. */

import { durationText, sizeText } from "../policy/file/amounts.ts";
import type { Usage } from "../trace/limits/accounts.ts";
import type { Paint } from "./paint.ts";

/**
 * Words what a jail used.
 *
 * @param usage what it used
 * @param paint the colours
 * @returns one line, with no newline at the end
 */
export function statsText(usage: Usage, paint: Paint): string {
  const { memory, processes, tasks, stops, denials } = usage;
  return `${paint.name("jail:")} took ${durationText(usage.wall)}, ` +
    [
      `${durationText(usage.cpu)} of processor time`,
      ...memory === undefined ? [] : [`${sizeText(memory)} of memory`],
      ...processes === undefined || tasks === undefined ? [] : [
        `${many(processes, "process", "processes")} (${
          many(tasks, "task", "tasks")
        } at once)`,
      ],
      many(stops, "stop", "stops"),
      ...denials === undefined ? [] : [many(denials, "denial", "denials")],
    ].join(", ");
}

function many(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}

/**
 * The same as JSON: milliseconds, bytes, and how many. What nobody counted is not
 * in it.
 *
 * @param usage what it used
 * @returns one line, with no newline at the end
 */
export function statsLine(usage: Usage): string {
  return JSON.stringify({
    wallMs: Math.round(usage.wall),
    cpuMs: Math.round(usage.cpu),
    memoryBytes: usage.memory,
    processes: usage.processes,
    tasks: usage.tasks,
    stops: usage.stops,
    denials: usage.denials,
    calls: usage.calls,
  });
}
