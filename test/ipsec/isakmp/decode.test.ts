/** IKE messages in words: the negotiation of the PIX document, IKEv2, and octets that are no message. */
import { describe, expect, test } from "vitest";
import { decodeIke, decodePayloads } from "../../../src/ipsec/isakmp/index.js";
import { basic, chain, message, saV1, u16, u32, variable } from "./lib.js";

const fields = (
  list: readonly { name: string; value: string }[] | undefined,
): Record<string, string> =>
  Object.fromEntries((list ?? []).map(({ name, value }) => [name, value]));

/** 3DES, MD5, group 2, pre-shared, a day in the variable form. */
const PHASE_1 =
  basic(1, 5) + basic(2, 1) + basic(4, 2) + basic(3, 1) + basic(11, 1) + variable(12, 86_400);
const PHASE_2 =
  basic(4, 1) + basic(1, 1) + basic(2, 28_800) + basic(1, 2) + variable(2, 4_608_000) + basic(5, 1);

describe("IKEv1", () => {
  test("IPS-60: a phase-1 transform says encryption, hash, group, authentication and lifetime", () => {
    const decoded = decodeIke(message({ exchange: 2 }, [[1, saV1(1, "", [[1, PHASE_1]])]]));
    expect(decoded).toMatchObject({
      version: 1,
      exchange: "main mode",
      encrypted: false,
      problems: [],
    });
    const [transform] = decoded?.payloads[0]?.proposals[0]?.transforms ?? [];
    expect(transform?.name).toBe("KEY_IKE");
    expect(fields(transform?.attributes)).toEqual({
      encryption: "3DES-CBC",
      hash: "MD5",
      group: "modp1024",
      authentication: "pre-shared key",
      "life type": "seconds",
      "life duration": "86400 s (0x00015180)",
    });
  });

  test("IPS-61: lifetimes of variable length are numbers: 0x00015180 is 86400 s, 0x00465000 4608000 kB", () => {
    const decoded = decodeIke(
      message({ exchange: 32 }, [[1, saV1(3, "ced238c7", [[3, PHASE_2]])]]),
    );
    const [proposal] = decoded?.payloads[0]?.proposals ?? [];
    expect(proposal).toMatchObject({ protocol: "ESP", spi: "ced238c7" });
    const attributes = proposal?.transforms[0]?.attributes.map(
      ({ name, value }) => `${name}: ${value}`,
    );
    expect(proposal?.transforms[0]?.name).toBe("ESP 3DES");
    expect(attributes).toEqual([
      "encapsulation: tunnel",
      "life type: seconds",
      "life duration: 28800 s",
      "life type: kilobytes",
      "life duration: 4608000 kB (0x00465000)",
      "integrity: HMAC-MD5",
    ]);
  });

  test("IPS-60: identities with type, protocol and port; notifies with their numbers", () => {
    const identity = "01" + "11" + u16(500) + "ac127c9e";
    const initialContact = u32(1) + "01" + "10" + u16(24_578) + "00".repeat(16);
    const responderLifetime =
      u32(1) + "03" + "04" + u16(24_576) + "ced238c7" + basic(1, 2) + variable(2, 4_608_000);
    const bytes = Uint8Array.from(
      Buffer.from(
        chain([
          [5, identity],
          [11, initialContact],
          [11, responderLifetime],
        ]),
        "hex",
      ),
    );
    const { payloads, problems } = decodePayloads(bytes, 0, bytes.length, 5, 1);
    expect(problems).toEqual([]);
    expect(fields(payloads[0]?.fields)).toEqual({
      type: "1 (IPv4 address)",
      protocol: "17",
      port: "500",
      identity: "172.18.124.158",
    });
    expect(fields(payloads[1]?.fields)).toMatchObject({ notify: "INITIAL-CONTACT (24578)" });
    expect(fields(payloads[2]?.fields)).toMatchObject({
      notify: "RESPONDER-LIFETIME (24576)",
      SPI: "ced238c7",
      "life duration": "4608000 kB (0x00465000)",
    });
  });

  test("IPS-35: a notify that nobody knows is told by its number, and the rest is read on", () => {
    const unknown = u32(1) + "03" + "00" + u16(40_001) + "0a0a2d01";
    const decoded = decodeIke(
      message({ exchange: 5 }, [
        [11, unknown],
        [200, "00"],
        [13, "afcad71368a1f1c96b8696fc77570100"],
      ]),
    );
    expect(decoded?.problems).toEqual([]);
    expect(decoded?.payloads.map(({ name }) => name)).toEqual(["NOTIF", "unknown (200)", "VID"]);
    expect(fields(decoded?.payloads[0]?.fields)["notify"]).toBe("unknown (40001)");
    expect(fields(decoded?.payloads[2]?.fields)["vendor"]).toContain("RFC 3706");
  });

  test("what is encrypted is not guessed at", () => {
    const bytes = message({ exchange: 32, flags: 1, id: 7 }, [[8, "aa".repeat(20)]]);
    expect(decodeIke(bytes)).toMatchObject({
      encrypted: true,
      messageId: 7,
      payloads: [],
      problems: [],
    });
  });
});

describe("IKEv2", () => {
  const transformOf = (type: number, id: number, attributes = "", last = false): string =>
    (last ? "00" : "03") +
    "00" +
    u16(8 + attributes.length / 2) +
    type.toString(16).padStart(2, "0") +
    "00" +
    u16(id) +
    attributes;
  const inside =
    transformOf(1, 20, basic(14, 256)) +
    transformOf(2, 6) +
    transformOf(4, 31) +
    transformOf(6, 36, "", true);
  const sa = "0000" + u16(8 + inside.length / 2) + "01" + "01" + "00" + "04" + inside;

  test("proposals with key lengths and additional key exchanges (RFC 9370)", () => {
    const decoded = decodeIke(message({ version: 2, exchange: 34, flags: 8 }, [[33, sa]]));
    expect(decoded).toMatchObject({ version: 2, exchange: "IKE_SA_INIT", kind: "request" });
    expect(decoded?.payloads[0]?.proposals[0]?.transforms.map(({ name }) => name)).toEqual([
      "encryption AES_GCM_16 256",
      "PRF HMAC_SHA2_384",
      "key exchange curve25519",
      "additional key exchange 1 mlkem768",
    ]);
  });

  test("behind the marker of port 4500, with traffic selectors of both families", () => {
    const v4 = "07" + "00" + u16(16) + u16(0) + u16(65_535) + "0a000000" + "0a0000ff";
    const v6 =
      "08" +
      "11" +
      u16(40) +
      u16(500) +
      u16(500) +
      "20010db8" +
      "00".repeat(11) +
      "01" +
      "20010db8" +
      "00".repeat(11) +
      "0f";
    const plain = message({ version: 2, exchange: 36, flags: 0x20 }, [[44, `02000000${v4}${v6}`]]);
    const decoded = decodeIke(Uint8Array.from([0, 0, 0, 0, ...plain]));
    expect(decoded).toMatchObject({ kind: "response", problems: [] });
    expect(decoded?.payloads[0]?.fields.map(({ value }) => value)).toEqual([
      "10.0.0.0-10.0.0.255",
      "2001:db8::1-2001:db8::f, protocol 17, ports 500-500",
    ]);
  });

  test("the encrypted payload ends what can be read", () => {
    const decoded = decodeIke(message({ version: 2, exchange: 35 }, [[46, "bb".repeat(40)]]));
    expect(decoded).toMatchObject({ encrypted: true, problems: [] });
    expect(decoded?.payloads.map(({ name }) => name)).toEqual(["SK"]);
  });
});

describe("anything", () => {
  const whole = message({ exchange: 2 }, [
    [1, saV1(1, "", [[1, PHASE_1]])],
    [11, u32(1) + "01" + "00" + u16(24_578)],
    [5, "01" + "11" + u16(500) + "ac127c9e"],
  ]);

  test("cut at each octet it says what is missing, and never throws", () => {
    for (let length = 0; length < whole.length; length++) {
      const decoded = decodeIke(whole.subarray(0, length));
      if (length < 28) expect(decoded).toBeUndefined();
      else expect(decoded?.problems.length).toBeGreaterThan(0);
    }
  });

  test("random octets, and messages with random octets in them, end in a decoding or in none", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) >>> 8;
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from(whole);
      for (let change = 0; change < 1 + (round % 8); change++)
        bytes[random() % bytes.length] = random();
      const decoded = decodeIke(bytes);
      expect(decoded === undefined || decoded.payloads.length <= 128).toBe(true);
    }
  });
});
