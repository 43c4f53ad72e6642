/** Names of MRT files, and which of them retention removes. */
import { readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { MrtFileSettings } from "../settings.js";

/** `updates.20260102.030405`: UTC of the file's beginning. */
export function fileName(name: string, wallMs: number, compress: boolean): string {
  const digits = new Date(wallMs).toISOString().replaceAll(/[-:]/g, "").slice(0, 15);
  return `${name}.${digits.replace("T", ".")}${compress ? ".gz" : ""}`;
}

/** While it is written. */
export function partName(final: string): string {
  return `.${final}.part`;
}

/** The same with a number where the name is taken. */
export async function freeName(directory: string, final: string): Promise<string> {
  const [, base = final, tail = ""] = /^(.*?)(\.gz)?$/.exec(final) ?? [];
  for (let number = 1; ; number++) {
    const name = number === 1 ? final : `${base}-${number}${tail}`;
    if ((await exists(join(directory, name))) || (await exists(join(directory, partName(name)))))
      continue;
    return name;
  }
}

/** What an evpnd that was killed left half written gets a name that retention knows. */
export async function adoptParts(directory: string, name: string): Promise<void> {
  const pattern = new RegExp(`^\\.(${escape(name)}\\.\\d{8}\\.\\d{6}.*)\\.part$`);
  for (const entry of await readdir(directory)) {
    const final = pattern.exec(entry)?.[1];
    if (final !== undefined)
      await rename(join(directory, entry), join(directory, `${final}.partial`));
  }
}

interface KeptFile {
  readonly path: string;
  readonly began: string;
  readonly number: number;
  readonly octets: number;
  readonly modified: number;
}

/** Removes the oldest finished files of this name beyond what is kept; returns how many are left. */
export async function retain(settings: MrtFileSettings, wallMs: number): Promise<number> {
  const { directory, name, keepFiles, keepOctets, keepSeconds } = settings;
  const pattern = new RegExp(
    `^${escape(name)}\\.(\\d{8}\\.\\d{6})(?:-(\\d+))?(\\.gz)?(\\.partial)?$`,
  );
  const files: KeptFile[] = [];
  for (const entry of await readdir(directory)) {
    const [matched, began = "", number = "1"] = pattern.exec(entry) ?? [];
    if (matched === undefined) continue;
    const path = join(directory, entry);
    const { size, mtimeMs } = await stat(path);
    files.push({ path, began, number: Number(number), octets: size, modified: mtimeMs });
  }
  files.sort((a, b) => (a.began < b.began ? -1 : a.began > b.began ? 1 : a.number - b.number));
  let octets = files.reduce((sum, file) => sum + file.octets, 0);
  let left = files.length;
  for (const file of files) {
    const tooMany = keepFiles > 0 && left > keepFiles;
    const tooLarge = keepOctets > 0 && octets > keepOctets && left > 1;
    const tooOld = keepSeconds > 0 && wallMs - file.modified > keepSeconds * 1000;
    if (!tooMany && !tooLarge && !tooOld) break;
    await unlink(file.path);
    octets -= file.octets;
    left--;
  }
  return left;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}
