/**
 * The agent's directory: who it is and how far its chain has come. Mode 0700, everything in it 0600, written
 * whole and fsync'd. One agent at a time uses it: two with one state would look like a clone to the Sec-EM,
 * and both would be stopped.
 */
import { chmodSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import {
  createFileDurably,
  makeDirectoryDurably,
  writeFileDurably,
} from "../../util/durable-file.js";
import { generateSigningKey, signingKeyFromPem, signingKeyToPem } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { DirectoryLock } from "./lock.js";

/** Why the directory is of no use: a sentence that says what to do. */
export class HomeError extends Error {}

const KEY_FILE = "instance.key";

export class AgentHome {
  readonly directory: string;
  private readonly one: DirectoryLock;

  /** Makes the directory where it is missing. Throws `HomeError`. */
  constructor(directory: string, lock = new DirectoryLock(directory)) {
    this.directory = directory;
    this.one = lock;
    try {
      makeDirectoryDurably(directory, 0o700);
      if ((statSync(directory).mode & 0o077) !== 0) chmodSync(directory, 0o700);
    } catch (error) {
      throw fault(`the state directory ${directory} cannot be used`, error);
    }
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  /** The instance's key, made at the first call ever. Throws `HomeError`. */
  key(): SigningKey {
    const path = this.path(KEY_FILE);
    const known = this.read(KEY_FILE) ?? this.makeKey();
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new HomeError(`others can read ${path}: chmod 600 ${path}, and enrol with a new key`);
    }
    const key = signingKeyFromPem(known);
    if (key !== undefined) return key;
    throw new HomeError(`${path} holds no Ed25519 key: restore it, or remove it and enrol anew`);
  }

  /** @returns what is there then: somebody else may have made one in the same instant, and told its public half */
  private makeKey(): string {
    const made = signingKeyToPem(generateSigningKey());
    try {
      createFileDurably(this.path(KEY_FILE), made);
      return made;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const other = code === "EEXIST" ? this.read(KEY_FILE) : undefined;
      if (other !== undefined) return other;
      throw fault(`${this.path(KEY_FILE)} cannot be written`, error);
    }
  }

  /** Undefined when there is no such file. Throws `HomeError`. */
  read(name: string): string | undefined {
    try {
      return readFileSync(this.path(name), "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw fault(`${this.path(name)} cannot be read`, error);
    }
  }

  /** On the disk when it returns. Throws `HomeError`; the former content stays then. */
  write(name: string, content: string): void {
    try {
      writeFileDurably(this.path(name), content);
    } catch (error) {
      throw fault(`${this.path(name)} cannot be written`, error);
    }
  }

  remove(name: string): void {
    rmSync(this.path(name), { force: true });
  }

  /** Throws `HomeError` while another agent lives here. */
  lock(): void {
    let other: number | undefined;
    try {
      other = this.one.take();
    } catch (error) {
      throw fault(`the lock in ${this.directory} cannot be written`, error);
    }
    if (other === undefined) return;
    throw new HomeError(
      `an agent with process id ${other} uses ${this.directory}: stop it, or give this one its own`,
    );
  }

  unlock(): void {
    this.one.leave();
  }
}

function fault(what: string, error: unknown): HomeError {
  const { code = "unknown error" } = error as NodeJS.ErrnoException;
  const remedy = code === "ENOSPC" ? "make room on the disk" : "check its permissions and the disk";
  return new HomeError(`${what} (${code}): ${remedy}`);
}
