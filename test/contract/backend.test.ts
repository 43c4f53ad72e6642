/** The backend of the API, in its own thread and across threads: one suite for both. */
import { describe, expect, it } from "vitest";
import type { ConfigBackend, HttpBackend } from "../../src/api/index.js";
import { CallServer, shapeOf } from "../../src/api/worker/call-server.js";
import type { ToMain, ToWorker } from "../../src/api/worker/messages.js";
import { RemoteBackend } from "../../src/api/worker/remote-backend.js";
import { ControlError } from "../../src/bgp/control.js";
import { FibQueryError } from "../../src/fib/index.js";
import { systemClock } from "../../src/util/clock.js";
import { FakeControl, SUMMARY } from "../lib/fake-control.js";
import { HOST, smallFib } from "../lib/fib.js";

interface Side {
  readonly backend: HttpBackend;
  /** The real one has changed. */
  announce(): void;
}

/** What passes between the threads, copied as it is between threads. */
function across(real: HttpBackend): Side {
  const server = new CallServer({
    backend: real,
    send: (message) => {
      const copy: ToWorker = structuredClone(message);
      setImmediate(() => {
        if (copy.kind === "result") remote.result(copy.call, copy.value);
        if (copy.kind === "refused") remote.fault(copy.call, copy.error);
      });
    },
    now: () => performance.now(),
    later: (run) => void setImmediate(run),
  });
  const remote = new RemoteBackend({
    clock: systemClock,
    refused: () => {},
    send: (message) => {
      const copy: ToMain = structuredClone(message);
      if (copy.kind === "call") setImmediate(() => server.take(copy));
      else if (copy.kind === "log") real.log[copy.level](copy.fields, copy.text);
    },
  });
  const announce = () => remote.setShape(structuredClone(shapeOf(real)));
  announce();
  return { backend: remote.backend, announce };
}

const SIDES: Record<string, (real: HttpBackend) => Side> = {
  "in its thread": (real) => ({ backend: real, announce: () => {} }),
  "across threads": across,
};

const lines: unknown[] = [];
const note = (fields: object, text: string) => void lines.push([fields, text]);

function realBackend() {
  const control = new FakeControl();
  const fib = smallFib();
  const config: ConfigBackend = {
    running: () => ({ file: "x.yaml", loaded: 1, pending: undefined, configuration: { as: 1 } }),
    diff: (text) => Promise.resolve({ ok: true, issues: [], changes: [], lines: [text ?? "-"] }),
    confirm: () => Promise.resolve({ ok: false, lines: ["nothing waits"] }),
    rollback: () => Promise.resolve({ ok: true, lines: [] }),
    pending: () => ({ secondsLeft: 3 }),
  };
  const backend: HttpBackend & { fib: HttpBackend["fib"]; surprise?: unknown } = {
    control,
    fib: fib.control,
    config,
    log: { debug: note, info: note, warn: note, error: note },
    testCandidate: (text) => ({ ok: false, issues: [`no ${text}`] }),
    reload: (seconds) => Promise.resolve({ ok: true, lines: [`confirm ${seconds ?? "no"}`] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "evpnd_up 1\n" }),
  };
  return { backend, control, fib };
}

describe.each(Object.entries(SIDES))("%s", (_name, make) => {
  it("answers with what the members answer", async () => {
    const real = realBackend();
    const { backend } = make(real.backend);
    expect(await backend.control.summary()).toEqual(SUMMARY);
    expect(await backend.reload(7)).toEqual({ ok: true, lines: ["confirm 7"] });
    expect(await backend.reload()).toEqual({ ok: true, lines: ["confirm no"] });
    expect(await backend.metrics()).toEqual({ contentType: "text/plain", text: "evpnd_up 1\n" });
    expect(await backend.config?.pending()).toEqual({ secondsLeft: 3 });
    expect(await backend.config?.running()).toMatchObject({ file: "x.yaml" });
    expect(await backend.config?.diff()).toMatchObject({ lines: ["-"] });
    expect(await backend.testCandidate?.("such", {})).toEqual({ ok: false, issues: ["no such"] });
    expect(await backend.fib?.macs({ mac: HOST })).toEqual(
      await real.fib.control.macs({ mac: HOST }),
    );
  });

  it("passes arguments as they are given", async () => {
    const real = realBackend();
    const { backend } = make(real.backend);
    await backend.control.softClear("10.0.0.1", "in");
    await backend.control.shutdownPeer("10.0.0.1", "back at noon");
    expect(real.control.calls).toEqual([
      ["softClear", "10.0.0.1", "in"],
      ["shutdownPeer", "10.0.0.1", "back at noon"],
    ]);
  });

  it("keeps class, code and sentence of refusals", async () => {
    const { backend } = make(realBackend().backend);
    const unknown = backend.control.peer("10.9.9.9");
    await expect(unknown).rejects.toBeInstanceOf(ControlError);
    await expect(unknown).rejects.toMatchObject({ code: "not-found" });
    const wrong = backend.fib!.macs({ mac: "nonsense" });
    await expect(wrong).rejects.toBeInstanceOf(FibQueryError);
    await expect(wrong).rejects.toMatchObject({
      code: "invalid",
      message: expect.stringContaining('"nonsense" is no MAC address') as string,
    });
  });

  it("has the members that are there, also such as came later", async () => {
    const real = realBackend();
    const side = make(real.backend);
    real.backend.fib = undefined;
    real.backend.surprise = { greet: (who: string) => Promise.resolve(`hello ${who}`) };
    side.announce();
    expect(side.backend.fib).toBeUndefined();
    const { surprise } = side.backend as { surprise?: { greet(who: string): Promise<string> } };
    expect(await surprise?.greet("you")).toBe("hello you");
  });

  it("writes into the log", () => {
    const { backend } = make(realBackend().backend);
    lines.length = 0;
    backend.log.warn({ url: "/x" }, "slow");
    expect(lines).toEqual([[{ url: "/x" }, "slow"]]);
  });
});
