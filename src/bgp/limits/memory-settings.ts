/** The ceiling on the process's memory. */
export interface MemoryLimit {
  /** 0: `percent` says it. */
  readonly octets: number;
  /** Of what this machine or container may have; 0 with no octets = no ceiling. */
  readonly percent: number;
}

export const MEMORY_LIMIT_DEFAULT: MemoryLimit = { octets: 0, percent: 80 };

/** Octets of the ceiling, 0 for none. @param available octets that the machine or its container has */
export function ceilingOctets(limit: MemoryLimit, available: number): number {
  return limit.octets > 0 ? limit.octets : Math.floor((available * limit.percent) / 100);
}
