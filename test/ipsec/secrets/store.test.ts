/** The secret store on a real disk: what it keeps, what it refuses, and that nothing comes out. */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { keyBits, SecretError, SecretStore } from "../../../src/ipsec/secrets/index.js";
import type { Log } from "../../../src/util/log.js";
import { HandClock } from "../../fib/lib/fabric.js";
import { pki } from "../../lib/pki.js";

const CANARY = canary("Zx93/kk?q%Lm");
const actor = "ops";
let directory: string;
let logged: string[];
let clock: HandClock;

const log: Log = {
  debug: (fields, message) => void logged.push(JSON.stringify(fields) + message),
  info: (fields, message) => void logged.push(JSON.stringify(fields) + message),
  warn: (fields, message) => void logged.push(JSON.stringify(fields) + message),
  error: (fields, message) => void logged.push(JSON.stringify(fields) + message),
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-secrets-"));
  logged = [];
  clock = new HandClock();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const file = () => join(directory, "store", "secrets");
const keyFile = () => join(directory, "key");

function writeKey(mode = 0o600): void {
  writeFileSync(keyFile(), Buffer.alloc(32, 7), { mode });
  chmodSync(keyFile(), mode);
}

const open = (encrypted = false, users: (name: string) => readonly string[] = () => []) =>
  SecretStore.open({
    settings: { file: file(), keyFile: encrypted ? keyFile() : undefined },
    users,
    clock,
    log,
  });

const psk = (name: string, value: string, overlapSeconds?: number) => ({
  name,
  kind: "psk" as const,
  value,
  actor,
  overlapSeconds,
});

const text = (octets: Uint8Array | undefined) => Buffer.from(octets ?? []).toString();

async function refusal(work: Promise<unknown>): Promise<SecretError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof SecretError)) throw new Error("it was not refused");
  return error;
}

describe.each([false, true])("encrypted: %s", (encrypted) => {
  beforeEach(() => writeKey());

  test("IPS-86: a secret is written and never answered; who opens the store anew has it", async () => {
    const store = await open(encrypted);
    const answered = [await store.set(psk("key", CANARY)), ...(await store.list())];
    expect(JSON.stringify(answered)).not.toContain(CANARY);
    expect(logged.join("\n")).toContain("secret set");
    expect(logged.join("\n")).not.toContain(CANARY);
    const again = await open(encrypted);
    expect(again.live("key").map(text)).toEqual([CANARY]);
    expect(again.facts("key")).toEqual(answered[0]);
  });

  test("IPS-86: the file's mode is 0600, and its directory is nobody else's", async () => {
    const store = await open(encrypted);
    await store.set(psk("key", CANARY));
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "store")).mode & 0o777).toBe(0o700);
    expect(readFileSync(file(), "latin1").includes(CANARY)).toBe(!encrypted);
  });

  test("a file that others can read is refused, with what to do", async () => {
    const store = await open(encrypted);
    await store.set(psk("key", CANARY));
    chmodSync(file(), 0o640);
    const { code, message } = await refusal(open(encrypted));
    expect(code).toBe("unavailable");
    expect(message).toContain(`chmod 600 ${file()}`);
  });
});

describe("the key file", () => {
  test.each([
    ["is not there", () => {}, "is not there"],
    ["is open to others", () => writeKey(0o644), "is open to others"],
    ["is short", () => writeFileSync(keyFile(), "short", { mode: 0o600 }), "is too short"],
  ])("%s", async (_name, prepare, words) => {
    prepare();
    const { message } = await refusal(open(true).then((store) => store.set(psk("key", CANARY))));
    expect(message).toContain(words);
    expect(message).not.toContain(CANARY);
  });

  test("another one does not open the store, a changed octet neither", async () => {
    writeKey();
    await (await open(true)).set(psk("key", CANARY));
    const sealed = readFileSync(file());
    writeFileSync(keyFile(), Buffer.alloc(32, 8), { mode: 0o600 });
    expect((await refusal(open(true))).message).toContain("does not open with the key file");
    writeKey();
    sealed[sealed.length - 1]! ^= 1;
    writeFileSync(file(), sealed, { mode: 0o600 });
    expect((await refusal(open(true))).message).toContain("does not open with the key file");
    expect((await refusal(open(false))).message).toContain("is encrypted");
  });

  test("named later, the next change encrypts what was in clear", async () => {
    writeKey();
    await (await open(false)).set(psk("key", CANARY));
    const store = await open(true);
    await store.set(psk("other", "0123456789abcdef"));
    expect(readFileSync(file(), "latin1")).not.toContain(CANARY);
    expect((await open(true)).live("key").map(text)).toEqual([CANARY]);
  });
});

describe("fingerprints", () => {
  test("IPS-86: equal keys have equal ones, of another store others", async () => {
    const store = await open();
    const one = await store.set(psk("one", CANARY));
    const two = await store.set(psk("two", `0x${Buffer.from(CANARY).toString("hex")}`));
    const other = await store.set(psk("other", `${CANARY}!`));
    expect(one.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(two.fingerprint).toBe(one.fingerprint);
    expect(other.fingerprint).not.toBe(one.fingerprint);
    rmSync(join(directory, "store"), { recursive: true });
    const elsewhere = await (await open()).set(psk("one", CANARY));
    expect(elsewhere.fingerprint).not.toBe(one.fingerprint);
  });
});

describe("keys that evpnd makes", () => {
  test.each([undefined, 128, 384])("IPS-82: %s bits", async (bits) => {
    const store = await open();
    const made = await store.generate({ name: "key", kind: "psk", bits, actor });
    expect(made).toMatchObject({ origin: "generated", bits: bits ?? 256, live: 1 });
    expect(store.live("key")[0]).toHaveLength((bits ?? 256) / 8);
    const again = await store.generate({ name: "key", kind: "psk", bits, actor });
    expect(again.fingerprint).not.toBe(made.fingerprint);
  });

  test("fewer than 128 are refused", async () => {
    const store = await open();
    const { code } = await refusal(store.generate({ name: "key", kind: "psk", bits: 64, actor }));
    expect(code).toBe("invalid");
  });
});

describe("IPS-92: two credentials live during a rollover", () => {
  test("the newest first; the older goes by itself, or at once", async () => {
    const store = await open();
    await store.set(psk("key", "first-key"));
    const rolled = await store.set(psk("key", "second-key", 3600));
    expect(rolled).toMatchObject({ live: 2, olderUntil: clock.wall() + 3_600_000 });
    expect(store.live("key").map(text)).toEqual(["second-key", "first-key"]);
    expect((await open()).live("key").map(text)).toEqual(["second-key", "first-key"]);
    clock.time += 3_600_001;
    expect(store.live("key").map(text)).toEqual(["second-key"]);
    expect(store.facts("key")).toMatchObject({ live: 1, olderUntil: undefined });
  });

  test("retired by hand, and never three", async () => {
    const store = await open();
    await store.set(psk("key", "first-key"));
    await store.set(psk("key", "second-key", 3600));
    await store.set(psk("key", "third-key", 3600));
    expect(store.live("key").map(text)).toEqual(["third-key", "second-key"]);
    expect(await store.retire({ name: "key", actor })).toMatchObject({ live: 1 });
    expect(store.live("key").map(text)).toEqual(["third-key"]);
  });

  test("without an overlap a key is replaced at once", async () => {
    const store = await open();
    await store.set(psk("key", "first-key"));
    await store.set(psk("key", "second-key"));
    expect(store.live("key").map(text)).toEqual(["second-key"]);
  });
});

describe("certificates", () => {
  test("IPS-82: what may be told of one, and of its key", async () => {
    const store = await open();
    const certificate = await store.set({
      name: "cert",
      kind: "certificate",
      value: pki("server.crt"),
      actor,
    });
    expect(certificate.notAfter).toBeGreaterThan(0);
    expect(certificate.algorithm).toMatch(/^(ec|ed25519|rsa)/);
    expect(certificate.bits).toBeUndefined();
    const key = await store.set({
      name: "k",
      kind: "private-key",
      value: pki("server.key"),
      actor,
    });
    expect(key.algorithm).toBe(certificate.algorithm);
  });

  test.each(["ed25519", "ec"] as const)("IPS-82: a key of %s", async (type) => {
    const pair =
      type === "ec"
        ? generateKeyPairSync("ec", { namedCurve: "P-384" })
        : generateKeyPairSync("ed25519");
    const value = pair.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const made = await (await open()).set({ name: "k", kind: "private-key", value, actor });
    expect(made.algorithm).toBe(type === "ec" ? "ec-secp384r1" : "ed25519");
  });

  test.each(["certificate", "private-key"] as const)(
    "what is no %s is not taken, or quoted",
    async (kind) => {
      const store = await open();
      const { code, message } = await refusal(store.set({ name: "x", kind, value: CANARY, actor }));
      expect(code).toBe("invalid");
      expect(message).not.toContain(CANARY);
    },
  );
});

test("IPS-86: the real secret goes only into a file of mode 0600, with an entry in the log", async () => {
  const store = await open();
  await store.set(psk("key", CANARY));
  const path = await store.exportFile({ name: "key", actor });
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readFileSync(path, "utf8")).toBe(`${CANARY}\n`);
  expect(logged.at(-1)).toContain("exported to a file");
  expect(logged.at(-1)).toContain('"actor":"ops"');
  expect(logged.join()).not.toContain(CANARY);
});

test("one that is in use cannot be removed", async () => {
  const store = await open(false, (name) => (name === "key" ? ["east-west"] : []));
  await store.set(psk("key", CANARY));
  await store.set(psk("free", CANARY));
  const { code, message } = await refusal(store.remove({ name: "key", actor }));
  expect([code, message]).toEqual([
    "in-use",
    '"key" is in use by east-west; take it out there first',
  ]);
  await store.remove({ name: "free", actor });
  expect((await store.list()).map(({ name }) => name)).toEqual(["key"]);
  expect((await refusal(store.remove({ name: "free", actor }))).code).toBe("not-found");
});

test("what cannot be written does not count", async () => {
  const store = await open();
  writeFileSync(join(directory, "store"), "in the way");
  const { code, message } = await refusal(store.set(psk("key", CANARY)));
  expect([code, store.live("key")]).toEqual(["unavailable", []]);
  expect(message).not.toContain(CANARY);
  expect(existsSync(file())).toBe(false);
});

test.each(["", "../x", "a b", "x".repeat(65)])("%j is no name", async (name) => {
  const { code } = await refusal((await open()).set(psk(name, CANARY)));
  expect(code).toBe("invalid");
});

test("a damaged file is told of without its text", async () => {
  const store = await open();
  await store.set(psk("key", CANARY));
  writeFileSync(file(), `{"entries":"${CANARY}`, { mode: 0o600 });
  const { message } = await refusal(open());
  expect(message).toContain("is damaged");
  expect(message).not.toContain(CANARY);
});

test("IPS-86: every form of a secret is blanked", async () => {
  const store = await open();
  await store.set(psk("key", CANARY));
  const hex = Buffer.from(CANARY).toString("hex");
  const base64 = Buffer.from(CANARY).toString("base64");
  const forms = [
    CANARY,
    hex,
    hex.toUpperCase(),
    hex.replace(/..(?=.)/g, "$&:"),
    base64,
    Buffer.from(CANARY).toString("base64url"),
    encodeURIComponent(CANARY),
    JSON.stringify({ key: CANARY }),
  ];
  for (const form of forms) {
    const blanked = store.redact(`before ${form} after`);
    expect(blanked).toContain("[hidden]");
    for (const secret of [CANARY, hex, base64]) {
      expect(blanked.toLowerCase()).not.toContain(secret.toLowerCase());
    }
  }
  await store.remove({ name: "key", actor });
  expect(store.redact(CANARY)).toBe(CANARY);
});

test.each([
  ["MySecretKey", 40, 70],
  ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0, 0],
  ["abababababababababababababababab", 0, 100],
  ["password", 0, 60],
  ["0x00112233445566778899aabbccddeeff", 128, 128],
  ["8f14e45fceea167a5a36dedd4bea2543", 120, 128],
  ["kD9!fPq2#Zr8@Lm4$Xv7&Tn1", 128, 200],
])("IPS-82: %j has between %i and %i bits", (value, least, most) => {
  expect(keyBits(value)).toBeGreaterThanOrEqual(least);
  expect(keyBits(value)).toBeLessThanOrEqual(most);
});
