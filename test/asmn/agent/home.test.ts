/** The agent's directory: key, modes, one agent at a time, and waits that grow. */
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AgentHome } from "../../../src/asmn/agent/home.js";
import { writeStatus, type AgentStatus } from "../../../src/asmn/agent/status.js";

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), "evpnd-home-"));
});
afterAll(() => {
  rmSync(top, { recursive: true, force: true });
});

const mode = (path: string): number => statSync(path).mode & 0o777;

test("the key is made once, and nobody else can read it or the directory", () => {
  const directory = join(top, "one");
  const first = new AgentHome(directory).key();
  expect(new AgentHome(directory).key().publicKey).toEqual(first.publicKey);
  expect(mode(directory)).toBe(0o700);
  expect(mode(join(directory, "instance.key"))).toBe(0o600);
});

test("two that make the key in one instant have one key", () => {
  const directory = join(top, "together");
  const late = new AgentHome(directory);
  const early = new AgentHome(directory).key();
  // It looked before the other one wrote.
  vi.spyOn(late, "read").mockReturnValueOnce(undefined);
  expect(late.key().publicKey).toEqual(early.publicKey);
});

test("a directory that others can read is closed to them; a key that they could is refused", () => {
  const directory = join(top, "open");
  const home = new AgentHome(directory);
  home.key();
  chmodSync(directory, 0o755);
  new AgentHome(directory);
  expect(mode(directory)).toBe(0o700);
  chmodSync(join(directory, "instance.key"), 0o644);
  expect(() => home.key()).toThrow("others can read");
});

test("what is no key is said to be none, and not quoted", () => {
  const directory = join(top, "broken");
  const home = new AgentHome(directory);
  writeFileSync(join(directory, "instance.key"), "something secret", { mode: 0o600 });
  expect(() => home.key()).toThrow("holds no Ed25519 key");
  expect(() => home.key()).not.toThrow("something secret");
});

test("ASM-80: a second agent in the same directory is refused; after the first has gone it is not", () => {
  const home = new AgentHome(join(top, "lock"));
  home.lock();
  home.lock();
  expect(() => new AgentHome(home.directory).lock()).toThrow(`process id ${process.pid} uses`);
  home.unlock();
  // A process that lives and is no agent: its number was used again.
  writeFileSync(home.path("agent.lock.9"), "1 1 boot\n");
  home.lock();
  home.unlock();
});

test("a link that somebody puts beside the status file leads nowhere", () => {
  const [path, prey] = [join(top, "status.json"), join(top, "prey")];
  writeFileSync(prey, "mine");
  symlinkSync(prey, `${path}.new`);
  writeStatus(path, { tenant: "red" } as AgentStatus);
  expect(readFileSync(prey, "utf8")).toBe("mine");
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ tenant: "red" });
});
