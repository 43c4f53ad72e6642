/** Faults in the attributes of an UPDATE, and what RFC 7606 section 7 makes of each. */
import { Code, without, type Attribute, type Attributes } from "./attributes.js";
import type { Spoil } from "./wire.js";

/** "ignore": the attribute is as if it had not been sent. */
export type Effect = "withdraw" | "ignore" | "reset";

interface FaultSpec {
  readonly ibgp: Effect;
  readonly ebgp: Effect;
  readonly spoil: Spoil;
  /** What discarding takes away. */
  readonly drops?: number;
}

const LOW_AS_PATH_SEGMENT = "0901fde8fde8";

function set(code: number, flags: number, value: string): Spoil {
  return (list) => [...without(list, code), { code, flags, value }];
}

function drop(code: number): Spoil {
  return (list) => without(list, code);
}

function append(one: Attribute): Spoil {
  return (list) => [...list, one];
}

function fault(ibgp: Effect, ebgp: Effect, spoil: Spoil, drops?: number): FaultSpec {
  return drops === undefined ? { ibgp, ebgp, spoil } : { ibgp, ebgp, spoil, drops };
}

export const FAULTS = {
  "origin value": fault("withdraw", "withdraw", set(Code.Origin, 0x40, "05")),
  "origin length": fault("withdraw", "withdraw", set(Code.Origin, 0x40, "0000")),
  "origin missing": fault("withdraw", "withdraw", drop(Code.Origin)),
  "origin flags": fault("withdraw", "withdraw", set(Code.Origin, 0xc0, "00")),
  "as path missing": fault("withdraw", "withdraw", drop(Code.AsPath)),
  "as path segment": fault("withdraw", "withdraw", set(Code.AsPath, 0x40, LOW_AS_PATH_SEGMENT)),
  "as path overrun": fault("withdraw", "withdraw", set(Code.AsPath, 0x40, "02ff0000fde9")),
  "med length": fault("withdraw", "withdraw", set(Code.Med, 0x80, "000000")),
  "local pref missing": fault("withdraw", "ignore", drop(Code.LocalPref)),
  "local pref length": fault("withdraw", "ignore", set(Code.LocalPref, 0x40, "64")),
  "communities length": fault("withdraw", "withdraw", set(Code.Communities, 0xc0, "fde80a")),
  "extended communities length": fault(
    "withdraw",
    "withdraw",
    set(Code.ExtendedCommunities, 0xc0, "0002fde8000000"),
  ),
  "large communities length": fault(
    "withdraw",
    "withdraw",
    set(Code.LargeCommunities, 0xc0, "00".repeat(13)),
  ),
  "originator length": fault("withdraw", "ignore", set(Code.OriginatorId, 0x80, "0a0000")),
  "cluster list length": fault("withdraw", "ignore", set(Code.ClusterList, 0x80, "0a00000001")),
  "attribute overrun": fault(
    "withdraw",
    "withdraw",
    append({ code: 250, flags: 0xc0, value: "0000", declared: 40 }),
  ),
  "atomic aggregate length": fault(
    "ignore",
    "ignore",
    set(Code.AtomicAggregate, 0x40, "00"),
    Code.AtomicAggregate,
  ),
  "aggregator length": fault(
    "ignore",
    "ignore",
    set(Code.Aggregator, 0xc0, "fde80a"),
    Code.Aggregator,
  ),
  "origin twice": fault(
    "ignore",
    "ignore",
    append({ code: Code.Origin, flags: 0x40, value: "02" }),
  ),
  "unknown well-known": fault("reset", "reset", append({ code: 77, flags: 0x40, value: "00" })),
} as const satisfies Record<string, FaultSpec>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

export function faultEffect(name: FaultName, ibgp: boolean): Effect {
  return FAULTS[name][ibgp ? "ibgp" : "ebgp"];
}

export function spoilOf(name: FaultName): Spoil {
  return FAULTS[name].spoil;
}

/** What is left of the attributes when the fault costs just an attribute. */
export function afterDiscard(name: FaultName, attributes: Attributes): Attributes {
  const spec: FaultSpec = FAULTS[name];
  return spec.drops === undefined ? attributes : without(attributes, spec.drops);
}
