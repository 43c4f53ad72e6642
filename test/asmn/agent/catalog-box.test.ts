/** The catalog that an agent has: no way back, none of the same version that says something else, none that is not kept. */
import { mkdirSync, mkdtempSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CatalogBox } from "../../../src/asmn/agent/catalog-box.js";
import { AgentHome } from "../../../src/asmn/agent/home.js";
import { readCatalog, signCatalog } from "../../../src/asmn/catalog/index.js";
import { generateSigningKey, keyId, sha256 } from "../../../src/asmn/crypto/index.js";
import { KeyRing, signKeyCertificate, splitCatalog } from "../../../src/asmn/protocol/index.js";
import { toHex } from "../../../src/util/bytes.js";

const root = generateSigningKey();
const key = generateSigningKey();
const ring = new KeyRing([root.publicKey], () => 0);
ring.take(
  signKeyCertificate(
    {
      ...{ purpose: "catalog", secEm: "em", publicKey: key.publicKey, serial: 1, floor: 1 },
      ...{ notBefore: 0, notAfter: 1 },
    },
    root,
  ),
);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-catalog-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const opened = (): CatalogBox => new CatalogBox(new AgentHome(directory), "red");

/** Gives it a catalog with one line, for this port. @returns what it says to that */
function give(box: CatalogBox, version: number, port: string, called = version): string {
  const outcome = readCatalog({
    ...{ tenant: "red", version, descriptors: ["pe", "rr"], abnormal: "drop", networks: [] },
    entries: [{ from: "pe", to: "rr", protocol: "tcp", port }],
    alarms: [],
  });
  if (outcome.kind !== "catalog") throw new Error(outcome.problems.join());
  const octets = signCatalog(outcome.catalog, toHex(keyId(key.publicKey)), key);
  const whole = { tenant: "red", version: called, digest: sha256(octets), octets };
  const [part] = splitCatalog(whole);
  const taken = box.take({ kind: "catalog", ...part! }, ring, "em");
  return taken.ok ? "taken" : `${taken.reason}: ${taken.sentence}`;
}

test("ASM-70: a lower version, and another one of the same, are refused, also after a restart", () => {
  const box = opened();
  expect(give(box, 5, "179")).toBe("taken");
  for (const one of [box, opened()]) {
    expect(give(one, 4, "179")).toMatch(/^catalog: .*older than 5/);
    expect(give(one, 5, "22")).toMatch(/^catalog: .*differs from the one of the same version/);
    expect(give(one, 5, "179")).toBe("taken");
    expect(one.current?.entries[0]?.ports?.first).toBe(179);
  }
  expect(give(opened(), 7, "22", 6)).toMatch(/^catalog: .*version 7 that was called 6/);
  expect(give(opened(), 6, "22")).toBe("taken");
  expect(opened().named.version).toBe(6);
});

test("ASM-70: one that cannot be kept is not in force", () => {
  const box = opened();
  give(box, 1, "179");
  const block = join(directory, "catalog.json.new");
  mkdirSync(block);
  expect(give(box, 2, "22")).toMatch(/^storage: /);
  expect([box.named.version, box.current?.version]).toEqual([1, 1]);
  rmdirSync(block);
  expect(give(box, 2, "22")).toBe("taken");
});
