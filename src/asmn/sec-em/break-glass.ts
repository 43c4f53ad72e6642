/**
 * Break-glass (ASM-81): documents that let somebody in for a while without a verdict, signed here, named, in
 * the audit log, and over by themselves, or earlier by hand. A gate takes each once.
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../util/clock.js";
import { toHex } from "../../util/bytes.js";
import { signBreakGlass } from "../protocol/index.js";
import { SecEmError, type BreakGlassRequest, type BreakGlassRow } from "./control.js";
import { deadlineOf } from "./deadline.js";
import type { KeyStore } from "./key-store.js";
import { checkAddress, checkName, checkScope, checkSeconds, checkText } from "./names.js";
import type { Records } from "./records.js";

interface GlassRecord extends BreakGlassRequest {
  readonly id: string;
  readonly serial: number;
  readonly begins: number;
  readonly ends: number;
  readonly ended: boolean;
  readonly document: string;
}

interface Glass {
  record: GlassRecord;
  readonly deadline: number;
}

const MOST_OPEN = 100;
const LEAST_SECONDS = 60;
const MOST_SECONDS = 86_400;

export class BreakGlassBook {
  private readonly records: Records;
  private readonly clock: Clock;
  private readonly keys: KeyStore;
  private readonly secEm: string;
  private readonly book = new Map<string, Glass>();

  constructor(records: Records, clock: Clock, keys: KeyStore, secEm: string) {
    this.records = records;
    this.clock = clock;
    this.keys = keys;
    this.secEm = secEm;
  }

  async load(): Promise<void> {
    for (const { value } of await this.records.all("glass/")) {
      const record = value as unknown as GlassRecord;
      const deadline = deadlineOf(this.clock, record.ends, record.ends - record.begins);
      this.book.set(record.id, { record, deadline });
    }
  }

  /** @throws SecEmError `invalid` */
  static check({ scope, address, name, reason, seconds }: BreakGlassRequest): void {
    checkScope(scope);
    checkName("person who answers for it", name);
    checkText("reason", reason);
    checkSeconds("break-glass", seconds, LEAST_SECONDS, MOST_SECONDS);
    if (address !== undefined) checkAddress(address);
  }

  /** @param serial never given before */
  async open(request: BreakGlassRequest, audience: string, serial: number): Promise<BreakGlassRow> {
    const { scope, address, name, reason, seconds } = request;
    BreakGlassBook.check(request);
    await this.forget();
    const open = this.rows().filter(({ state }) => state === "open");
    if (open.length >= MOST_OPEN) {
      throw new SecEmError("conflict", `${MOST_OPEN} are open already; end some, or wait`);
    }
    const begins = Math.trunc(this.clock.wall());
    const ends = begins + Math.trunc(seconds * 1000);
    const document = signBreakGlass(
      {
        ...{ secEm: this.secEm, audience, serial, operator: name, why: reason, address },
        ...{ tenant: scope.tenant, vnf: scope.vnf, instance: scope.instance },
        ...{ notBefore: begins, notAfter: ends },
      },
      this.keys.current("break-glass"),
    );
    const id = randomBytes(8).toString("hex");
    const record: GlassRecord = {
      ...{ scope, address, name, reason, seconds, id, serial, begins, ends, ended: false },
      document: toHex(document),
    };
    await this.records.write({ key: `glass/${id}`, value: record });
    const glass = { record, deadline: deadlineOf(this.clock, ends, seconds * 1000) };
    this.book.set(id, glass);
    return this.row(glass);
  }

  /** @returns what it was, and its serial: what gates are told */
  async end(id: string): Promise<{ readonly row: BreakGlassRow; readonly serial: number }> {
    const glass = this.book.get(id);
    if (glass === undefined)
      throw new SecEmError("not-found", `there is no break-glass ${id.slice(0, 80)}`);
    const record = { ...glass.record, ended: true };
    glass.record = record;
    await this.records.write({ key: `glass/${id}`, value: record });
    return { row: this.row(glass), serial: record.serial };
  }

  rows(): readonly BreakGlassRow[] {
    return [...this.book.values()].map((glass) => this.row(glass));
  }

  /** Documents that still count, for readers that come. */
  documents(): readonly Uint8Array[] {
    return this.rows()
      .filter(({ state }) => state === "open")
      .map(({ document }) => Buffer.from(document, "hex"));
  }

  /** Serials of those that were ended by hand, and would still count. */
  ended(): readonly number[] {
    const now = this.clock.now();
    return [...this.book.values()].flatMap(({ record, deadline }) =>
      record.ended && now < deadline ? [record.serial] : [],
    );
  }

  private row({ record, deadline }: Glass): BreakGlassRow {
    const { scope, address, name, reason, seconds, id, begins, ends, ended, document } = record;
    const state = ended ? "ended" : this.clock.now() >= deadline ? "expired" : "open";
    return { scope, address, name, reason, seconds, id, begins, ends, state, document };
  }

  private async forget(): Promise<void> {
    const now = this.clock.now();
    const old = [...this.book.values()].filter(
      ({ deadline }) => now > deadline + MOST_SECONDS * 1000,
    );
    if (old.length === 0) return;
    await this.records.write(
      ...old.map(({ record }) => ({ key: `glass/${record.id}`, value: undefined })),
    );
    for (const { record } of old) this.book.delete(record.id);
  }
}
