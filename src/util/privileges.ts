/** Giving up root for good once the ports are bound. */
import { chownSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export class PrivilegeError extends Error {}

/** Node.js has `initgroups`; its types leave it out. */
type PosixProcess = typeof process & {
  initgroups?: (user: string | number, extraGroup: string | number) => void;
};

/**
 * Becomes `group` (default: the user's primary one, set by `initgroups`) and `user`; throws
 * `PrivilegeError` with a sentence that says what to do. Does nothing when neither is given.
 */
export function dropPrivileges(user: string | undefined, group: string | undefined): void {
  if (user === undefined && group === undefined) return;
  const { getuid, setuid, setgid, initgroups } = process as PosixProcess;
  if (getuid === undefined || setuid === undefined || setgid === undefined) {
    throw new PrivilegeError("this system has no users to change to; leave user and group out");
  }
  if (getuid.call(process) !== 0) {
    throw new PrivilegeError(
      "user and group can only be changed by root; start evpnd as root, or leave them out",
    );
  }
  try {
    const primary = group ?? primaryGroup(user ?? "");
    if (user !== undefined) initgroups?.call(process, user, primary);
    else process.setgroups?.([]);
    setgid.call(process, primary);
    if (user !== undefined) setuid.call(process, user);
  } catch (error) {
    const name = [user, group].filter((part) => part !== undefined).join(":");
    throw new PrivilegeError(
      `cannot become ${name} (${(error as Error).message}); check that user and group exist`,
    );
  }
  assertDropped(user);
}

/**
 * Gives a directory, and the files right in it, to the user and group that `dropPrivileges` will become, so
 * that what root has opened can be opened again. Does nothing unless run by root with a user or a group to become.
 */
export function giveDirectory(
  directory: string,
  user: string | undefined,
  group: string | undefined,
): void {
  if ((user === undefined && group === undefined) || process.getuid?.() !== 0) return;
  const uid = user === undefined ? 0 : idOf(user, "/etc/passwd");
  const gid = group !== undefined ? idOf(group, "/etc/group") : primaryGroup(user ?? "");
  try {
    for (const name of readdirSync(directory)) chownSync(join(directory, name), uid, gid);
    chownSync(directory, uid, gid);
  } catch {
    // Whoever uses the directory will say what is wrong with it.
  }
}

function idOf(name: string, file: string): number {
  if (/^\d+$/.test(name)) return Number(name);
  const entry = readLines(file).find((line) => line[0] === name);
  const id = Number(entry?.[2]);
  if (entry !== undefined && Number.isInteger(id)) return id;
  throw new PrivilegeError(`there is no ${name} in ${file}; check that user and group exist`);
}

function primaryGroup(user: string): number {
  const entry = readPasswd().find((line) => line[0] === user || line[2] === user);
  const id = Number(entry?.[3]);
  if (Number.isInteger(id)) return id;
  throw new Error(`no user ${user} in /etc/passwd; name the group too`);
}

function readPasswd(): string[][] {
  return readLines("/etc/passwd");
}

function readLines(file: string): string[][] {
  return readFileSync(file, "utf8")
    .split("\n")
    .map((line) => line.split(":"));
}

function assertDropped(user: string | undefined): void {
  if (user === undefined || user === "root" || user === "0") return;
  let regained = true;
  try {
    process.setuid?.(0);
  } catch {
    regained = false;
  }
  if (regained) throw new PrivilegeError("root could be taken back; refusing to run on");
}
