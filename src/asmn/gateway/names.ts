/** Names inside the gateway's table and of its classes, where rules, readers and shaping have to agree. */

/** Of the root queue on an interface, hexadecimal: by this the gateway knows its own. */
export const QDISC = "a5e0";
export const CLASS_NORMAL = `${QDISC}:10`;
export const CLASS_LOWERED = `${QDISC}:20`;

export const COUNTERS = [
  "secem",
  "secem_excess",
  "secem_crowd",
  "closed",
  "spoofed",
  "abnormal",
  "lowered",
  "slowed",
  "policed",
] as const;
export type CounterName = (typeof COUNTERS)[number];

export const FAMILIES = [4, 6] as const;
export type Family = (typeof FAMILIES)[number];

/** Sets whose elements count what passes for alarms. */
export const VOLUME_PAIRS = "volume_pairs";
export const VOLUME_OUT = "volume_out";

/** What is no answer, by connection tracking: nft names a rule with it where the kernel has none. */
export const TRACKING = "ct state invalid,related,new";

export const OPEN = "open";
export const OPEN_WIDE = "open_wide";
