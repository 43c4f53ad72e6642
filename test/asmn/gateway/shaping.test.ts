import { expect, test } from "vitest";
import { shapeScript, shapeState, Shaper } from "../../../src/asmn/gateway/shaping.js";
import { FakeKernel } from "./lib/fake-kernel.js";

const SPEC = { name: "right", rate: 100_000_000, slow: 1_000_000, slowBurst: 16_384 };

test("ASM-34: an interface has two classes, the normal one and the slow one", () => {
  const lines = shapeScript(SPEC).split("\n");
  expect(lines[0]).toBe("qdisc replace dev right root handle a5e0: htb default 10");
  expect(lines[2]).toMatch(/classid a5e0:10 htb rate 99000000bit ceil 100000000bit/);
  expect(lines[3]).toMatch(/classid a5e0:20 htb rate 1000000bit ceil 1000000bit burst 16384/);
});

test("the kernel's own queue gives way, ours is known again, somebody else's stays", async () => {
  const root = (kind: string, handle: string) => JSON.stringify([{ kind, handle, root: true }]);
  expect(shapeState("").kind).toBe("none");
  expect(shapeState(root("fq_codel", "0:")).kind).toBe("none");
  expect(shapeState(root("htb", "a5e0:")).kind).toBe("ours");
  expect(shapeState(root("htb", "1:"))).toEqual({ kind: "foreign", text: "htb 1:" });
  const kernel = new FakeKernel();
  kernel.queues.set("left", "1:");
  const shaper = new Shaper(kernel.tc);
  const problems = await shaper.apply([SPEC, { ...SPEC, name: "left" }]);
  expect(problems).toEqual([
    "left has a queue of somebody else's (htb 1:): delete it, or give the interface no rate",
  ]);
  expect(shaper.shaped).toEqual(["right"]);
  expect(await shaper.apply([])).toEqual([]);
  expect([...kernel.queues]).toEqual([["left", "1:"]]);
});

test("an interface that is not there is told, and is no fault of the others", async () => {
  const kernel = new FakeKernel();
  const shaper = new Shaper((args, batch) =>
    args.includes("gone") || batch.includes("gone")
      ? Promise.reject(new Error('tc failed: Cannot find device "gone"'))
      : kernel.tc(args, batch),
  );
  const problems = await shaper.apply([{ ...SPEC, name: "gone" }, SPEC]);
  expect(problems).toEqual(['gone is not shaped: tc failed: Cannot find device "gone"']);
  expect(shaper.shaped).toEqual(["right"]);
  expect(await shaper.removeAll(["gone"])).toEqual([]);
});

test("ASM-34: a tc that fails halfway leaves no half of a queue, and is tried again from the ground", async () => {
  const kernel = new FakeKernel();
  let fails = true;
  const shaper = new Shaper(async (args, batch) => {
    const said = await kernel.tc(args, batch);
    if (fails && args.includes("-batch")) throw new Error("tc failed: Command failed -:3");
    return said;
  });
  expect(await shaper.apply([SPEC])).toEqual([
    "right is not shaped: tc failed: Command failed -:3",
  ]);
  expect([...kernel.queues]).toEqual([]);
  expect(shaper.shaped).toEqual([]);
  fails = false;
  expect(await shaper.apply([SPEC])).toEqual([]);
  expect([...kernel.queues.keys()]).toEqual(["right"]);
});
