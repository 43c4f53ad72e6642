/**
 * Other Node.js versions, from npm's packages `node-<platform>-<cpu>` (what npm's `node` package
 * installs, without its install script). Kept in node_modules/.cache between runs.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.js";

const CACHE = join(import.meta.dirname, "..", "..", "..", "node_modules", ".cache", "evpnd-node");
const PACKAGE = `node-${process.platform}-${process.arch}`;
/** What npm says when nobody answers. */
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ECONNRESET/;

/** The registry cannot be reached. */
export class NoRegistry extends Error {}

/** Path of a `node` of this major version. */
export async function nodeOf(major: number): Promise<string> {
  const directory = join(CACHE, String(major));
  const node = join(directory, "node_modules", PACKAGE, "bin", "node");
  if (existsSync(node)) return node;
  mkdirSync(directory, { recursive: true });
  const flags = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const install = ["install", "--prefix", directory, ...flags, `${PACKAGE}@${String(major)}`];
  try {
    await command("npm", install, 300_000);
  } catch (error) {
    const text = String(error);
    throw UNREACHABLE.test(text) ? new NoRegistry(text) : error;
  }
  return node;
}
