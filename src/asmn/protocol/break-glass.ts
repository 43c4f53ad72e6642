/**
 * Break-glass (ASM-81): a signed document that lets somebody in for a while, when nothing else can. It names
 * who answers for it and why, ends by itself, and each one is taken once by each gate.
 */
import type { SigningKey } from "../crypto/index.js";
import { keyId } from "../crypto/index.js";
import { defineDocument } from "./document.js";
import { CLOCK_TOLERANCE_MS } from "./key-certificate.js";
import type { KeyRing } from "./key-certificate.js";
import { address, name, octets, sentence, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import type { Struct } from "./struct.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

export const BREAK_GLASS_SECONDS = 86_400;
/** Serials that a gate remembers; the oldest ones have ended long before. */
const REMEMBERED = 1000;

export interface BreakGlass {
  /** Key id of the break-glass key. */
  readonly issuer: Uint8Array;
  /** The Sec-EM whose key it is. */
  readonly secEm: string;
  readonly audience: string;
  readonly serial: number;
  readonly operator: string;
  readonly why: string;
  readonly tenant: string;
  /** Undefined: every VNF of the tenant. */
  readonly vnf: string | undefined;
  readonly instance: string | undefined;
  /** Whoever peers from there, without any proof. */
  readonly address: string | undefined;
  /** Wall-clock milliseconds; a day apart at most. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const struct: Struct<BreakGlass> = defineStruct("break-glass", {
  issuer: field(1, octets(16)),
  secEm: field(2, name),
  audience: field(3, name),
  serial: field(4, u64),
  operator: field(5, name),
  why: field(6, sentence),
  tenant: field(7, name),
  vnf: optional(8, name),
  instance: optional(9, name),
  address: optional(10, address),
  notBefore: field(11, u64),
  notAfter: field(12, u64),
});

const document = defineDocument("break-glass", struct);

/** @param key its key id becomes the issuer */
export function signBreakGlass(grant: Omit<BreakGlass, "issuer">, key: SigningKey): Uint8Array {
  return document.sign({ ...grant, issuer: keyId(key.publicKey) }, key);
}

export interface OpenGlass {
  readonly grant: BreakGlass;
  /** From now on, by the reader's monotonic clock; the wall clock may end it earlier. */
  readonly remainingMs: number;
}

/** `<Sec-EM> <serial>` of all that were taken, oldest first: to be stored before one is acted on. */
export type UsedGlasses = readonly string[];

export class BreakGlassChecker {
  private readonly audience: string;
  private readonly ring: KeyRing;
  private readonly used: Set<string>;

  constructor(audience: string, ring: KeyRing, used: UsedGlasses = []) {
    this.audience = audience;
    this.ring = ring;
    this.used = new Set(used);
  }

  /** @param wall wall-clock milliseconds now */
  accept(octets: Uint8Array, wall: number): Checked<OpenGlass> {
    const opened = document.open(octets);
    if (!opened.ok) return opened;
    const { value: grant, signedBy } = opened.value;
    const key = this.ring.findById("break-glass", grant.secEm, grant.issuer);
    if (!key.ok) return key;
    if (!signedBy(key.value.publicKey))
      return fail("signature", "the break-glass document's signature is wrong");
    if (grant.audience !== this.audience)
      return fail("audience", `it is for ${grant.audience}, not for ${this.audience}`);
    if (grant.notAfter - grant.notBefore > BREAK_GLASS_SECONDS * 1000)
      return fail("limit", "a break-glass document lives a day at most");
    if (wall < grant.notBefore - CLOCK_TOLERANCE_MS)
      return fail("future", "it does not count yet: check this machine's clock");
    const remainingMs = grant.notAfter - Math.max(wall, grant.notBefore);
    if (remainingMs <= 0) return fail("expired", "the break-glass document has ended");
    const serial = `${grant.secEm} ${grant.serial}`;
    if (this.used.has(serial)) return fail("serial", "it was taken before: sign a new one");
    this.used.add(serial);
    for (const oldest of this.used) {
      if (this.used.size <= REMEMBERED) break;
      this.used.delete(oldest);
    }
    return pass({ grant, remainingMs });
  }

  usedGlasses(): UsedGlasses {
    return [...this.used];
  }
}
