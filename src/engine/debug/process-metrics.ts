import { readdirSync, readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import type { Metric } from "../../base/metrics/mod.ts";

/** What the kernel and V8 say of this process, under the names that Prometheus's clients have for it. */
export function processMetrics(): readonly Metric[] {
  const startedAt = Date.now() / 1000 - process.uptime();
  return [
    one("counter", "process_cpu_seconds_total", "Processor time in user and system mode.", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1e6;
    }),
    one("gauge", "process_resident_memory_bytes", "Memory in use.", () => process.memoryUsage.rss()),
    one("gauge", "process_virtual_memory_bytes", "Address space in use.", () => fromStatus("VmSize") * 1024),
    one("gauge", "process_start_time_seconds", "When the process started, in Unix time.", () => startedAt),
    one("gauge", "process_open_fds", "Open file descriptors.", () => readdirSync("/proc/self/fd").length),
    one("gauge", "process_max_fds", "How many file descriptors may be open.", () =>
      Number(
        /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? Number.POSITIVE_INFINITY,
      ),
    ),
    one(
      "gauge",
      "nodejs_heap_size_used_bytes",
      "Memory of JavaScript's objects.",
      () => getHeapStatistics().used_heap_size,
    ),
    one(
      "gauge",
      "nodejs_heap_size_total_bytes",
      "Memory set aside for JavaScript's objects.",
      () => getHeapStatistics().total_heap_size,
    ),
    one("gauge", "nodejs_external_memory_bytes", "Memory of buffers.", () => getHeapStatistics().external_memory),
  ];
}

function one(type: "counter" | "gauge", name: string, help: string, read: () => number): Metric {
  return { name, help, type, samples: () => [{ labels: {}, value: read() }] };
}

/** A number of /proc/self/status. */
function fromStatus(name: string): number {
  const text = readFileSync("/proc/self/status", "utf8");
  return Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? Number.NaN);
}
