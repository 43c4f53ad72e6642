import { expect, test } from "vitest";
import {
  CatalogLedger,
  decodeCatalog,
  encodeCatalog,
  openCatalog,
  type OpenedCatalog,
} from "../../../src/asmn/catalog/index.js";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { catalogOf, issuerOf, keyOf, signedOf, signer, WRITTEN } from "./lib.js";

function opened(document: Uint8Array, keys = keyOf): OpenedCatalog {
  const outcome = openCatalog(document, keys);
  if (outcome.kind === "refused") throw new Error(outcome.reason);
  return outcome.opened;
}

function refusal(document: Uint8Array): string {
  const outcome = openCatalog(document, keyOf);
  return outcome.kind === "refused" ? outcome.reason : "";
}

test("ASM-70: a catalog is signed, and says whose it is", () => {
  const { catalog, issuer } = opened(signedOf(WRITTEN));
  expect(catalog).toEqual(catalogOf(WRITTEN));
  expect(issuer).toBe(issuerOf(signer));
});

test("ASM-70: a catalog that was touched, or that nobody known signed, is refused", () => {
  const document = signedOf(WRITTEN);
  for (const at of [0, 40, 200, document.length - 64, document.length - 1]) {
    const touched = Uint8Array.from(document);
    touched[at] = (touched[at] ?? 0) ^ 1;
    expect(refusal(touched), String(at)).not.toBe("");
  }
  expect(refusal(signedOf(WRITTEN, generateSigningKey()))).toMatch(/may not sign catalogs/);
  expect(refusal(new Uint8Array(10))).toBe("the catalog has no signature");
  const other = Uint8Array.from(signedOf({ ...WRITTEN, version: 9 }));
  const mixed = Buffer.concat([document.subarray(0, -64), other.subarray(-64)]);
  expect(refusal(mixed)).toMatch(/signature .* is wrong/);
});

test("ASM-70: one catalog has one encoding", () => {
  const body = Buffer.from(encodeCatalog(catalogOf(WRITTEN), issuerOf(signer)));
  expect(decodeCatalog(body).kind).toBe("catalog");
  const spaced = Buffer.from(body.toString().replace('"tenant"', ' "tenant"'));
  expect(decodeCatalog(spaced)).toMatchObject({
    reason: "the catalog is not in its one canonical form",
  });
  expect(decodeCatalog(Buffer.from([0xff, 0xfe]))).toMatchObject({ kind: "refused" });
  expect(decodeCatalog(Buffer.alloc(2_000_000, 0x5b))).toMatchObject({ kind: "refused" });
});

test("ASM-70: no octets make the reader throw", () => {
  const document = signedOf(WRITTEN);
  let state = 7;
  const random = (most: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % most;
  };
  for (let round = 0; round < 3000; round++) {
    const body = Uint8Array.from(document.subarray(0, -64));
    for (let change = 0; change <= random(4); change++) body[random(body.length)] = random(256);
    expect(["catalog", "refused"]).toContain(decodeCatalog(body.subarray(0, random(1200))).kind);
    expect(["catalog", "refused"]).toContain(decodeCatalog(body).kind);
  }
});

test("ASM-70: an older version is refused, also after a restart, and with the tenant's catalog gone", () => {
  const [one, two] = [1, 2].map((version) => opened(signedOf({ ...WRITTEN, version })));
  const ledger = new CatalogLedger();
  expect(ledger.take(two!)).toEqual({ kind: "taken" });
  expect(ledger.take(two!)).toEqual({ kind: "same" });
  expect(ledger.take(one!)).toMatchObject({
    kind: "refused",
    reason:
      "catalog 1 of acme is older than 2, which was in force: give the older content a higher version",
  });
  const next = new CatalogLedger();
  next.restore("acme", ledger.floor("acme")!);
  expect(next.get("acme")).toBeUndefined();
  expect(next.take(one!).kind).toBe("refused");
  expect(next.take(two!).kind).toBe("taken");
});

test("ASM-70: two catalogs of one version are a fault; one that another key signs is the same", () => {
  const ledger = new CatalogLedger();
  ledger.take(opened(signedOf(WRITTEN)));
  const changed = opened(signedOf({ ...WRITTEN, abnormal: "drop" }));
  expect(ledger.take(changed)).toMatchObject({
    reason:
      "catalog 1 of acme differs from the one of the same version that was taken: give it a higher version",
  });
  const key = generateSigningKey();
  const anew = opened(signedOf(WRITTEN, key), () => key.publicKey);
  expect(ledger.take(anew)).toEqual({ kind: "same" });
});
