/** Files that tell of processors, for another number of them. */

/**
 * The list of processors from the first on, as files of `/sys` have it.
 *
 * @param cpus how many there are
 */
export function cpuList(cpus: number): string {
  return cpus === 1 ? "0\n" : `0-${cpus - 1}\n`;
}

/**
 * `/proc/cpuinfo` of that many processors.
 *
 * @param real what the machine says; each processor is like its first
 * @param cpus how many there are
 */
export function cpuInfo(real: string, cpus: number): string {
  const [first = ""] = real.split("\n\n");
  const lines = first.trimEnd().split("\n");
  const numbers: Readonly<Record<string, (cpu: number) => number>> = {
    "processor": (cpu) => cpu,
    "core id": (cpu) => cpu,
    "apicid": (cpu) => cpu,
    "initial apicid": (cpu) => cpu,
    "physical id": () => 0,
    "siblings": () => cpus,
    "cpu cores": () => cpus,
  };
  return Array.from({ length: cpus }, (_, cpu) =>
    lines.map((line) => {
      const colon = line.indexOf(":");
      const number = numbers[line.slice(0, Math.max(0, colon)).trim()];
      return number === undefined
        ? line
        : `${line.slice(0, colon)}: ${number(cpu)}`;
    }).join("\n") + "\n\n").join("");
}

/**
 * `/proc/stat` of that many processors, which share what the machine has done,
 * and of a machine that started at another time.
 *
 * @param real what the machine says
 * @param cpus how many there are; as many as there are where not given
 * @param later how many seconds later the machine started
 */
export function procStat(
  real: string,
  cpus: number | undefined,
  later: number,
): string {
  const lines = real.split("\n").map((line) =>
    line.startsWith("btime ")
      ? `btime ${Math.max(0, Number(line.slice(6)) + later)}`
      : line
  );
  const [total = ""] = lines;
  if (cpus === undefined || !total.startsWith("cpu ")) return lines.join("\n");
  const times = total.split(/ +/).slice(1).map(Number);
  const each = times.map((time) => Math.floor(time / cpus)).join(" ");
  return [
    total,
    ...Array.from({ length: cpus }, (_, cpu) => `cpu${cpu} ${each}`),
    ...lines.filter((line) => !line.startsWith("cpu")),
  ].join("\n");
}
