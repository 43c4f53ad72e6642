/**
 * The secret store's file: mode 0600, replaced as a whole. With a key file it is encrypted:
 *   "evpnd-secrets-1\n" | 16 salt | 12 nonce | 16 tag | AES-256-GCM of the JSON text
 * Key: HKDF-SHA-256 of the key file's octets with the salt. Without one it is the JSON text itself, and its
 * mode is what protects it.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { SecretSettings } from "../settings.js";
import { SecretError } from "./control.js";

const MAGIC = Buffer.from("evpnd-secrets-1\n");
const SALT = 16;
const NONCE = 12;
const TAG = 16;
const KEY = 32;
const MOST_OCTETS = 64 * 1024 * 1024;
/** Group and others. */
const NOT_OURS = 0o077;

export class Vault {
  private readonly settings: SecretSettings;

  constructor(settings: SecretSettings) {
    this.settings = settings;
  }

  /** The text that was saved last; undefined when there is none. Rejects with `SecretError`. */
  async load(): Promise<string | undefined> {
    const { file, keyFile } = this.settings;
    const bytes = await readPrivate(file, "the secret store");
    if (bytes === undefined) return undefined;
    const sealed = bytes.subarray(0, MAGIC.length).equals(MAGIC);
    if (keyFile === undefined) {
      if (!sealed) return bytes.toString("utf8");
      throw unavailable(`${file} is encrypted`, "name its key file (ipsec.secrets.key-file)");
    }
    // The first save after a key file was named encrypts it.
    if (!sealed) return bytes.toString("utf8");
    return this.opened(bytes, await keyOctets(keyFile));
  }

  /** On the disk when it resolves; a crash leaves the old text or the new one. */
  async save(text: string): Promise<void> {
    const { file, keyFile } = this.settings;
    const bytes =
      keyFile === undefined ? Buffer.from(text, "utf8") : sealed(text, await keyOctets(keyFile));
    const beside = `${file}.new`;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      const handle = await open(beside, "w", 0o600);
      try {
        await handle.chmod(0o600);
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, file);
    } catch (error) {
      throw unavailable(
        `${file} cannot be written (${codeOf(error)})`,
        "check the directory's permissions and the disk",
      );
    }
  }

  private opened(bytes: Buffer, secret: Buffer): string {
    const { file } = this.settings;
    let at = MAGIC.length;
    const take = (length: number): Buffer => bytes.subarray(at, (at += length));
    const [salt, nonce, tag] = [take(SALT), take(NONCE), take(TAG)];
    try {
      const decipher = createDecipheriv("aes-256-gcm", derived(secret, salt), nonce);
      decipher.setAAD(MAGIC);
      decipher.setAuthTag(tag);
      const text = Buffer.concat([decipher.update(bytes.subarray(at)), decipher.final()]);
      return text.toString("utf8");
    } catch {
      throw unavailable(
        `${file} does not open with the key file`,
        "use the key file that it was written with, or restore both from a backup",
      );
    }
  }
}

function sealed(text: string, secret: Buffer): Buffer {
  const salt = randomBytes(SALT);
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv("aes-256-gcm", derived(secret, salt), nonce);
  cipher.setAAD(MAGIC);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([MAGIC, salt, nonce, cipher.getAuthTag(), body]);
}

function derived(secret: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, salt, "evpnd ipsec secrets", KEY));
}

async function keyOctets(path: string): Promise<Buffer> {
  const bytes = await readPrivate(path, "the key file of the secret store");
  if (bytes === undefined) {
    throw unavailable(
      `the key file ${path} is not there`,
      `make one: (umask 077; head -c 32 /dev/urandom > ${path})`,
    );
  }
  if (bytes.length >= KEY) return bytes;
  throw unavailable(`the key file ${path} is too short`, `it needs ${KEY} octets or more`);
}

/** Refuses what others can read, or is no file; undefined when it is not there. */
async function readPrivate(path: string, what: string): Promise<Buffer | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > MOST_OCTETS) {
      throw unavailable(`${what}, ${path}, is not a usable file`, "check the path");
    }
    if ((found.mode & NOT_OURS) !== 0) {
      throw unavailable(`${what}, ${path}, is open to others`, `chmod 600 ${path}`);
    }
    return await readFile(path);
  } catch (error) {
    if (error instanceof SecretError) throw error;
    if (codeOf(error) === "ENOENT") return undefined;
    throw unavailable(
      `${what}, ${path}, cannot be read (${codeOf(error)})`,
      "check that evpnd's user owns it",
    );
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown error";
}

function unavailable(problem: string, remedy: string): SecretError {
  return new SecretError("unavailable", `${problem}; ${remedy}`);
}
