/** Giving up root for good once the ports are bound. */
import { readFileSync } from "node:fs";

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

function primaryGroup(user: string): number {
  const entry = readPasswd().find((line) => line[0] === user || line[2] === user);
  const id = Number(entry?.[3]);
  if (Number.isInteger(id)) return id;
  throw new Error(`no user ${user} in /etc/passwd; name the group too`);
}

function readPasswd(): string[][] {
  return readFileSync("/etc/passwd", "utf8")
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
