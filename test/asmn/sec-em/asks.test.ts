/** What trusted VNFs are told of others over a long time, and connections that nobody ends. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Ask } from "../../../src/asmn/protocol/index.js";
import { Player, until } from "./lib/player.js";
import { enrolment, OPERATOR, world } from "./lib/world.js";

const PE = { tenant: "red", vnf: "pe" };

function about(request: number, instance: string): Ask {
  return { kind: "ask", request, vnf: "pe", instance, id: undefined, maxAgeSeconds: 0 };
}

async function two() {
  const lab = await world();
  const first = new Player(lab, await enrolment(lab, "1"));
  const second = new Player(lab, { ...(await enrolment(lab, "2")), instance: "2" });
  await second.step();
  await first.step();
  return { lab, first, second };
}

test("ASM-16: who asks of the same VNF for the hundredth time is answered, and told of a change once", async () => {
  const { lab, first } = await two();
  for (let request = 1; request <= 100; request++) {
    first.send(about(request, "2"));
    expect(await first.answer(request)).toMatchObject({ state: "trusted" });
  }
  await lab.service.revoke({ ...PE, instance: "2" }, "why not", OPERATOR);
  await until(() => first.answers.some(({ state }) => state === "untrusted"));
  first.send(about(101, "2"));
  await first.answer(101);
  expect(first.answers.filter(({ reason }) => reason === "revoked")).toHaveLength(2);
});

test("ASM-16: who wants a fresh proof of another gets one, and not a proof for each question", async () => {
  const { lab, first, second } = await two();
  const steps = (): number => second.state.chain?.counter ?? 0;
  const before = steps();
  lab.clock.pass(4000);
  first.send({ ...about(1, "2"), maxAgeSeconds: 1 });
  expect(await first.answer(1)).toMatchObject({ state: "trusted" });
  expect(steps()).toBe(before);
  lab.clock.pass(2000);
  first.send({ ...about(2, "2"), maxAgeSeconds: 1 });
  expect(await first.answer(2)).toMatchObject({ state: "trusted" });
  expect(steps()).toBe(before + 1);
});

test("ASM-16, ASM-71: who has asked of a VNF is told when it is removed, and when another takes its name", async () => {
  const { lab, first, second } = await two();
  first.send(about(1, "2"));
  await first.answer(1);
  const held = await enrolment(lab, "2", { replace: true });
  const successor = new Player(lab, { ...held, instance: "2" });
  expect(await successor.step()).toMatchObject({ kind: "done" });
  await until(() => first.answers.some((one) => one.request === 1 && one.reason === "removed"));
  first.send(about(2, "2"));
  expect(await first.answer(2)).toMatchObject({ state: "trusted" });
  await lab.service.removeInstance({ ...PE, instance: "2" }, OPERATOR);
  await until(() => first.answers.some((one) => one.request === 2 && one.reason === "removed"));
  second.close();
});

test.skipIf(process.platform !== "linux")(
  "an agent whose host lost power does not keep its place: TCP asks whether it is there",
  async () => {
    const { lab } = await two();
    const { listening } = await lab.service.status();
    const port = (listening[0]?.port ?? 0).toString(16).toUpperCase().padStart(4, "0");
    const timers = (): readonly (string | undefined)[] =>
      readFileSync("/proc/net/tcp", "latin1")
        .split("\n")
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local, , state]) => local?.endsWith(`:${port}`) === true && state === "01")
        .map(([, , , , , timer]) => timer?.slice(0, 2));
    expect(timers()).toHaveLength(2);
    // 02: the keepalive timer runs, once what was sent is acknowledged.
    await until(() => timers().every((timer) => timer === "02"));
  },
);
