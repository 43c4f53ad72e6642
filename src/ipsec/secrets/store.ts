/**
 * The secret store: pre-shared keys, certificates and their keys by name. Kept in memory and in one file
 * (`vault.ts`). Changes are done one after another, and count only once they are on the disk.
 */
import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { SecretSettings } from "../settings.js";
import {
  SecretError,
  type ExportedTexts,
  type ExportTexts,
  type GenerateSecret,
  type NamedSecret,
  type SecretControl,
  type SecretFacts,
  type SecretReader,
  type SetSecret,
} from "./control.js";
import {
  checkCredential,
  factsOf,
  generatedValue,
  liveCredentials,
  type Credential,
  type SecretEntry,
} from "./credential.js";
import { keyOctets } from "./entropy.js";
import { filled, writeExport } from "./export.js";
import { redactor, secretForms } from "./redact.js";
import { Vault } from "./vault.js";

interface Document {
  readonly fingerprintKey: string;
  readonly entries: Readonly<Record<string, SecretEntry>>;
}

export interface SecretStoreParts {
  readonly settings: SecretSettings;
  /** Who needs a secret: it cannot be removed meanwhile. */
  readonly users: (name: string) => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

const MOST_SECRETS = 10_000;
const MOST_OVERLAP_SECONDS = 366 * 86_400;

export class SecretStore implements SecretControl, SecretReader {
  private readonly parts: SecretStoreParts;
  private readonly vault: Vault;
  private entries = new Map<string, SecretEntry>();
  private fingerprintKey: Buffer = randomBytes(32);
  private last: Promise<unknown> = Promise.resolve();
  private blank: ((text: string) => string) | undefined;

  /** Rejects with `SecretError` (`unavailable`): the sentence says what to do. */
  static async open(parts: SecretStoreParts): Promise<SecretStore> {
    const store = new SecretStore(parts);
    const text = await store.vault.load();
    if (text !== undefined) store.read(text);
    return store;
  }

  private constructor(parts: SecretStoreParts) {
    this.parts = parts;
    this.vault = new Vault(parts.settings);
  }

  live(name: string): readonly Uint8Array[] {
    const entry = this.entries.get(name);
    if (entry === undefined) return [];
    const isKey = entry.kind === "psk" || entry.kind === "ppk";
    return liveCredentials(entry, this.now()).map(({ value }) =>
      isKey ? keyOctets(value) : Buffer.from(value, "utf8"),
    );
  }

  facts(name: string): SecretFacts | undefined {
    const entry = this.entries.get(name);
    return entry && factsOf(name, entry, this.fingerprintKey, this.now());
  }

  redact(text: string): string {
    this.blank ??= redactor(
      [...this.entries.values()]
        .filter(({ kind }) => kind !== "certificate")
        .flatMap(({ credentials }) =>
          credentials.flatMap(({ value }) => secretForms(value, keyOctets(value))),
        ),
    );
    return this.blank(text);
  }

  list(): Promise<readonly SecretFacts[]> {
    const names = [...this.entries.keys()].sort();
    return Promise.resolve(names.flatMap((name) => this.facts(name) ?? []));
  }

  set(order: SetSecret): Promise<SecretFacts> {
    return this.inTurn(async () => {
      const { name, kind, value, actor, overlapSeconds } = order;
      checkCredential(name, kind, value);
      const before = this.entries.get(name);
      if (before === undefined && this.entries.size >= MOST_SECRETS) {
        throw new SecretError("invalid", `there are ${MOST_SECRETS} secrets; remove some first`);
      }
      if (before !== undefined && before.kind !== kind) {
        throw new SecretError(
          "invalid",
          `"${name}" is a ${before.kind}; choose another name for a ${kind}`,
        );
      }
      const entry: SecretEntry = {
        kind,
        origin: order.origin ?? "given",
        seenInClear: order.seenInClear ?? false,
        credentials: this.withOlder({ value, created: this.now() }, before, overlapSeconds),
      };
      await this.commit(new Map(this.entries).set(name, entry));
      this.audit(actor, before === undefined ? "set" : "changed", name);
      return this.factsNow(name);
    });
  }

  async generate(order: GenerateSecret): Promise<SecretFacts> {
    const { name, kind, bits, overlapSeconds, actor } = order;
    const value = generatedValue(bits);
    return this.set({ name, kind, value, overlapSeconds, actor, origin: "generated" });
  }

  retire({ name, actor }: NamedSecret): Promise<SecretFacts> {
    return this.inTurn(async () => {
      const entry = this.entry(name);
      const credentials = entry.credentials.slice(0, 1);
      await this.commit(new Map(this.entries).set(name, { ...entry, credentials }));
      this.audit(actor, "older credential retired", name);
      return this.factsNow(name);
    });
  }

  remove({ name, actor }: NamedSecret): Promise<void> {
    return this.inTurn(async () => {
      this.entry(name);
      const users = this.parts.users(name);
      if (users.length > 0) {
        throw new SecretError(
          "in-use",
          `"${name}" is in use by ${users.slice(0, 5).join(", ")}; take it out there first`,
        );
      }
      const rest = new Map(this.entries);
      rest.delete(name);
      await this.commit(rest);
      this.audit(actor, "removed", name);
    });
  }

  exportFile({ name, actor }: NamedSecret): Promise<string> {
    return this.inTurn(async () => {
      const newest = this.entry(name).credentials[0]!;
      const text = `${newest.value.trimEnd()}\n`;
      const path = await writeExport(this.exports, `${name}-${this.stamp}`, text);
      this.audit(actor, "exported to a file", name);
      return path;
    });
  }

  exportTexts({ title, texts, actor }: ExportTexts): Promise<ExportedTexts> {
    return this.inTurn(async () => {
      const { stamp } = this;
      const files: string[] = [];
      const used = new Set<string>();
      const left = new Set<string>();
      for (const { name, text } of texts) {
        const done = filled(text, (secret) => {
          const value = this.entries.get(secret)?.credentials[0]?.value.trimEnd();
          if (value !== undefined) used.add(secret);
          return value;
        });
        for (const secret of done.left) left.add(secret);
        const file = `${basename(title)}-${stamp}-${basename(name)}`;
        files.push(await writeExport(this.exports, file, done.text));
      }
      for (const secret of left) used.delete(secret);
      for (const secret of used) this.audit(actor, `exported in a text of ${title}`, secret);
      return { files, left: [...left] };
    });
  }

  private get exports(): string {
    return join(dirname(this.parts.settings.file), "exported");
  }

  private get stamp(): string {
    return new Date(this.now()).toISOString().replace(/[:.]/g, "");
  }

  private now(): number {
    return this.parts.clock.wall();
  }

  private entry(name: string): SecretEntry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new SecretError("not-found", `there is no secret "${name}"`);
    return entry;
  }

  private factsNow(name: string): SecretFacts {
    return factsOf(name, this.entry(name), this.fingerprintKey, this.now());
  }

  private withOlder(
    newest: Credential,
    before: SecretEntry | undefined,
    overlapSeconds = 0,
  ): readonly Credential[] {
    const older = before?.credentials[0];
    if (older === undefined || overlapSeconds === 0) return [newest];
    if (!(overlapSeconds > 0 && overlapSeconds <= MOST_OVERLAP_SECONDS)) {
      throw new SecretError(
        "invalid",
        "an overlap is from 1 second to a year; leave it out for none",
      );
    }
    return [newest, { ...older, until: this.now() + 1000 * overlapSeconds }];
  }

  private async commit(entries: Map<string, SecretEntry>): Promise<void> {
    const document: Document = {
      fingerprintKey: this.fingerprintKey.toString("hex"),
      entries: Object.fromEntries(entries),
    };
    await this.vault.save(JSON.stringify(document));
    this.entries = entries;
    this.blank = undefined;
  }

  private read(text: string): void {
    try {
      const document = JSON.parse(text) as Document;
      this.entries = new Map(Object.entries(document.entries));
      this.fingerprintKey = Buffer.from(document.fingerprintKey, "hex");
    } catch {
      // Not in the parser's words: they quote the text.
      throw new SecretError(
        "unavailable",
        `${this.parts.settings.file} is damaged; restore it from a backup`,
      );
    }
  }

  private audit(actor: string, what: string, name: string): void {
    this.parts.log.info({ actor, secret: name, audit: true }, `secret ${what}`);
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.last.then(run);
    this.last = result.catch(() => {});
    return result;
  }
}
