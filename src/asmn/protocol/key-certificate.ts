/**
 * Certificates of a Sec-EM's keys, signed by the root, and who checks them. A ring takes what the pinned roots
 * signed and nothing else; the highest floor it has seen for a purpose stays, also over a restart when its
 * owner stores `floors()` before acting on a new one. Wall clocks are looked at here, with five minutes of
 * tolerance, because a certificate lives for months.
 */
import { keyId } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { isPublicKey } from "../crypto/index.js";
import { equalBytes, toHex } from "../../util/bytes.js";
import { defineDocument } from "./document.js";
import { name, octets, u64 } from "./kinds.js";
import { defineStruct, field } from "./struct.js";
import { fail, KEY_PURPOSE, pass } from "./words.js";
import type { Checked, KeyPurpose } from "./words.js";

export interface KeyCertificate {
  readonly purpose: KeyPurpose;
  readonly secEm: string;
  readonly publicKey: Uint8Array;
  readonly serial: number;
  /** The lowest serial of this purpose that still counts. */
  readonly floor: number;
  /** Wall-clock milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const document = defineDocument<KeyCertificate>(
  "certificate",
  defineStruct("key certificate", {
    purpose: field(1, KEY_PURPOSE),
    secEm: field(2, name),
    publicKey: field(3, octets(32)),
    serial: field(4, u64),
    floor: field(5, u64),
    notBefore: field(6, u64),
    notAfter: field(7, u64),
  }),
);

/** Clocks may differ by this much. */
export const CLOCK_TOLERANCE_MS = 300_000;

/** Certificates of one purpose that a ring keeps for one Sec-EM: the newest. */
const KEPT = 8;
/** Sec-EMs that one root may name. */
const SEC_EMS = 256;

export function signKeyCertificate(certificate: KeyCertificate, root: SigningKey): Uint8Array {
  return document.sign(certificate, root);
}

/** Highest floor for each `<Sec-EM> <purpose>`. */
export type Floors = Readonly<Record<string, number>>;

export class KeyRing {
  private readonly roots: readonly Uint8Array[];
  private readonly wall: () => number;
  private readonly byPurpose = new Map<string, KeyCertificate[]>();
  private readonly floorOf: Map<string, number>;

  /**
   * @param roots pinned public keys
   * @param wall wall-clock milliseconds
   */
  constructor(roots: readonly Uint8Array[], wall: () => number, floors: Floors = {}) {
    this.roots = roots;
    this.wall = wall;
    this.floorOf = new Map(Object.entries(floors));
  }

  /** Verifies one and keeps it. Reasons: malformed, signature, key-expired, limit. */
  take(octets: Uint8Array): Checked<KeyCertificate> {
    const opened = document.open(octets);
    if (!opened.ok) return opened;
    const { value, signedBy } = opened.value;
    if (!isPublicKey(value.publicKey)) return fail("malformed", "key certificate: no usable key");
    if (!this.roots.some((root) => signedBy(root)))
      return fail("signature", "the key certificate is not signed by a pinned root key");
    const place = `${value.secEm} ${value.purpose}`;
    const known = this.byPurpose.get(place);
    if (known === undefined && this.byPurpose.size >= SEC_EMS * 4)
      return fail("limit", "too many Sec-EMs under the pinned root keys");
    this.floorOf.set(place, Math.max(this.floorOf.get(place) ?? 0, value.floor));
    const rest = (known ?? []).filter(
      (other) => !equalBytes(other.publicKey, 0, value.publicKey, 0, 32),
    );
    const kept = [...rest, value].sort((a, b) => b.serial - a.serial).slice(0, KEPT);
    this.byPurpose.set(place, kept);
    return this.check(value);
  }

  /** The certificate of a key, if it counts now. Reasons: issuer, key-expired. */
  find(purpose: KeyPurpose, secEm: string, publicKey: Uint8Array): Checked<KeyCertificate> {
    const found = this.of(purpose, secEm).find(({ publicKey: other }) => same(other, publicKey));
    if (found === undefined) return fail("issuer", `no certified ${purpose} key of ${secEm}`);
    return this.check(found);
  }

  /** The same, by key id. */
  findById(purpose: KeyPurpose, secEm: string, id: Uint8Array): Checked<KeyCertificate> {
    const found = this.of(purpose, secEm).find(({ publicKey }) => same(keyId(publicKey), id));
    if (found === undefined)
      return fail("issuer", `${toHex(id)} is no certified ${purpose} key of ${secEm}`);
    return this.check(found);
  }

  floors(): Floors {
    return Object.fromEntries(this.floorOf);
  }

  private of(purpose: KeyPurpose, secEm: string): readonly KeyCertificate[] {
    return this.byPurpose.get(`${secEm} ${purpose}`) ?? [];
  }

  private check(certificate: KeyCertificate): Checked<KeyCertificate> {
    const { purpose, secEm, serial, notBefore, notAfter } = certificate;
    const words = `the ${purpose} key ${serial} of ${secEm}`;
    if (serial < (this.floorOf.get(`${secEm} ${purpose}`) ?? 0))
      return fail("key-expired", `${words} was withdrawn`);
    const now = this.wall();
    const clock = `this machine's clock says ${iso(now)}`;
    if (now < notBefore - CLOCK_TOLERANCE_MS)
      return fail("key-expired", `${words} counts from ${iso(notBefore)} on, and ${clock}`);
    if (now > notAfter + CLOCK_TOLERANCE_MS)
      return fail(
        "key-expired",
        `${words} ended at ${iso(notAfter)}, and ${clock}: rotate it, or set the clock`,
      );
    return pass(certificate);
  }
}

function iso(milliseconds: number): string {
  // Beyond what a date can hold there is nothing to read in it.
  return milliseconds > 8.64e15 ? "never" : new Date(milliseconds).toISOString();
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalBytes(a, 0, b, 0, a.length);
}
