/** What an agent believes of other VNFs, by answers and heartbeats that a test signs. */
import { expect, test } from "vitest";
import { Inquiry } from "../../../src/asmn/agent/inquiry.js";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import {
  agentAudience,
  KeyRing,
  signHeartbeat,
  signKeyCertificate,
  signVerdict,
  type Answer,
  type Ask,
  type Heartbeat,
} from "../../../src/asmn/protocol/index.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";

const SEC_EM = "sec-em-1";
const OWN = new Uint8Array(32).fill(1);
const OTHER = new Uint8Array(32).fill(2);
const EXPORTER = new Uint8Array(32).fill(3);

function lab() {
  const clock = new ManualClock();
  const [root, key] = [generateSigningKey(), generateSigningKey()];
  const ring = new KeyRing([root.publicKey], () => clock.wall());
  const { publicKey } = key;
  const validity = { serial: 1, floor: 0, notBefore: 0, notAfter: clock.wall() + 1e9 };
  ring.take(
    signKeyCertificate({ purpose: "verdict", secEm: SEC_EM, publicKey, ...validity }, root),
  );
  const asked: Ask[] = [];
  const broken: string[] = [];
  const inquiry = new Inquiry({
    ...{ ring, clock, exporter: EXPORTER },
    send: (ask) => void asked.push(ask),
    broken: (why) => void broken.push(why),
  });
  inquiry.secEm = SEC_EM;
  inquiry.own = OWN;
  inquiry.ready = true;
  const audience = agentAudience(OWN);
  let serial = 0;
  const heartbeat = (sequence: number): Heartbeat => ({
    kind: "heartbeat",
    document: signHeartbeat(
      {
        ...{ secEm: SEC_EM, audience, nonce: EXPORTER, sequence, time: clock.wall() },
        ...{ epoch: 1, revocation: 0, intervalSeconds: 5 },
      },
      key,
    ),
  });
  const answer = (request: number): Answer => ({
    ...{ kind: "answer", request, time: clock.wall(), state: "trusted", reason: "none" },
    sentence: "",
    verdict: signVerdict(
      {
        ...{ secEm: SEC_EM, audience, tenant: "red", vnf: "pe", instance: "2", id: OTHER },
        ...{ instanceKey: generateSigningKey().publicKey, state: "trusted", reason: "none" },
        ...{ sentence: "", root: "none", serial: ++serial, catalogVersion: 0 },
        ...{ addresses: ["192.0.2.2"], as: undefined, routerId: undefined, binding: "address" },
        ...{ md5Commitment: undefined, catalogDigest: new Uint8Array(32), epoch: 1 },
        ...{ maxSessions: undefined, maxUpdatesPerSecond: undefined, maxPrefixes: undefined },
        ...{ issued: clock.wall(), lifetimeSeconds: 300, counter: 1, proven: clock.wall() },
      },
      key,
    ),
  });
  return { clock, inquiry, asked, broken, heartbeat, answer };
}

test("ASM-16, ASM-71: a VNF that the Sec-EM knows no more is trusted no more, at once", async () => {
  const { inquiry, asked, heartbeat, answer } = lab();
  const lost: string[] = [];
  const first = inquiry.ask({ vnf: "pe", instance: "2" });
  inquiry.take(heartbeat(1));
  inquiry.take(answer(asked[0]!.request));
  expect(await first).toMatchObject({ trusted: true });
  inquiry.watch(OTHER, (why) => void lost.push(why));
  const { request } = asked[0]!;
  const removed = { reason: "removed", sentence: "the instance was removed" } as const;
  const nothing = { kind: "answer", time: 0, state: "unknown", verdict: undefined } as const;
  inquiry.take({ ...nothing, ...removed, request: request + 1 });
  expect(lost).toEqual([]);
  inquiry.take({ ...nothing, ...removed, request });
  expect(lost).toEqual(["the instance was removed"]);
  inquiry.close();
});

test("a heartbeat that is refused ends the connection: no other one would count on it", () => {
  const { clock, inquiry, broken, heartbeat } = lab();
  void inquiry.ask({ vnf: "pe", instance: "2" });
  clock.pass(6000);
  inquiry.take(heartbeat(1));
  expect(broken).toEqual(["the first heartbeat took more than 5 s"]);
  inquiry.close();
});
