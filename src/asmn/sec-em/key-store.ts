/**
 * The Sec-EM's keys: the root, and those that it certifies, one serial after the other for each purpose.
 * Rotation (ASM-79) makes a new one that signs from then on; the one before stays good until the overlap
 * ends. Withdrawal, for a key that was lost, raises the floor: all before it are worth nothing at once.
 * Private halves are in the state directory, which only its owner reads, and nowhere else.
 */
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import { createFileDurably, makeDirectoryDurably } from "../../util/durable-file.js";
import {
  generateSigningKey,
  keyId,
  signingKeyFromPem,
  signingKeyToPem,
  type SigningKey,
} from "../crypto/index.js";
import { signKeyCertificate, type KeyPurpose } from "../protocol/index.js";
import { SecEmError, type KeyRow } from "./control.js";
import type { RecordWrite, Records } from "./records.js";

interface KeyRecord {
  readonly purpose: KeyPurpose;
  readonly serial: number;
  readonly pem: string;
  /** Wall-clock milliseconds, as the next two. */
  readonly madeAt: number;
  readonly notBefore: number;
  readonly notAfter: number;
}

interface Key extends KeyRecord {
  readonly signing: SigningKey;
  readonly certificate: Uint8Array;
}

export const PURPOSES: readonly KeyPurpose[] = ["transport", "verdict", "catalog", "break-glass"];
/** Those that rotation replaces: the others are pinned by somebody's configuration, or by people. */
const ROTATED: readonly KeyPurpose[] = ["verdict", "catalog"];
/** What no rotation ends. */
const LIFE_MS = 10 * 365 * 86_400_000;
/** A key counts from a day before it was made: for readers whose clock is behind. */
const EARLIER_MS = 86_400_000;
/** Of one purpose, beyond the current one. */
const MOST_FORMER = 3;

export interface KeyStoreParts {
  readonly records: Records;
  readonly clock: Clock;
  readonly name: string;
  readonly root: SigningKey;
}

export class KeyStore {
  readonly root: SigningKey;
  private readonly parts: KeyStoreParts;
  private readonly floors = new Map<KeyPurpose, number>();
  /** Newest first. */
  private keys = new Map<KeyPurpose, readonly Key[]>();

  private constructor(parts: KeyStoreParts) {
    this.parts = parts;
    this.root = parts.root;
  }

  /** Makes what is missing. Rejects with `SecEmError` `storage`. */
  static async open(parts: KeyStoreParts): Promise<KeyStore> {
    const store = new KeyStore(parts);
    await store.load();
    return store;
  }

  current(purpose: KeyPurpose): SigningKey {
    const key = this.keys.get(purpose)?.[0];
    if (key === undefined) throw new Error(`there is no ${purpose} key`);
    return key.signing;
  }

  /** Of all keys that count now, for Hello and Keys. */
  certificates(): readonly Uint8Array[] {
    const now = this.parts.clock.wall();
    return [...this.keys.values()].flatMap((keys) =>
      keys
        .filter(({ notAfter }, at) => at === 0 || notAfter > now)
        .map(({ certificate }) => certificate),
    );
  }

  /** Wall-clock milliseconds since the verdict key began. */
  verdictKeyAge(): number {
    const [key] = this.keys.get("verdict") ?? [];
    return key === undefined ? 0 : this.parts.clock.wall() - key.madeAt;
  }

  /** @param withdraw the keys before count no more, not even for the overlap */
  async rotate(overlapSeconds: number, withdraw: boolean): Promise<void> {
    const { clock, records } = this.parts;
    const wall = clock.wall();
    const writes: RecordWrite[] = [];
    const next = new Map(this.keys);
    const floors = new Map(this.floors);
    for (const purpose of ROTATED) {
      const former = this.keys.get(purpose) ?? [];
      const serial = (former[0]?.serial ?? 0) + 1;
      if (withdraw) {
        floors.set(purpose, serial);
        writes.push({ key: `floor/${purpose}`, value: { floor: serial } });
      }
      const floor = floors.get(purpose) ?? 0;
      const ends = wall + overlapSeconds * 1000;
      const fresh = recordOf(purpose, serial, generateSigningKey(), wall);
      const kept = withdraw
        ? []
        : former
            .map((key): KeyRecord => ({ ...bare(key), notAfter: Math.min(key.notAfter, ends) }))
            .slice(0, MOST_FORMER);
      for (const one of former) {
        const still = kept.find(({ serial: other }) => other === one.serial);
        writes.push({ key: keyName(one), value: still });
      }
      writes.push({ key: keyName(fresh), value: fresh });
      next.set(
        purpose,
        [fresh, ...kept].map((record) => this.certified(record, floor)),
      );
    }
    await records.write(...writes);
    this.keys = next;
    for (const [purpose, floor] of floors) this.floors.set(purpose, floor);
  }

  rows(): readonly KeyRow[] {
    const now = this.parts.clock.wall();
    const root: KeyRow = {
      id: toHex(keyId(this.root.publicKey)),
      ...{
        use: "root",
        publicKey: toHex(this.root.publicKey),
        state: "pinned",
        since: 0,
        until: undefined,
      },
    };
    const others = [...this.keys.values()].flatMap((keys) =>
      keys
        .filter(({ notAfter }, at) => at === 0 || notAfter > now)
        .map(({ purpose, signing: { publicKey }, madeAt, notAfter }, at): KeyRow => ({
          id: toHex(keyId(publicKey)),
          use: purpose,
          publicKey: toHex(publicKey),
          state: at === 0 ? "current" : "former",
          since: madeAt,
          until: at === 0 ? undefined : notAfter,
        })),
    );
    return [root, ...others];
  }

  private async load(): Promise<void> {
    const { clock, records } = this.parts;
    const found = new Map<KeyPurpose, KeyRecord[]>();
    for (const { value } of await records.all("key/")) {
      const record = value as unknown as KeyRecord;
      found.set(record.purpose, [...(found.get(record.purpose) ?? []), record]);
    }
    for (const purpose of PURPOSES) {
      const kept = (found.get(purpose) ?? []).sort((a, b) => b.serial - a.serial);
      const floor = (await records.read(`floor/${purpose}`)) as { floor?: number } | undefined;
      this.floors.set(purpose, floor?.floor ?? 0);
      if (kept.length === 0) {
        const fresh = recordOf(purpose, 1, generateSigningKey(), clock.wall());
        await records.write({ key: keyName(fresh), value: fresh });
        kept.push(fresh);
      }
      this.keys.set(
        purpose,
        kept.map((record) => this.certified(record, this.floors.get(purpose) ?? 0)),
      );
    }
  }

  private certified(record: KeyRecord, floor: number): Key {
    const signing = signingKeyFromPem(record.pem);
    if (signing === undefined) {
      throw new SecEmError(
        "storage",
        `the ${record.purpose} key in the state directory cannot be read; restore the directory from a copy`,
      );
    }
    const { purpose, serial, notBefore, notAfter } = record;
    const { publicKey } = signing;
    const secEm = this.parts.name;
    const certificate = signKeyCertificate(
      { purpose, secEm, publicKey, serial, floor, notBefore, notAfter },
      this.root,
    );
    return { ...record, signing, certificate };
  }
}

/**
 * The root's key pair.
 * @param file PEM; undefined: `root.pem` of the directory, made at the first start
 * Rejects with `SecEmError` `invalid` when the file is none, with the system's error when it cannot be read.
 */
export async function openRootKey(
  file: string | undefined,
  directory: string,
): Promise<SigningKey> {
  makeDirectoryDurably(directory, 0o700);
  await chmod(directory, 0o700);
  const path = file ?? join(directory, "root.pem");
  let pem: string;
  try {
    pem = await readFile(path, "utf8");
  } catch (error) {
    if (file !== undefined || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    const made = generateSigningKey();
    createFileDurably(path, signingKeyToPem(made));
    return made;
  }
  const key = signingKeyFromPem(pem);
  if (key !== undefined) return key;
  throw new SecEmError(
    "invalid",
    `${path} is no Ed25519 private key in PEM (PKCS #8); make one with: openssl genpkey -algorithm ed25519`,
  );
}

function recordOf(purpose: KeyPurpose, serial: number, key: SigningKey, wall: number): KeyRecord {
  const pem = signingKeyToPem(key);
  const notBefore = Math.max(0, wall - EARLIER_MS);
  return { purpose, serial, pem, madeAt: wall, notBefore, notAfter: wall + LIFE_MS };
}

function bare({ purpose, serial, pem, madeAt, notBefore, notAfter }: KeyRecord): KeyRecord {
  return { purpose, serial, pem, madeAt, notBefore, notAfter };
}

function keyName({ purpose, serial }: KeyRecord): string {
  return `key/${purpose}/${String(serial).padStart(10, "0")}`;
}
