/** `memory-limit` of the file, whose form the schema has checked. */
import type { MemoryLimit } from "../bgp/limits/memory-settings.js";

const MEBI = 2 ** 20;

export function memoryLimit(text: string): MemoryLimit {
  const number = parseInt(text, 10);
  if (text.endsWith("%")) return { octets: 0, percent: number };
  if (text.endsWith("MiB")) return { octets: number * MEBI, percent: 0 };
  if (text.endsWith("GiB")) return { octets: number * 1024 * MEBI, percent: 0 };
  return { octets: 0, percent: 0 };
}
