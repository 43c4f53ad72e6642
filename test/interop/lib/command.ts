/** Short-lived commands: run, collect, complain with what they said. */
import { execFile, execFileSync } from "node:child_process";

const LIMIT = 64 * 1024 * 1024;

/** Standard output of a command that must succeed. */
export function command(file: string, args: readonly string[], timeout = 60_000): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(file, [...args], { maxBuffer: LIMIT, timeout }, (error, stdout, stderr) => {
      if (error) {
        reject(new Error(`${file} ${args.join(" ")}: ${error.message}\n${stdout}${stderr}`));
      } else resolve(stdout);
    });
  });
}

/** The same, at once, for set-up and tear-down. */
export function commandSync(file: string, args: readonly string[], input?: string): string {
  return execFileSync(file, [...args], {
    encoding: "utf8",
    maxBuffer: LIMIT,
    stdio: ["pipe", "pipe", "pipe"],
    ...(input === undefined ? {} : { input }),
  });
}
