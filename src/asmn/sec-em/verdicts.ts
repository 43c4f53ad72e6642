/**
 * Verdicts out of records (ASM-67): signed when somebody is to have one, for that audience. The life of a
 * verdict never goes beyond what is left of the proof that it rests on, however late it is asked for: an
 * instance that stops proving itself is stale by itself.
 */
import { isIPv4 } from "node:net";
import type { Clock } from "../../util/clock.js";
import { fromHex } from "../../util/bytes.js";
import {
  md5Commitment,
  signVerdict,
  type Reason,
  type TrustState,
  type Verdict,
} from "../protocol/index.js";
import type { AsmnBgpLimits } from "../settings.js";
import type { InstanceRecord } from "./instance-book.js";
import type { KeyStore } from "./key-store.js";
import type { ReservedNumbers } from "./numbers.js";

export interface VerdictParts {
  readonly clock: Clock;
  readonly keys: KeyStore;
  readonly serials: ReservedNumbers;
  readonly secEm: string;
  /** The Sec-EM's time: the wall clock at its start and the monotonic one since. */
  readonly time: () => number;
  readonly lifetimeSeconds: () => number;
  /** Between two proofs of an instance. */
  readonly renewalSeconds: () => number;
  readonly epoch: () => number;
  /** What its VNF's descriptor holds BGP to. */
  readonly bgpLimits?: (record: InstanceRecord) => AsmnBgpLimits | undefined;
}

/** A proof counts for the interval and half of it, and for so much more than the interval at least. */
const LEAST_SLACK_MS = 30_000;

interface Proof {
  /** Monotonic milliseconds. */
  readonly at: number;
}

/** What a record says now, time included. */
export interface Standing {
  readonly state: TrustState;
  readonly reason: Reason;
  readonly sentence: string;
  /** Of the proof, or of a state that needs none; milliseconds. */
  readonly leftMs: number;
}

interface Made {
  readonly octets: Uint8Array;
  readonly serial: number;
}

export class VerdictDesk {
  private readonly parts: VerdictParts;
  private readonly proofs = new Map<string, Proof>();
  /** Those that are out, by identity and audience; gone with every change. */
  private readonly made = new Map<string, Map<string, Made>>();
  private readonly serialOf = new Map<string, number>();
  private readonly issuedAt = new Map<string, number>();
  count = 0;

  constructor(parts: VerdictParts) {
    this.parts = parts;
  }

  /** After a restart: how old a proof is only the wall clock can say. Set back, it makes it no younger than now. */
  restore({ identity, attestedAt, state }: InstanceRecord): void {
    if (attestedAt === undefined || state !== "trusted") return;
    const { clock } = this.parts;
    const age = Math.max(0, clock.wall() - attestedAt);
    this.proofs.set(identity, { at: clock.now() - age });
  }

  proven(identity: string): void {
    this.proofs.set(identity, { at: this.parts.clock.now() });
  }

  forget(identity: string): void {
    this.proofs.delete(identity);
    this.made.delete(identity);
    this.serialOf.delete(identity);
    this.issuedAt.delete(identity);
  }

  /** What was signed before is not given out any more. */
  changed(identity: string): void {
    this.made.delete(identity);
  }

  allChanged(): void {
    this.made.clear();
  }

  /** Milliseconds since the last proof; undefined = none. */
  age(identity: string): number | undefined {
    const proof = this.proofs.get(identity);
    return proof === undefined ? undefined : this.parts.clock.now() - proof.at;
  }

  /** Milliseconds since a verdict of it was signed; undefined = none was. */
  sinceIssued(identity: string): number | undefined {
    const at = this.issuedAt.get(identity);
    return at === undefined ? undefined : this.parts.clock.now() - at;
  }

  serial(identity: string): number | undefined {
    return this.serialOf.get(identity);
  }

  standing(record: InstanceRecord): Standing {
    const lifetime = this.parts.lifetimeSeconds() * 1000;
    const interval = this.parts.renewalSeconds() * 1000;
    const oldest = interval + Math.max(LEAST_SLACK_MS, interval / 2);
    const { state, reason, sentence } = record;
    if (state !== "trusted") return { state, reason, sentence, leftMs: lifetime };
    const age = this.age(record.identity);
    const leftMs = age === undefined ? 0 : oldest - age;
    if (leftMs > 0) return { state, reason, sentence, leftMs: Math.min(lifetime, leftMs) };
    const silent = "it has not proved itself for too long";
    return { state: "stale", reason: "silent", sentence: silent, leftMs: lifetime };
  }

  /**
   * Undefined for one that has no key yet.
   * @param fresh with a serial of its own, whatever was signed before
   */
  verdict(record: InstanceRecord, audience: string, fresh: boolean): Uint8Array | undefined {
    const { instanceKey } = record.chain;
    if (instanceKey === undefined) return undefined;
    const known = this.made.get(record.identity);
    const former = known?.get(audience);
    if (former !== undefined && !fresh) return former.octets;
    const { keys, serials, secEm, epoch, time } = this.parts;
    const { tenant, vnf, instance, bgp, chain, root, catalogVersion } = record;
    const { state, reason, sentence, leftMs } = this.standing(record);
    const serial = serials.next();
    const id = octetsOf(record.identity);
    const now = epoch();
    const md5Key = record.md5Key === undefined ? undefined : Buffer.from(record.md5Key, "latin1");
    const octets = signVerdict(
      {
        ...{ secEm, audience, tenant, vnf, instance, instanceKey, state, reason, sentence, root },
        ...{ serial, catalogVersion },
        id,
        addresses: bgp.addresses,
        as: bgp.as,
        routerId: bgp.routerId === undefined ? undefined : routerNumber(bgp.routerId),
        binding: bgp.binding,
        ...limitsOf(this.parts.bgpLimits?.(record)),
        md5Commitment: md5Key === undefined ? undefined : md5Commitment(id, now, md5Key),
        catalogDigest: octetsOf(record.catalogDigest),
        epoch: now,
        issued: Math.trunc(time()),
        lifetimeSeconds: Math.max(1, Math.ceil(leftMs / 1000)),
        counter: chain.confirmed?.counter ?? 0,
        proven: Math.max(0, Math.trunc(time() - (this.age(record.identity) ?? time()))),
      },
      keys.current("verdict"),
    );
    const made = { octets, serial };
    if (known === undefined) this.made.set(record.identity, new Map([[audience, made]]));
    else known.set(audience, made);
    this.serialOf.set(record.identity, serial);
    this.issuedAt.set(record.identity, this.parts.clock.now());
    this.count++;
    return octets;
  }
}

/** 0 = no limit. */
function limitsOf(limits: AsmnBgpLimits | undefined): Partial<Verdict> {
  const given = (most: number | undefined): number | undefined => (most === 0 ? undefined : most);
  return {
    maxSessions: given(limits?.sessions),
    maxUpdatesPerSecond: given(limits?.updatesPerSecond),
    maxPrefixes: given(limits?.prefixes),
  };
}

function routerNumber(text: string): number {
  if (!isIPv4(text)) return 0;
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function octetsOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
