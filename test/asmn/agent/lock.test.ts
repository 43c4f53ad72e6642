/** One agent in a directory, whoever else begins in the same instant, and whatever the one before has left. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AgentHome } from "../../../src/asmn/agent/home.js";
import { DirectoryLock } from "../../../src/asmn/agent/lock.js";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-lock-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const files = (): string[] => readdirSync(directory).sort();

test("ASM-80: of two agents that begin in one instant one has the directory, and the other is told whose it is", () => {
  const second = new AgentHome(directory);
  let together = true;
  const lock = new DirectoryLock(directory, () => {
    if (together) second.lock();
    together = false;
  });
  const first = new AgentHome(directory, lock);
  expect(() => first.lock()).toThrow(`an agent with process id ${process.pid} uses ${directory}`);
  second.lock();
  second.unlock();
  first.lock();
  expect(() => second.lock()).toThrow("stop it, or give this one its own");
});

test("ASM-80: the same where both have found a dead one's lock", () => {
  writeFileSync(join(directory, "agent.lock.7"), "1 0 another-boot\n");
  const second = new DirectoryLock(directory);
  const first = new DirectoryLock(directory, () => void second.take());
  expect(first.take()).toBe(process.pid);
  expect(second.take()).toBeUndefined();
  expect(files()).toEqual(["agent.lock.8"]);
});

test("ASM-80: who looked before two others came and went takes no number below the one that counts", () => {
  let looks = 0;
  const [passing, staying] = [new DirectoryLock(directory), new DirectoryLock(directory)];
  const late = new DirectoryLock(directory, () => {
    if (looks++ > 0) return;
    passing.take();
    passing.leave();
    staying.take();
  });
  expect(late.take()).toBe(process.pid);
  expect(files()).toEqual(["agent.lock.2"]);
  staying.leave();
  expect(late.take()).toBeUndefined();
});

test("ASM-80: an owner is a process of this boot, with its time of start; anything else is none", () => {
  const lock = new DirectoryLock(directory);
  lock.take();
  const [own] = files();
  const text = readFileSync(join(directory, own!), "utf8");
  const [pid, start, boot] = text.trim().split(" ");
  lock.leave();
  for (const other of [
    "",
    "x",
    `${pid}`,
    `${pid} ${Number(start) + 1} ${boot}`,
    `${pid} ${start} x`,
  ]) {
    writeFileSync(join(directory, "agent.lock.9"), `${other}\n`);
    const next = new DirectoryLock(directory);
    expect(next.take()).toBeUndefined();
    next.leave();
    for (const name of files()) rmSync(join(directory, name));
  }
  writeFileSync(join(directory, "agent.lock.9"), text);
  expect(new DirectoryLock(directory).take()).toBe(process.pid);
});
