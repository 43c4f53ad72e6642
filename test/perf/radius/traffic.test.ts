/** What the access points send, and what the home server says to it, without a relay between. */
import { describe, expect, test } from "vitest";
import { Home } from "../../../perf/radius/home.js";
import { runPlan, type Plan, type RunFigures } from "../../../perf/radius/load.js";
import { Code, findAttribute, Hop, Type } from "../../../perf/radius/packets.js";
import { freeUdpPorts } from "../../../perf/radius/targets.js";
import {
  CIRCLE,
  EAP_ROUNDS,
  identifierOf,
  KINDS,
  portOf,
  slotOf,
  Traffic,
} from "../../../perf/radius/traffic.js";
import { loadUdpBatch } from "../../../src/util/udp-batch.js";

const hop = new Hop("a shared secret");

test("a port and an identifier name one slot, and no two slots share them", () => {
  const seen = new Map<string, number>();
  for (let slot = 0; slot < 200; slot++) {
    for (let turn = 0; turn < CIRCLE; turn++) {
      const identifier = identifierOf(slot, turn);
      expect(identifier).toBeLessThan(256);
      expect(slotOf(portOf(slot), identifier)).toBe(slot);
      const key = `${portOf(slot)} ${identifier}`;
      expect(seen.get(key) ?? slot).toBe(slot);
      seen.set(key, slot);
    }
  }
});

test.each(KINDS)("%s: every request is another one, and whole", (kind) => {
  const traffic = new Traffic(kind, 2, CIRCLE, hop);
  const authenticators = new Set<string>();
  for (let slot = 0; slot < 2; slot++) {
    for (let turn = 0; turn < CIRCLE; turn++) {
      const request = traffic.request(slot, turn);
      expect(request.readUInt16BE(2)).toBe(request.length);
      expect(request[1]).toBe(identifierOf(slot, turn));
      authenticators.add(request.toString("hex", 4, 20));
    }
  }
  expect(authenticators.size).toBe(2 * CIRCLE);
});

const batch = loadUdpBatch();
describe.skipIf(batch === undefined)("with sockets (needs Linux and koffi)", () => {
  test("the home server leads an EAP conversation to its accept, with hidden keys", () => {
    if (batch === undefined) return;
    const home = new Home(batch, hop, "127.0.0.1", []);
    const traffic = new Traffic("eap", 1, CIRCLE, hop);
    for (let turn = 0; turn < EAP_ROUNDS; turn++) {
      const request = traffic.request(0, turn);
      const answer = home.answer(request);
      expect(answer?.[0]).toBe(turn === EAP_ROUNDS - 1 ? Code.AccessAccept : Code.AccessChallenge);
      expect(hop.answerIsSigned(answer ?? request, request.subarray(4, 20))).toBe(true);
      if (turn === EAP_ROUNDS - 1) break;
      // What it gives as State is what the access point sends next.
      const given = answer?.subarray(findAttribute(answer, Type.State)).subarray(2, 18);
      const next = traffic.request(0, turn + 1);
      const sent = next.subarray(findAttribute(next, Type.State)).subarray(2, 18);
      expect(given?.toString("hex")).toBe(sent.toString("hex"));
    }
    home.close();
  });

  test("without a relay between them everything is answered, and rightly", async () => {
    const [authenticationPort = 0, accountingPort = 0] = await freeUdpPorts(2);
    const figures: RunFigures[] = [];
    const run = { window: 60, warmUp: 100, requests: 500, rate: 0, repeats: true };
    const plan: Plan = {
      address: "127.0.0.1",
      authenticationPort,
      accountingPort,
      homePorts: [authenticationPort, accountingPort],
      clientSecret: "a shared secret",
      homeSecret: "a shared secret",
      pid: 0,
      runs: KINDS.map((kind) => ({ ...run, name: kind, kind })),
      patience: 10,
    };
    runPlan(plan, (each) => figures.push(each));
    expect(figures.map(({ run: name, lost, wrong }) => ({ name, lost, wrong }))).toEqual(
      KINDS.map((name) => ({ name, lost: 0, wrong: 0 })),
    );
  });
});
