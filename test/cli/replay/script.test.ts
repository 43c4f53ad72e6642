/** Recordings read as scripts: damaged files, of any kind of damage, are read or refused, never more. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CaptureError, readCapture } from "../../../src/cli/capture/capture-file.js";
import { readScript, ScriptError } from "../../../src/cli/replay/script.js";
import { Random } from "../../model/lib/random.js";
import { pcapng } from "../lib/capture.js";

const RECORDING = readFileSync(
  join(import.meta.dirname, "../../replay/bird-frr-speakers/recording.pcap"),
);
const FRAMES = [...readCapture(RECORDING)].map(({ bytes }) => bytes);

/** Octets changed, a piece missing, a piece twice, pieces exchanged, the end missing. */
function damage(random: Random, file: Buffer): Buffer {
  const bytes = Buffer.from(file);
  const at = random.below(bytes.length);
  const length = 1 + random.below(random.oneIn(2) ? 8 : 3000);
  const piece = bytes.subarray(at, at + length);
  switch (random.below(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
    case 3:
      piece.reverse();
      return bytes;
    default:
      for (let n = random.below(20); n >= 0; n--) {
        bytes[random.below(bytes.length)] = random.oneIn(3) ? 0xff : random.below(256);
      }
      return bytes;
  }
}

function outcome(file: Buffer, local: string | undefined): "read" | "refused" {
  try {
    const { peers, steps } = readScript(file, local);
    // Not more than there is in the file: each peer says OPEN, and steps have octets or an end.
    expect(peers.length).toBeLessThanOrEqual(steps.length);
    expect(steps.length).toBeLessThanOrEqual(file.length / 19);
    return "read";
  } catch (error) {
    if (error instanceof CaptureError || error instanceof ScriptError) return "refused";
    throw error;
  }
}

describe.each([
  // What evpnd exports says which side it was; what is captured elsewhere may not.
  ["pcap", RECORDING, undefined],
  ["pcapng", pcapng(FRAMES, "sll"), "10.99.0.254"],
] as const)("a damaged %s", (_name, file, local) => {
  test.each([1, 2, 3])("is read as far as it goes, or refused (seed %i)", (seed) => {
    const random = new Random(seed);
    const seen = { read: 0, refused: 0 };
    for (let n = 0; n < 400; n++) {
      let damaged = damage(random, file);
      while (random.oneIn(3) && damaged.length > 0) damaged = damage(random, damaged);
      seen[outcome(damaged, local)]++;
    }
    expect(seen.read).toBeGreaterThan(100);
    expect(seen.refused).toBeGreaterThan(5);
  });
});

test("what is no recording is refused with words that help", () => {
  expect(() => readScript(new Uint8Array(0), undefined)).toThrow("too short");
  expect(() => readScript(Buffer.alloc(100, "x"), undefined)).toThrow("neither pcap nor pcapng");
  expect(() => readScript(RECORDING.subarray(0, 24), undefined)).toThrow("no peer opens a session");
});
