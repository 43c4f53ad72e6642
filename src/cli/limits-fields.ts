/** The limits of a peer, and the memory ceiling, as lines of `show peer` and `show summary`. */
import type { LimitsAnswer, MemoryAnswer } from "./wire.js";
import { formatTable } from "./text.js";

type Field = readonly [string, string | undefined];

export function limitFields(limits: LimitsAnswer | undefined): Field[] {
  if (limits === undefined) return [];
  const { held, refused, reading } = limits;
  const counts = Object.entries(refused).filter(([, count]) => count > 0);
  const seconds = Math.round(reading.pausedSeconds);
  return [
    ["Held", held === 0 ? undefined : `${held} routes beyond a limit`],
    ["Refused", counts.map(([name, count]) => `${name} ${count}`).join(", ") || undefined],
    [
      "Reading",
      reading.pauses === 0
        ? undefined
        : `${reading.paused ? "paused now" : "goes on"}; paused ${reading.pauses} times, ${seconds} s`,
    ],
  ];
}

export function limitTable(limits: LimitsAnswer | undefined, columns: number): string[] {
  if (limits === undefined || limits.routes.length === 0) return [];
  return [
    formatTable(
      limits.routes,
      [
        { title: "Limit", value: nameOf, flexible: true },
        { title: "Routes", value: (row) => String(row.count), right: true },
        { title: "Warning at", value: (row) => String(row.warnAt), right: true },
        { title: "Maximum", value: (row) => String(row.maximum), right: true },
        { title: "Beyond", value: (row) => row.action },
      ],
      columns,
    ),
  ];
}

export function memoryLine(memory: MemoryAnswer | undefined): string | undefined {
  if (memory === undefined || memory.limit === 0) return undefined;
  const share = Math.round((100 * memory.used) / memory.limit);
  const level = memory.level === "normal" ? "" : `: ${memory.level}`;
  return `${mebibytes(memory.used)} of ${mebibytes(memory.limit)} (${share} %)${level}`;
}

function nameOf(row: LimitsAnswer["routes"][number]): string {
  const type = row.routeType === undefined ? "" : ` type ${row.routeType}`;
  const vni = row.perVni ? ` each VNI${row.vni === undefined ? "" : ` (${row.vni})`}` : "";
  return `${row.direction} ${row.family}${type}${vni}`;
}

function mebibytes(octets: number): string {
  return `${Math.round(octets / 1048576)} MiB`;
}
