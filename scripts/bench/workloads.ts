/** What the benchmark runs. */

import { BUILT, TRACKED } from "./place.ts";

/** One thing to run, in the place of the benchmark. */
export interface Workload {
  /** Its name in a table. */
  readonly name: string;
  /** The program and its arguments. */
  readonly words: readonly string[];
}

/** How much the loops do. */
export interface Loops {
  /** Programs that a shell starts. */
  readonly programs: number;
  /** Looks at a file. */
  readonly looks: number;
  /** Questions for the time, which is real under the policy. */
  readonly times: number;
  /** Bytes to and fro. */
  readonly balls: number;
  /** Files that each of eight threads opens. */
  readonly opens: number;
  /** Requests to a server. */
  readonly requests: number;
}

/** The loops of a full run. */
export const FULL: Loops = {
  ...{ programs: 1000, looks: 50_000, balls: 50_000 },
  ...{ times: 10_000_000 },
  ...{ opens: 5000, requests: 2000 },
};

/** The loops of `--quick`. */
export const QUICK: Loops = {
  ...{ programs: 100, looks: 5000, balls: 10_000 },
  ...{ times: 1_000_000 },
  ...{ opens: 100, requests: 300 },
};

/** The workload that does nothing: what a way costs once. */
export const START = "`true`";

/** Its words. */
export const NOTHING: readonly string[] = ["true"];

/** Makes the workloads. */
export function workloads(loops: Loops): readonly Workload[] {
  const { programs, looks, times, balls, opens, requests } = loops;
  const count = (n: number): string => n.toLocaleString("en");
  return [
    { name: START, words: NOTHING },
    { name: "`ls -lR /usr/share/doc`", words: ["ls", "-lR", "/usr/share/doc"] },
    { name: "`find /usr`", words: ["find", "/usr"] },
    { name: "python3, 24 imports", words: ["python3", "imports.py"] },
    {
      name: "gcc of a file",
      words: ["gcc", "-O1", "-c", "-o", "work.o", "work.c"],
    },
    {
      name: `\`make -j2\` of ${BUILT} files`,
      words: ["make", "-s", "-B", "-j2", "-C", "build"],
    },
    {
      name: `\`git status\` of ${count(TRACKED)} files`,
      words: ["git", "-C", "repository", "status", "--short"],
    },
    {
      name: "`gs` of a page",
      words: ["gs", "-q", "-sDEVICE=png16m", "-r72", "-o", "p.png", "page.ps"],
    },
    {
      name: "tar and gzip",
      words: ["sh", "-c", "tar c repository | gzip -1 | wc -l > /dev/null"],
    },
    { name: "node, start", words: ["node", "-e", "0"] },
    {
      name: `sh, ${count(programs)} programs`,
      words: [
        ...["sh", "-c"],
        `i=0; while [ $i -lt ${programs} ]; do /bin/true; i=$((i + 1)); done`,
      ],
    },
    {
      name: `${count(looks)} stat`,
      words: ["./work", "stat", `${looks}`, "/usr/bin"],
    },
    {
      name: `the time, ${count(times)} times`,
      words: ["./work", "clock", `${times}`],
    },
    {
      name: `a byte to and fro, ${count(balls)} times`,
      words: ["./work", "pingpong", `${balls}`],
    },
    {
      name: `8 threads, ${count(8 * opens)} opens`,
      words: ["./work", "threads", "8", `${opens}`],
    },
    {
      name: `node, ${count(requests)} HTTP requests`,
      words: ["node", "serve.mjs", `${requests}`],
    },
  ];
}
