import { describe, expect, it, vi } from "vitest";
import type { HttpBackend } from "../../../src/api/index.js";
import { CallServer } from "../../../src/api/worker/call-server.js";
import type { ToMain, ToWorker } from "../../../src/api/worker/messages.js";
import { RemoteBackend } from "../../../src/api/worker/remote-backend.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeControl } from "../../lib/fake-control.js";
import { FakeClock } from "../../model/lib/fake.js";

const SHAPE = { functions: ["reload"], members: ["control"] };

describe("calling", () => {
  function remote(mostCalls = 2) {
    const clock = new FakeClock();
    const sent: ToMain[] = [];
    const refused = vi.fn();
    const calls = new RemoteBackend({
      clock,
      mostCalls,
      refused,
      send: (one) => void sent.push(one),
    });
    calls.setShape(SHAPE);
    return { clock, sent, calls, refused, backend: calls.backend };
  }

  it("is bounded in number: beyond, a refusal that says so, and room again after an answer", async () => {
    const { calls, backend, sent, refused } = remote();
    const first = backend.control.peers();
    void backend.control.peers().catch(() => {});
    await expect(backend.control.peers()).rejects.toMatchObject({
      code: "busy",
      message: "2 requests are under way already; try again later",
    });
    expect(refused).toHaveBeenCalledTimes(1);
    calls.result(1, []);
    expect(await first).toEqual([]);
    void backend.control.peers().catch(() => {});
    expect(sent).toHaveLength(3);
  });

  it("has its time, short for health checks; an answer that comes later is nobody's", async () => {
    const { calls, backend, clock } = remote();
    const health = backend.control.summary();
    const long = backend.control.peers();
    clock.advance(5000);
    await expect(health).rejects.toMatchObject({ code: "busy" });
    calls.result(1, {});
    clock.advance(125_000);
    await expect(long).rejects.toThrow("the BGP thread did not answer within 130 s");
  });
});

describe("answering", () => {
  function server(control: object) {
    let now = 0;
    const sent: ToWorker[] = [];
    const laters: (() => void)[] = [];
    const calls = new CallServer({
      backend: { control, log: silentLog } as unknown as HttpBackend,
      send: (message) => void sent.push(structuredClone(message)),
      now: () => now,
      later: (run) => void laters.push(run),
    });
    const take = (call: number, method: string) =>
      calls.take({ kind: "call", call, member: "control", method, args: [] });
    return { calls, take, sent, laters, spend: (ms: number) => void (now += ms) };
  }

  it("gives the turn up after some milliseconds of calls that came together", () => {
    const begun: number[] = [];
    const rig = server({
      work: () => {
        begun.push(begun.length);
        if (begun.length === 1) for (let n = 2; n <= 10; n++) rig.take(n, "work");
        rig.spend(1);
      },
    });
    rig.take(1, "work");
    expect(begun).toHaveLength(2);
    rig.laters.shift()!();
    expect(begun).toHaveLength(4);
    while (rig.laters.length > 0) rig.laters.shift()!();
    expect(begun).toHaveLength(10);
  });

  it("says what was turned off meanwhile, and that an answer cannot be sent", async () => {
    const { take, sent } = server({ odd: () => () => 1 });
    take(1, "missing");
    await new Promise((turn) => setImmediate(turn));
    expect(sent[0]).toMatchObject({
      kind: "refused",
      error: { code: "busy", message: "control.missing was just turned off; ask again" },
    });
    take(2, "odd");
    await new Promise((turn) => setImmediate(turn));
    expect(sent[1]).toMatchObject({
      kind: "refused",
      error: {
        name: "DOMException",
        message: expect.stringContaining("could not be cloned") as string,
      },
    });
  });

  it("answers nothing after its end", async () => {
    const { calls, take, sent } = server(new FakeControl());
    take(1, "peers");
    calls.close();
    await new Promise((turn) => setImmediate(turn));
    expect(sent).toEqual([]);
  });
});
