/** decode: hex in all the ways people paste it, and captures in every format the reader knows. */
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../src/util/bytes.js";
import { pcap, pcapng, tcpFrame } from "./lib/capture.js";
import type { FrameShape } from "./lib/capture.js";
import { evpnctl } from "./lib/host.js";

const MARKER = "f".repeat(32);
const KEEPALIVE = `${MARKER}001304`;
const OPEN = `${MARKER}002d0104fde8005ac000020110020e010400190046020041040000fde8`;
/** MAC/IP route with RD 192.0.2.1:100. */
const UPDATE =
  `${MARKER}006b0200000054800e3000194604c00002010002250001c000020100640000000000000000000000000000` +
  "3000005e00530120c633640a0027744001010040020040050400000064c010100002fde800000064030c000000000008";
const BAD_MARKER = `${"f".repeat(30)}fe001304`;

function updateHex(attributes: string, nlri: string): string {
  const length = (octets: number) => octets.toString(16).padStart(4, "0");
  const body = `0000${length(attributes.length / 2)}${attributes}${nlri}`;
  return `${MARKER}${length(19 + body.length / 2)}02${body}`;
}

interface Printed {
  readonly message: string;
  readonly source?: string;
  readonly destination?: string;
  readonly time?: string;
  readonly outcome?: { readonly treatment: string };
}

function printed(out: string): Printed[] {
  return out
    .trimEnd()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Printed);
}

describe("hex", () => {
  test("several messages in one piece", async () => {
    const { code, out } = await evpnctl(["decode", "--json", OPEN + KEEPALIVE + UPDATE]);
    expect(code).toBe(0);
    expect(printed(out).map((each) => each.message)).toEqual(["OPEN", "KEEPALIVE", "UPDATE"]);
  });

  test("with the field names of the vectors", async () => {
    const { out } = await evpnctl(["decode", UPDATE]);
    const { attributes } = JSON.parse(out) as { attributes: { code: number; value: unknown }[] };
    expect(attributes.map((attribute) => attribute.code)).toEqual([14, 1, 2, 5, 16]);
    expect(attributes[0]?.value).toMatchObject({
      afi: 25,
      safi: 70,
      nextHop: "192.0.2.1",
      nlri: [{ type: 2, rd: "1:192.0.2.1:100", mac: "00:00:5e:00:53:01", ip: "198.51.100.10" }],
    });
    expect(attributes[4]?.value).toEqual(["rt:65000:100", "encapsulation:8"]);
  });

  test("as people paste it", async () => {
    const spaced = KEEPALIVE.replaceAll(/../g, "$& ");
    const colons = KEEPALIVE.replaceAll(/..(?=.)/g, "$&:").toUpperCase();
    for (const words of [
      ["decode", ...spaced.trim().split(" ")],
      ["decode", colons],
      ["decode", `0x${KEEPALIVE}`],
    ]) {
      const { code, out } = await evpnctl([...words, "--json"]);
      expect([code, printed(out)]).toEqual([0, [{ message: "KEEPALIVE" }]]);
    }
    const { out } = await evpnctl("decode - --json", { stdin: `${OPEN}\n${KEEPALIVE}\n` });
    expect(printed(out)).toHaveLength(2);
  });

  test("a bad message has its RFC 7606 outcome, and exit code 1", async () => {
    const { code, out } = await evpnctl(["decode", "--json", BAD_MARKER]);
    expect(code).toBe(1);
    expect(printed(out)[0]).toMatchObject({
      message: "INVALID",
      outcome: { treatment: "session-reset", notification: { code: 1, subcode: 1, data: "" } },
    });
  });

  test("cut short", async () => {
    const { code, out } = await evpnctl(["decode", "--json", KEEPALIVE + UPDATE.slice(0, 60)]);
    expect(code).toBe(1);
    expect(printed(out).map((each) => each.message)).toEqual(["KEEPALIVE", "INVALID"]);
  });

  test("path ids of a family that there is not", async () => {
    const { code, err } = await evpnctl(["decode", "--add-path", "evpn", KEEPALIVE]);
    expect(code).toBe(2);
    expect(err).toContain("Allowed choices are ipv4-unicast, ");
    const both = ["--add-path", "l2vpn-evpn", "--add-path", "ipv4-unicast"];
    expect((await evpnctl(["decode", ...both, KEEPALIVE])).code).toBe(0);
  });

  test("not hex is a usage error that says so", async () => {
    expect((await evpnctl("decode xyz")).code).toBe(2);
    expect((await evpnctl("decode")).err).toContain("give hex, or -");
  });
});

const bytes = (hex: string) => fromHex(hex) ?? new Uint8Array();
const A = { address: "10.0.0.1", port: 40000 };
const B = { address: "10.0.0.254", port: 179 };

function capture(frames: readonly Uint8Array[], write = pcap) {
  return evpnctl("decode --json --pcap -", { stdin: write(frames) });
}

describe("captures", () => {
  const half = OPEN.length / 4;
  const open = bytes(OPEN);
  const shapes: FrameShape[] = ["ethernet", "vlan", "sll", "sll2", "raw"];

  test.each(shapes)("link type: %s", async (shape) => {
    const write = (frames: readonly Uint8Array[]) => pcap(frames, shape);
    const { code, out } = await capture(
      [tcpFrame(A, B, 1000, open, shape), tcpFrame(B, A, 5000, bytes(KEEPALIVE), shape)],
      write,
    );
    expect(code).toBe(0);
    expect(
      printed(out).map(({ message, source, destination }) => [message, source, destination]),
    ).toEqual([
      ["OPEN", "10.0.0.1:40000", "10.0.0.254:179"],
      ["KEEPALIVE", "10.0.0.254:179", "10.0.0.1:40000"],
    ]);
  });

  test("IPv6", async () => {
    const from = { address: "2001:db8::1", port: 179 };
    const to = { address: "2001:db8::2", port: 50000 };
    const { out } = await capture([tcpFrame(from, to, 7, open)]);
    expect(printed(out)[0]).toMatchObject({ source: "[2001:db8::1]:179" });
  });

  test("pcapng, with its times", async () => {
    const { out } = await capture([tcpFrame(A, B, 1000, open)], pcapng);
    expect(printed(out)[0]).toMatchObject({ message: "OPEN", time: "2026-01-02T03:04:05.000Z" });
  });

  test("segments out of order, repeated and overlapping", async () => {
    const stream = bytes(OPEN + KEEPALIVE + UPDATE + KEEPALIVE);
    const part = (from: number, to: number) =>
      tcpFrame(A, B, (0xffffffe0 + from) >>> 0, stream.slice(from, to));
    const frames = [
      tcpFrame(A, B, 0xffffffdf, new Uint8Array(), "ethernet", true),
      part(60, 120),
      part(0, 30),
      part(0, 30),
      part(20, 70),
      part(110, stream.length),
    ];
    const { code, out, err } = await capture(frames);
    expect([code, err]).toEqual([0, ""]);
    expect(printed(out).map((each) => each.message)).toEqual([
      "OPEN",
      "KEEPALIVE",
      "UPDATE",
      "KEEPALIVE",
    ]);
  });

  test("a gap is told, and what is behind it is found again", async () => {
    const frames = [
      tcpFrame(A, B, 1000, open.slice(0, half)),
      tcpFrame(A, B, 1000 + open.length, bytes(UPDATE)),
    ];
    const { out, err } = await capture(frames);
    expect(printed(out).map((each) => each.message)).toEqual(["UPDATE"]);
    expect(err).toContain("octets are missing from the capture");
  });

  test("what is not BGP is passed over", async () => {
    const http = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: example\r\n\r\n");
    const { code, out, err } = await capture([tcpFrame(A, { ...B, port: 80 }, 1, http)]);
    expect([code, out]).toEqual([0, ""]);
    expect(err).toContain("no BGP message");
  });

  test("both OPENs tell how to read the rest", async () => {
    // Neither offers capability 65, so the AS_PATH has 2 octets a hop.
    const plain = `${MARKER}001d0104fde8005ac000020100`;
    const update = updateHex("400101004002040201fde9400304c0000201", "180a0000");
    const frames = [
      tcpFrame(A, B, 1, bytes(plain)),
      tcpFrame(B, A, 1, bytes(plain)),
      tcpFrame(A, B, 1 + plain.length / 2, bytes(update)),
    ];
    const last = printed((await capture(frames)).out).at(-1) as unknown as {
      attributes: { code: number; value: unknown }[];
    };
    const path = last.attributes.find((attribute) => attribute.code === 2);
    expect(JSON.stringify(path?.value)).toContain("65001");
  });

  test("a file that is no capture", async () => {
    const top = mkdtempSync(join(tmpdir(), "evpnd-decode-"));
    try {
      writeFileSync(join(top, "x"), "hello, this is a text and not a capture");
      const { code, err } = await evpnctl(`decode --pcap ${join(top, "x")}`);
      expect([code, err]).toEqual([
        2,
        "evpnctl: neither pcap nor pcapng; write it with tcpdump -w or tshark -w\n",
      ]);
      expect((await evpnctl(`decode --pcap ${join(top, "none")}`)).code).toBe(2);
    } finally {
      rmSync(top, { recursive: true });
    }
  });

  test("cut anywhere, nothing is thrown", async () => {
    const frames = [tcpFrame(A, B, 1000, open), tcpFrame(B, A, 5000, bytes(KEEPALIVE), "ethernet")];
    for (const file of [pcap(frames), pcapng(frames)]) {
      for (let size = 0; size < file.length; size += 3) {
        const { code } = await evpnctl("decode --json --pcap -", { stdin: file.slice(0, size) });
        expect([0, 1, 2]).toContain(code);
      }
    }
  });
});
