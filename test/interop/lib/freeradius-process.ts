/** What every FreeRADIUS of a lab has: a directory of its own, the frame of a configuration, and a start. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "./lab.js";
import type { Program } from "./processes.js";

export interface FreeradiusFiles {
  /** radiusd.conf behind the frame, for a server in this directory. */
  readonly configuration: (directory: string) => string;
  /** Lines of the users file; without them there is none. */
  readonly users?: string;
  /** Most threads; default 1. */
  readonly threads?: number;
}

/** Writes a server's files; gives its directory. */
export function writeFreeradiusFiles(lab: Lab, name: string, files: FreeradiusFiles): string {
  const directory = lab.makeDirectory(name);
  // FreeRADIUS starts from no directory that everybody may write to.
  chmodSync(directory, 0o755);
  const write = (file: string, text: string): void =>
    writeFileSync(lab.mayHoldSecrets(join(directory, file)), text);
  if (files.users !== undefined) write("users", files.users);
  write("dictionary", "$INCLUDE /usr/share/freeradius/dictionary\n");
  write("radiusd.conf", frame(directory, files.threads ?? 1) + files.configuration(directory));
  return directory;
}

/** Resolves when it takes requests. */
export async function startFreeradius(
  lab: Lab,
  label: string,
  name: string,
  directory: string,
): Promise<Program> {
  const words = ["-f", "-l", "stdout", "-d", directory, "-n", "radiusd"];
  const program = lab.start(label, name, "freeradius", words);
  await program.says("Ready to process requests");
  return program;
}

/** What a `linelog` has written. */
export function loggedLines(directory: string, file: string): string[] {
  const path = join(directory, file);
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "");
}

function frame(directory: string, threads: number): string {
  return `
prefix = /usr
libdir = /usr/lib/freeradius
run_dir = ${directory}
max_requests = 65536
log {
  destination = stdout
}
security {
  max_attributes = 200
  reject_delay = 0
  status_server = yes
}
thread pool {
  start_servers = 1
  max_servers = ${threads}
  min_spare_servers = 1
  max_spare_servers = ${threads}
  max_requests_per_server = 0
}
`;
}
