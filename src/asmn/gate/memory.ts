/**
 * What a gate must not forget over a restart: the highest epoch of each instance, the floors of the Sec-EMs'
 * keys, and break-glass documents that were used, or are open. Written whole and fsync'd before anything new is acted on.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeDirectoryDurably } from "../../util/durable-file.js";
import { generateSigningKey, signingKeyFromPem, signingKeyToPem } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { writeFileDurably } from "../measure/index.js";
import type { Epochs, Floors, KnownSecEm } from "../protocol/index.js";
import type { KeptGlass } from "./kept-glass.js";

export interface GateMemory {
  readonly epochs: Epochs;
  readonly floors: Floors;
  /** Break-glass documents taken: `<Sec-EM> <serial>`. */
  readonly glass: readonly string[];
  /** Those of them that are open. */
  readonly open: readonly KeptGlass[];
  /** Of keys that sign such documents: octets as hexadecimal. */
  readonly certificates: readonly string[];
  /** By name: epoch and revocations of each Sec-EM, so that one that goes back is noticed. */
  readonly known: Readonly<Record<string, KnownSecEm>>;
}

const FILE = "gate.json";
const KEY_FILE = "gate.key";
const NOTHING: GateMemory = {
  ...{ epochs: {}, floors: {}, glass: [], open: [], certificates: [], known: {} },
};

/** Why the directory or the key is of no use: a sentence that says what to do. */
export class GateFileError extends Error {}

export class GateFiles {
  private readonly directory: string;
  private written = "";

  /** Makes the directory where it is missing. Throws `GateFileError`. */
  constructor(directory: string) {
    this.directory = directory;
    try {
      makeDirectoryDurably(directory, 0o700);
    } catch (error) {
      throw new GateFileError(`the gate's state directory ${directory}: ${String(error)}`);
    }
  }

  /** The gate's own key: from the file given, or made here at the first start. Throws `GateFileError`. */
  key(keyFile: string | undefined): SigningKey {
    const path = keyFile ?? join(this.directory, KEY_FILE);
    const text = readText(path);
    if (text === undefined && keyFile === undefined) {
      const made = generateSigningKey();
      writeFileDurably(path, signingKeyToPem(made));
      return made;
    }
    const key = text === undefined ? undefined : signingKeyFromPem(text);
    if (key !== undefined) return key;
    throw new GateFileError(`${path} holds no Ed25519 key in PEM: restore it, or name another`);
  }

  /** Throws `GateFileError`: to begin with nothing would forget which Sec-EMs were replaced. */
  load(): GateMemory {
    const path = join(this.directory, FILE);
    const text = readText(path);
    if (text === undefined) return NOTHING;
    try {
      const read = JSON.parse(text) as Partial<GateMemory>;
      const { epochs = {}, floors = {}, glass = [], known = {} } = read;
      const { open = [], certificates = [] } = read;
      if (!isNumbers(epochs) || !isNumbers(floors)) throw new Error("shape");
      if (![glass, open, certificates].every((one) => Array.isArray(one))) throw new Error("shape");
      this.written = text;
      const [used, keys] = [glass.map(String), certificates.map(String)];
      return { epochs, floors, glass: used, open, certificates: keys, known };
    } catch {
      throw new GateFileError(
        `${path} is damaged: restore it; or remove it, when no Sec-EM was ever replaced`,
      );
    }
  }

  /** Throws the system's error when it could not be stored. */
  store(memory: GateMemory): void {
    const text = JSON.stringify(memory);
    if (text === this.written) return;
    writeFileDurably(join(this.directory, FILE), text);
    this.written = text;
  }
}

function isNumbers(value: unknown): value is Record<string, number> {
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).every((one) => Number.isSafeInteger(one));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new GateFileError(`${path} cannot be read: ${(error as Error).message}`);
  }
}
