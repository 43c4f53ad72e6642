/** Verdicts: who signs them, who takes them, in which order, for how long. */
import { describe, expect, test } from "vitest";
import { instanceId, sha256, signDocument } from "../../../src/asmn/crypto/index.js";
import {
  agentAudience,
  checkMd5Key,
  KeyRing,
  md5Commitment,
  openVerdict,
  signVerdict,
  trustedSeconds,
  VerdictChecker,
} from "../../../src/asmn/protocol/index.js";
import type { Verdict } from "../../../src/asmn/protocol/index.js";
import { certify, DAY, fullRing, ROOT, START, testKey, VERDICT } from "./lib/keys.js";
import { NAMES } from "./lib/world.js";

type Fields = Omit<Verdict, "issuer" | "mode">;

const FIELDS: Fields = {
  secEm: "em1",
  audience: "rr1",
  ...NAMES,
  id: instanceId(NAMES, new Uint8Array(16)),
  instanceKey: testKey("edge-1").publicKey,
  state: "trusted",
  reason: "none",
  sentence: "",
  addresses: ["192.0.2.1", "2001:db8::1"],
  as: 65001,
  routerId: 0xc0000201,
  binding: "tcp-md5",
  md5Commitment: undefined,
  catalogVersion: 1,
  catalogDigest: sha256(),
  root: "none",
  epoch: 1,
  serial: 10,
  issued: START,
  lifetimeSeconds: 300,
  counter: 1,
  proven: START,
};

const signed = (changes: Partial<Fields> = {}, key = VERDICT) =>
  signVerdict({ ...FIELDS, ...changes }, key);

function checker(epochs = {}): VerdictChecker {
  return new VerdictChecker("rr1", fullRing(), epochs);
}

/** `remaining seconds`, or the reason. */
function outcome(on: VerdictChecker, octets: Uint8Array, time: number | undefined = START): string {
  const result = on.accept(octets, "em1", time);
  return result.ok ? `${result.value.remainingMs / 1000}` : result.reason;
}

test("ASM-67: a verdict carries all it has to, signed, and is verified offline from the pinned root", () => {
  const result = checker().accept(signed(), "em1", START);
  expect(result).toMatchObject({ ok: true, value: { verdict: FIELDS, remainingMs: 300_000 } });
});

describe("ASM-67: what a reader refuses", () => {
  test.each<[string, Uint8Array, string]>([
    ["another's signature", signed({}, testKey("someone")), "issuer"],
    ["another audience", signed({ audience: "rr2" }), "audience"],
    ["an agent's verdict", signed({ audience: agentAudience(FIELDS.id) }), "audience"],
    ["one issued later than now", signed({ issued: START + 31_000 }), "future"],
    ["one that is over", signed({ issued: START - 300_000 }), "expired"],
    ["another Sec-EM's", signed({ secEm: "em2" }), "issuer"],
    ["too short", new Uint8Array(64), "malformed"],
    [
      "something else that is signed",
      signDocument(VERDICT, "heartbeat", signed().slice(0, -64)),
      "signature",
    ],
  ])("%s", (_what, octets, reason) => {
    expect(outcome(checker(), octets)).toBe(reason);
  });

  test("any octet changed", () => {
    const octets = signed();
    for (let at = 0; at < octets.length; at += 3) {
      const changed = octets.map((octet, index) => (index === at ? octet ^ 0x40 : octet));
      expect(checker().accept(changed, "em1", START).ok, `octet ${at}`).toBe(false);
    }
  });

  test("the same again, an older one, and a lower epoch, also after a restart", () => {
    const reader = checker();
    expect(outcome(reader, signed())).toBe("300");
    expect(outcome(reader, signed())).toBe("serial");
    expect(outcome(reader, signed({ serial: 9 }))).toBe("serial");
    expect(outcome(reader, signed({ serial: 11 }))).toBe("300");
    expect(outcome(reader, signed({ serial: 1, epoch: 2 }))).toBe("300");
    expect(outcome(reader, signed({ serial: 99, epoch: 1 }))).toBe("epoch");
    const restarted = checker(reader.epochsSeen());
    expect(outcome(restarted, signed({ serial: 99, epoch: 1 }))).toBe("epoch");
    // A new enrolment has another ID, and does not fall below the epoch of the names.
    const id = instanceId(NAMES, new Uint8Array(16).fill(1));
    expect(outcome(restarted, signed({ id, serial: 99, epoch: 1 }))).toBe("epoch");
    expect(outcome(restarted, signed({ id, serial: 1, epoch: 2 }))).toBe("300");
  });

  test("a refused one leaves no trace", () => {
    const reader = checker();
    expect(outcome(reader, signed({ serial: 50, issued: START - 300_000 }))).toBe("expired");
    expect(outcome(reader, signed({ serial: 51, audience: "rr2", epoch: 9 }))).toBe("audience");
    expect(outcome(reader, signed())).toBe("300");
  });

  test("anything before the first heartbeat", () => {
    const result = checker().accept(signed(), "em1", undefined);
    expect(result).toMatchObject({ ok: false, reason: "unreachable" });
  });
});

test("ASM-67: its life runs from the Sec-EM's time: a recorded verdict is old on arrival", () => {
  expect(outcome(checker(), signed(), START + 100_000)).toBe("200");
  expect(outcome(checker(), signed(), START + 300_000)).toBe("expired");
  // A Sec-EM whose heartbeat is a little behind gives no more than the whole life.
  expect(outcome(checker(), signed(), START - 10_000)).toBe("300");
});

test("ASM-13, ASM-71: nothing is issued beyond the time at which the next step is overdue", () => {
  expect(trustedSeconds(0, 60)).toBe(90);
  expect(trustedSeconds(60_000, 60)).toBe(30);
  expect(trustedSeconds(90_000, 60)).toBe(0);
  expect(trustedSeconds(1e9, 60)).toBe(0);
  expect(trustedSeconds(0, 3600)).toBe(300);
  expect(trustedSeconds(5_300_000, 3600)).toBe(100);
});

describe("ASM-79: keys of the Sec-EM change, with overlap", () => {
  const next = testKey("verdict 2");

  test("both count while both are valid, each in its time", () => {
    let wall = START;
    const ring = new KeyRing([ROOT.publicKey], () => wall);
    ring.take(certify("verdict", VERDICT, { notAfter: START + DAY }));
    expect(ring.take(certify("verdict", next, { serial: 2 })).ok).toBe(true);
    const reader = new VerdictChecker("rr1", ring);
    expect(outcome(reader, signed())).toBe("300");
    expect(outcome(reader, signed({ serial: 11 }, next))).toBe("300");
    wall = START + DAY + 299_000;
    expect(outcome(reader, signed({ serial: 12 }))).toBe("300");
    wall = START + DAY + 301_000;
    expect(outcome(reader, signed({ serial: 13 }))).toBe("key-expired");
    expect(outcome(reader, signed({ serial: 13 }, next))).toBe("300");
  });

  test("a lost key is withdrawn by the floor of the next certificate, also over a restart", () => {
    const ring = fullRing();
    ring.take(certify("verdict", next, { serial: 2, floor: 2 }));
    const reader = new VerdictChecker("rr1", ring);
    expect(outcome(reader, signed())).toBe("key-expired");
    expect(outcome(reader, signed({}, next))).toBe("300");
    const later = new KeyRing([ROOT.publicKey], () => START, ring.floors());
    expect(later.take(certify("verdict", VERDICT))).toMatchObject({ reason: "key-expired" });
    expect(outcome(new VerdictChecker("rr1", later), signed())).toBe("key-expired");
  });

  test("the root changes by pinning two", () => {
    const root2 = testKey("root 2");
    const byNew = certify("verdict", next, { serial: 2 }, root2);
    expect(fullRing().take(byNew)).toMatchObject({ ok: false, reason: "signature" });
    const ring = new KeyRing([ROOT.publicKey, root2.publicKey], () => START);
    expect(ring.take(byNew).ok).toBe(true);
    expect(ring.take(certify("verdict", VERDICT)).ok).toBe(true);
  });

  test("a certificate says what it is for: no key serves another purpose, or another Sec-EM", () => {
    const ring = new KeyRing([ROOT.publicKey], () => START);
    ring.take(certify("transport", VERDICT));
    expect(outcome(new VerdictChecker("rr1", ring), signed())).toBe("issuer");
    ring.take(certify("verdict", VERDICT, { secEm: "em2" }));
    expect(outcome(new VerdictChecker("rr1", ring), signed())).toBe("issuer");
  });

  test("a clock that is an hour off is named, with both times", () => {
    const ring = new KeyRing([ROOT.publicKey], () => START - DAY - 3_600_000);
    expect(ring.take(certify("verdict", VERDICT))).toMatchObject({
      reason: "key-expired",
      sentence:
        "the verdict key 1 of em1 counts from 2025-12-31T00:00:00.000Z on, and this machine's clock says 2025-12-30T23:00:00.000Z",
    });
  });
});

test("ASM-75: the TCP-MD5 key beside a verdict is the one that it speaks of, for that ID and epoch", () => {
  const md5Key = new Uint8Array(Buffer.from("0123456789abcdef".repeat(2)));
  const commitment = md5Commitment(FIELDS.id, 1, md5Key);
  const open = (octets: Uint8Array) => {
    const opened = openVerdict(octets);
    if (!opened.ok) throw new Error(opened.sentence);
    return opened.value.value;
  };
  const verdict = open(signed({ md5Commitment: commitment }));
  expect(checkMd5Key(verdict, md5Key)).toMatchObject({ ok: true, value: md5Key });
  expect(checkMd5Key(verdict, undefined)).toMatchObject({ ok: true, value: undefined });
  expect(
    checkMd5Key(
      verdict,
      md5Key.map((octet) => octet ^ 1),
    ),
  ).toMatchObject({ reason: "commitment" });
  expect(checkMd5Key(open(signed({ md5Commitment: commitment, epoch: 2 })), md5Key).ok).toBe(false);
  expect(checkMd5Key(open(signed()), md5Key)).toMatchObject({ reason: "commitment" });
  // It is not in the verdict.
  expect(Buffer.from(signed({ md5Commitment: commitment })).includes(Buffer.from(md5Key))).toBe(
    false,
  );
});
