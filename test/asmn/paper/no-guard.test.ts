/** Paper mode guards nothing: no configuration names it, and nothing of sound mode has a word for it. */
import { describe, expect, test } from "vitest";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { agentLink, openVerdict, signVerdict } from "../../../src/asmn/protocol/index.js";
import { PAPER_WARNING } from "../../../src/asmn/paper/index.js";
import { errorsOf, settingsOf } from "../../config/lib/check.js";
import { run } from "./lib.js";

const TOP = "as: 65000\nrouter-id: 10.0.0.254\n";
const GATE =
  "asmn: { gate: { state-directory: /x }, sec-em: { state-directory: /y, tenants: [{ name: t }] } }\n";
const peer = (trust: string): string =>
  `${TOP}${GATE}peers: [{address: 10.0.0.1, trust: ${trust}}]\n`;

describe("configuration", () => {
  test("ASM-72: there is no way to ask for paper mode in a file", () => {
    expect(settingsOf(peer("{tenant: t}")).speaker.peers).toHaveLength(1);
    for (const wrong of ["{tenant: t, mode: paper}", "{tenant: t, effect: paper}"])
      expect(errorsOf(peer(wrong)).join()).toMatch(/mode|effect/);
    for (const part of ["paper: {}", "gate: {mode: paper}", "sec-em: {mode: paper}"])
      expect(errorsOf(`${TOP}asmn: { ${part} }\n`).join()).toMatch(/mode|paper/);
  });
});

describe("sound mode", () => {
  const octets32 = new Uint8Array(32).fill(7);
  const verdict = signVerdict(
    {
      ...{ secEm: "sec-em", audience: "evpnd", tenant: "t", vnf: "v", instance: "i" },
      ...{ id: octets32, instanceKey: octets32, state: "trusted", reason: "none", sentence: "" },
      ...{ addresses: [], as: undefined, routerId: undefined, binding: "address" },
      ...{ md5Commitment: undefined, catalogVersion: 1, catalogDigest: octets32, root: "none" },
      ...{ epoch: 1, serial: 1, issued: 1, lifetimeSeconds: 300, counter: 1, proven: 1 },
    },
    generateSigningKey(),
  );

  test("ASM-72: a verdict of another mode has no encoding", () => {
    expect(openVerdict(verdict).ok).toBe(true);
    // The first field is the mode: tag 1, one octet, 1 = sound.
    expect([...verdict.subarray(0, 4)]).toEqual([1, 0, 1, 1]);
    for (const mode of [0, 2, 255]) {
      const other = Uint8Array.from(verdict);
      other[3] = mode;
      expect(openVerdict(other)).toMatchObject({ ok: false, reason: "malformed" });
    }
  });

  test("ASM-72: what paper mode has to say is no verdict and no message", async () => {
    const { results, trace, mode, warning } = await run();
    expect({ mode, warning }).toEqual({ mode: "paper", warning: PAPER_WARNING });
    for (const said of [...results, ...trace]) {
      const octets = Buffer.from(JSON.stringify(said));
      expect(openVerdict(octets).ok).toBe(false);
      for (let type = 1; type < 16; type++)
        expect(agentLink.decode({ type, body: octets }).ok).toBe(false);
    }
  });
});
