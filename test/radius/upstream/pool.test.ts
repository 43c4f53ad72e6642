/** Where a conversation goes on when a pool gets further members in the middle of it. */
import { expect, test } from "vitest";
import { Pool } from "../../../src/radius/upstream/pool.js";
import type { Upstream } from "../../../src/radius/upstream/upstream.js";

const server = (name: string, pending: number): Upstream =>
  ({ name, state: "alive", pending }) as Upstream;

test("a conversation that began with the only server goes on there, though others have less to do", () => {
  const [only, idle] = [server("only", 9), server("idle", 0)];
  const pool = new Pool("homes", [only], true);
  expect(pool.remembers).toBe(false);
  expect(pool.choose(undefined)).toBe(only);
  pool.configure([idle, only], true);
  expect(pool.remembers).toBe(true);
  expect(pool.choose("began before")).toBe(only);
  expect(pool.choose(undefined)).toBe(idle);
  pool.remember("began now", idle);
  expect(pool.choose("began now")).toBe(idle);
  pool.configure([idle], true);
  expect(pool.choose("began before")).toBe(idle);
});
