import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Is the module at `url` the program that was started (also through a symbolic link in bin/)? */
export function isMain(url: string): boolean {
  const started = process.argv[1];
  return started !== undefined && realpathSync(started) === fileURLToPath(url);
}
