/**
 * Attestation keys of TPMs, and what their quotes must say (ASM-68): those of the configuration, which only
 * the file changes, and those that a VIM has registered, which are kept in the store. A key counts for a VNF,
 * for one instance of it, or for one image; PCRs have fixed values, or that which the image's digest gives.
 */
import type { Clock } from "../../util/clock.js";
import { fromHex, toHex } from "../../util/bytes.js";
import { readPublicKey } from "../../util/public-key.js";
import { sha256 } from "../crypto/index.js";
import {
  extendedOnce,
  PCR_COUNT,
  quotedPcrs,
  tpmKeyId,
  type TpmKey,
  type TpmKeys,
} from "../protocol/index.js";
import { RESETTABLE_PCRS, type AsmnPcr, type AsmnTpmKey } from "../settings.js";
import { SecEmError, type InstanceName, type TpmKeyRow } from "./control.js";
import { checkHex, checkName, instanceText, invalid } from "./names.js";
import type { Records } from "./records.js";

interface Entry {
  readonly row: TpmKeyRow;
  readonly publicKey: Uint8Array;
}

interface KeptKey {
  readonly key: AsmnTpmKey;
  readonly registeredBy: string;
  readonly registeredAt: number;
}

/** Through the API. */
const MOST_KEYS = 10_000;
const PREFIX = "tpm/";
/** No instance has that name. */
const ANY = "*";

export class TpmBook {
  private readonly records: Records;
  private readonly clock: Clock;
  private configured = new Map<string, Entry>();
  private readonly kept = new Map<string, Entry>();
  /** By key id. */
  private byId = new Map<string, readonly Entry[]>();
  /** By instance, or by VNF where it is for any of them. */
  private byPlace = new Map<string, readonly Entry[]>();

  /** Throws `SecEmError` for a key of the configuration that is none. */
  constructor(records: Records, clock: Clock, configured: readonly AsmnTpmKey[]) {
    this.records = records;
    this.clock = clock;
    this.configure(configured);
  }

  async load(): Promise<void> {
    for (const { value } of await this.records.all(PREFIX)) {
      const { key, registeredBy, registeredAt } = value as unknown as KeptKey;
      this.kept.set(key.name, entryOf(key, { source: "api", registeredBy, registeredAt }));
    }
    this.index();
  }

  /** Throws `SecEmError`, with everything as before, for a key that is none. */
  configure(keys: readonly AsmnTpmKey[]): void {
    this.configured = new Map(keys.map((key) => [key.name, entryOf(key, CONFIGURED)]));
    this.index();
  }

  /** In the order of names. One of the configuration hides one of the API. */
  rows(): readonly TpmKeyRow[] {
    return this.entries()
      .map(({ row }) => row)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** For quotes of that instance, which says that it runs that image. */
  keysFor(name: InstanceName, image: Uint8Array): TpmKeys {
    const digest = toHex(image);
    return (keyId) =>
      (this.byId.get(keyId) ?? [])
        .filter(({ row }) => counts(row, name, digest))
        .map(({ row, publicKey }): TpmKey => ({ publicKey, ...expected(row.pcrs, image) }));
  }

  /** Whether any key counts for that instance with that image (hex). */
  covers(name: InstanceName, image: string): boolean {
    return [name, { ...name, instance: ANY }].some((place) =>
      (this.byPlace.get(instanceText(place)) ?? []).some(({ row }) => counts(row, name, image)),
    );
  }

  /** Throws `SecEmError` for keys that no configuration may have. */
  static checkAll(keys: readonly AsmnTpmKey[]): void {
    for (const key of keys) entryOf(key, CONFIGURED);
  }

  /** Throws `SecEmError`: nothing that could be registered. */
  check(key: AsmnTpmKey): void {
    entryOf(key, { source: "api", registeredBy: "", registeredAt: 0 });
    if (this.configured.has(key.name)) {
      throw new SecEmError(
        "conflict",
        `TPM key ${key.name} is in the configuration; change it there`,
      );
    }
    if (!this.kept.has(key.name) && this.kept.size >= MOST_KEYS) {
      throw new SecEmError("conflict", `there are ${MOST_KEYS} TPM keys; remove some first`);
    }
  }

  /** In place of one with that name. */
  async register(key: AsmnTpmKey, by: string): Promise<TpmKeyRow> {
    this.check(key);
    const registered = { registeredBy: by, registeredAt: this.clock.wall() };
    const entry = entryOf(key, { source: "api", ...registered });
    const value: KeptKey = { key, ...registered };
    await this.records.write({ key: PREFIX + key.name, value });
    this.kept.set(key.name, entry);
    this.index();
    return entry.row;
  }

  /** Throws `SecEmError` where there is none that could be removed. */
  removable(name: string): TpmKeyRow {
    if (this.configured.has(name)) {
      throw new SecEmError("conflict", `TPM key ${name} is in the configuration; remove it there`);
    }
    const known = this.kept.get(name);
    if (known !== undefined) return known.row;
    throw new SecEmError(
      "not-found",
      `there is no TPM key "${name.slice(0, 80)}"; list them first`,
    );
  }

  /** Counts no more at once, whether the disk takes it or not. */
  async remove(name: string): Promise<void> {
    this.kept.delete(name);
    this.index();
    await this.records.write({ key: PREFIX + name, value: undefined });
  }

  private entries(): readonly Entry[] {
    return [...new Map([...this.kept, ...this.configured]).values()];
  }

  private index(): void {
    const byId = new Map<string, Entry[]>();
    const byPlace = new Map<string, Entry[]>();
    for (const entry of this.entries()) {
      const { keyId, instance = ANY } = entry.row;
      add(byId, keyId, entry);
      add(byPlace, instanceText({ ...entry.row, instance }), entry);
    }
    this.byId = byId;
    this.byPlace = byPlace;
  }
}

function add(map: Map<string, Entry[]>, key: string, entry: Entry): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, [entry]);
  else known.push(entry);
}

function counts(row: TpmKeyRow, { tenant, vnf, instance }: InstanceName, image: string): boolean {
  return (
    row.tenant === tenant &&
    row.vnf === vnf &&
    (row.instance === undefined || row.instance === instance) &&
    (row.image === undefined || row.image === image)
  );
}

function expected(pcrs: readonly AsmnPcr[], image: Uint8Array) {
  return quotedPcrs(
    pcrs.map(({ pcr, value }) => ({
      pcr,
      value: value === "image" ? extendedOnce(image) : (fromHex(value) ?? sha256()),
    })),
  );
}

type Registered = Pick<TpmKeyRow, "source" | "registeredBy" | "registeredAt">;

const CONFIGURED: Registered = {
  source: "configuration",
  registeredBy: undefined,
  registeredAt: undefined,
};

/** Throws `SecEmError` `invalid`, with what to do. */
function entryOf(key: AsmnTpmKey, registered: Registered): Entry {
  const { name, tenant, vnf, instance, image, pcrs } = key;
  checkName("TPM key", name);
  checkName("tenant", tenant);
  checkName("VNF", vnf);
  if (instance !== undefined) checkName("instance", instance);
  if (image !== undefined) checkHex("digest", image);
  const read = readPublicKey(key.publicKey);
  if (!read.ok) throw invalid(`TPM key ${name}: ${read.problem}; ${read.remedy}`);
  checkPcrs(pcrs);
  return {
    row: {
      ...{ name, tenant, vnf, instance, image, ...registered },
      keyId: toHex(tpmKeyId(read.der)),
      algorithm: read.algorithm,
      pcrs: [...pcrs].sort((a, b) => a.pcr - b.pcr),
    },
    publicKey: read.der,
  };
}

function checkPcrs(pcrs: readonly AsmnPcr[]): void {
  if (pcrs.length === 0) throw invalid("a quote without PCRs shows nothing; name one at least");
  const numbers = new Set(pcrs.map(({ pcr }) => pcr));
  if (numbers.size < pcrs.length) throw invalid("a PCR stands in the list twice; keep one of them");
  for (const { pcr, value } of pcrs) {
    if (!Number.isInteger(pcr) || pcr < 0 || pcr >= PCR_COUNT) {
      throw invalid(`a PCR is 0 to ${PCR_COUNT - 1}`);
    }
    if (RESETTABLE_PCRS.includes(pcr)) {
      throw invalid(
        `PCR ${pcr} can be set back by whoever runs there, so it shows nothing; use others`,
      );
    }
    if (value !== "image") checkHex(`value of PCR ${pcr}`, value);
  }
}
