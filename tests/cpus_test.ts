/** A program sees its processors as without a jail, while it is kept on one. */

import { assertEquals } from "@std/assert";
import { ENGINES, jail } from "./harness.ts";

/** Python that stops often enough to be kept, and looks in each way there is. */
const LOOK = `import os, subprocess, threading
own = os.sched_getaffinity(0)
def work():
  for i in range(300): os.stat("/usr/bin")
def see(what):
  work()
  print(what() == own)
def of_child():
  r, w = os.pipe()
  if os.fork() == 0:
    work()
    os.write(w, repr(os.sched_getaffinity(0)).encode())
    os._exit(0)
  os.wait()
  return eval(os.read(r, 9999))
def of_thread():
  seen = []
  thread = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
  thread.start()
  thread.join()
  return seen[0]
def of_threads():
  seen = []
  def one():
    for _ in range(20):
      work()
      seen.append(os.sched_getaffinity(0))
  threads = [threading.Thread(target=one) for _ in range(4)]
  for thread in threads: thread.start()
  for thread in threads: thread.join()
  return own if len(seen) == 80 and all(cpus == own for cpus in seen) else seen
def of_program():
  return eval(subprocess.check_output(["python3", "-c", "import os; print(os.sched_getaffinity(0))"]))
def of_status():
  line = [line for line in open("/proc/self/status") if line.startswith("Cpus_allowed:")][0]
  bits = int(line.split()[1].replace(",", ""), 16)
  return {at for at in range(bits.bit_length()) if bits >> at & 1}
def set_one():
  os.sched_setaffinity(0, {min(own)})
  work()
  one = os.sched_getaffinity(0) == {min(own)}
  os.sched_setaffinity(0, own)
  return own if one else None
see(lambda: os.sched_getaffinity(0))
see(of_child)
see(of_thread)
see(of_threads)
see(of_program)
see(set_one)
see(of_status)
`;

for (const engine of ENGINES) {
  Deno.test(`a program sees its processors as they are, however it looks (${engine})`, async () => {
    const ended = await jail(
      ["--allow-all", "--report"],
      ["python3", "-c", LOOK],
      { engine },
    );
    assertEquals(ended.stdout, "True\n".repeat(7), ended.stderr);
  });
}
