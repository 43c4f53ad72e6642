/** Paper mode as a whole: every role with its listener, messages over TCP. */
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { PaperError } from "../../../src/asmn/paper/index.js";
import { hashOf } from "../../../src/asmn/paper/hash.js";
import type { TraceRow } from "../../../src/asmn/paper/wire/trace.js";
import { message } from "../../../src/asmn/paper/wire/message.js";
import { IMAGE, inWorld, NOW, run } from "./lib.js";

const ways = (rows: readonly TraceRow[], ...kinds: string[]): string[] =>
  rows
    .filter(({ kind }) => kinds.includes(kind))
    .map(({ from, to, kind }) => `${from}>${to} ${kind}`);
const first = hashOf("sha1", IMAGE.octets);

describe("a run", () => {
  test("ASM-01, ASM-02: every role takes part, and the three steps follow each other", async () => {
    const report = await run();
    expect(report.reached).toBe(3);
    const phases = report.steps.map(({ phase }) => phase);
    expect(phases).toEqual([...phases].sort());
    expect(new Set(phases)).toEqual(new Set([1, 2, 3]));
    const roles = new Set(report.trace.flatMap(({ from, to }) => [from, to]));
    expect(roles).toEqual(new Set(["VIM", "VNFM", "Sec-EM", "VNF1", "VNF2", "VNF-G/W"]));
    expect(report.steps.at(-2)?.text).toBe("VNF-G/W: tcp port 179 from VNF1 to VNF2 passes");
    expect(report.steps.at(-1)?.text).toBe("VNF-G/W: tcp port 23 from VNF1 to VNF2 is abnormal");
  });

  test("ASM-12: the VIM computes the chain, shares it with the Sec-EM, and with the VNF through the VNFM", async () => {
    const { trace } = await run();
    const shared = ways(trace, "register", "deliver", "renew").filter(
      (way) => !way.includes("VNF2"),
    );
    expect(shared.slice(0, 6)).toEqual([
      "VIM>Sec-EM register",
      "VIM>VNFM deliver",
      "VNFM>VNF1 deliver",
      "VIM>Sec-EM renew",
      "VIM>VNFM renew",
      "VNFM>VNF1 renew",
    ]);
    const links = trace
      .filter(({ kind }) => kind === "register")
      .map(({ fields }) => fields["link"]);
    expect(links[0]).toBe(Buffer.from(first).toString("hex"));
  });

  test("ASM-13: renewed at registration, and then as often as the interval says", async () => {
    const waits: number[] = [];
    const wait = (milliseconds: number): Promise<void> => {
      waits.push(milliseconds);
      return Promise.resolve();
    };
    const { trace, results } = await run({ renewals: 3, intervalMs: 60_000, wait });
    expect(waits).toEqual([60_000, 60_000, 60_000]);
    const indexes = trace
      .filter(({ kind, to }) => kind === "renew" && to === "VNF1")
      .map(({ fields }) => fields["index"]);
    expect(indexes).toEqual(["2", "3", "4", "5"]);
    expect(results.map(({ index }) => index)).toEqual([5, 5]);
  });

  test("ASM-13: renewed when a VNF has restarted", async () => {
    await inWorld(async (world) => {
      const one = await world.instantiated("VNF1", first);
      const two = await world.instantiated("VNF2", first);
      await one.restarted();
      const { rows } = world.directory.trace;
      expect(ways(rows, "restarted")).toEqual(["VNF1>VNFM restarted", "VNFM>VIM restarted"]);
      expect(rows.findLast(({ kind }) => kind === "renew")?.fields).toMatchObject({
        name: "VNF1",
        index: "3",
      });
      expect((await one.authenticate(two)).fields["state"]).toBe("trusted");
    });
  });

  test("ASM-16: (a) VNF1 has VNF2 verified, then (b) VNF2 has VNF1 verified; each shows the link to the other side", async () => {
    const { trace, results } = await run();
    expect(ways(trace, "verify", "prove", "proof", "result", "hello")).toEqual([
      "VNF1>Sec-EM verify",
      "Sec-EM>VNF2 prove",
      "VNF2>Sec-EM proof",
      "Sec-EM>VNF1 result",
      "VNF1>VNF2 hello",
      "VNF2>Sec-EM verify",
      "Sec-EM>VNF1 prove",
      "VNF1>Sec-EM proof",
      "Sec-EM>VNF2 result",
      "VNF2>VNF1 result",
    ]);
    expect(results).toEqual([
      { vnf: "VNF2", state: "trusted", reason: "it has link 2", index: 2, time: NOW },
      { vnf: "VNF1", state: "trusted", reason: "it has link 2", index: 2, time: NOW },
    ]);
  });

  test("ASM-16: a Sec-EM without the link gets no proof", async () => {
    await inWorld(async (world) => {
      const one = await world.instantiated("VNF1", first);
      const { fields } = await world.directory.ask(
        "a stranger",
        "VNF1",
        message("prove", { id: one.id, index: "2", sealed: "00".repeat(32) }),
      );
      expect(fields["reason"]).toBe("who asks does not have link 2: it is not the Sec-EM");
    });
  });

  test.each(["crc32", "md5", "sha1"] as const)(
    "ASM-11, ASM-22: with %s, and the report says how small the exponents are",
    async (hash) => {
      const report = await run({ hash });
      expect(report).toMatchObject({ hash, reached: 3, primeDigits: 617 });
      expect(report.exponent.statement).toMatch(/the paper says more than 100$/);
    },
  );

  test("ASM-20, ASM-21: p and q from the Sec-EM to each VNF, then R of each to the other", async () => {
    const { trace } = await run();
    expect(ways(trace, "group-wanted", "group", "public")).toEqual([
      "VNF1>Sec-EM group-wanted",
      "Sec-EM>VNF1 group",
      "VNF1>VNF2 public",
      "VNF2>Sec-EM group-wanted",
      "Sec-EM>VNF2 group",
      "VNF2>VNF1 public",
    ]);
    await expect(run({ group: { p: 23n, q: 5n } })).rejects.toThrow(/more than 300/);
  });
});

describe("what is found out", () => {
  test("ASM-03: a fake with another image is recognised before it reaches anybody", async () => {
    const fake = { name: "another image", octets: Buffer.from("another image") };
    const { results, trace, reached } = await run({ fake, renewals: 2 });
    expect(results).toMatchObject([
      { vnf: "VNF2", state: "untrusted", reason: "it does not have link 4 of the image" },
    ]);
    expect(reached).toBe(0);
    expect(ways(trace, "hello", "group", "public", "data", "catalog")).toEqual([]);
  });

  test("ASM-15, ASM-17: a VNF that missed a renewal is stale, and says so", async () => {
    const { results, steps, reached } = await run({ renewals: 2, loseLast: true });
    expect(results).toEqual([
      {
        ...{ vnf: "VNF2", state: "stale", index: 4, time: NOW },
        reason: "it has link 3, the Sec-EM link 4: a renewal was missed; register it again",
      },
    ]);
    expect(reached).toBe(0);
    expect(steps.at(-1)?.text).toMatch(/^ends here: it has link 3/);
  });

  test("ASM-17: unknown is who is not registered, or does not answer", async () => {
    await inWorld(async (world) => {
      const one = await world.instantiated("VNF1", first);
      const nobody = { id: "00".repeat(16), name: "VNF2" };
      expect((await one.authenticate(nobody)).fields).toMatchObject({
        ...{ state: "unknown", reason: "no such ID is registered", index: "0" },
      });
    });
  });

  test("ASM-02: each step is refused until the one before has succeeded", async () => {
    await inWorld(async (world) => {
      const one = await world.instantiated("VNF1", first);
      const two = await world.instantiated("VNF2", first);
      await expect(one.agree(two)).rejects.toThrow(
        /p and q are for VNFs that have verified each other/,
      );
      await expect(one.send(two, Buffer.from("x"))).rejects.toThrow(/no key for VNF2 yet/);
      await expect(one.reportSecured(two)).rejects.toThrow(/no key for VNF2 yet/);
      const ask = (kind: "secured" | "group-wanted") =>
        world.directory.ask("VNF1", "Sec-EM", message(kind, { asker: one.id, other: two.id }));
      expect((await ask("secured")).fields["reason"]).toMatch(/have verified each other/);
      const early = message("verify", { asker: two.id, subject: one.id, step: "b" });
      expect((await world.directory.ask("VNF2", "Sec-EM", early)).fields["reason"]).toBe(
        "(b) comes after (a) has succeeded",
      );
      await one.authenticate(two);
      expect((await ask("group-wanted")).kind).toBe("group");
    });
  });
});

describe("the listeners", () => {
  test("refuse what is no message, and go on", async () => {
    await inWorld(async (world) => {
      const one = await world.instantiated("VNF1", first);
      expect(await world.directory.ask("x", "VNFM", message("done"))).toMatchObject({
        kind: "refused",
      });
      const port = world.directory.portOf("VNF1");
      const said = await new Promise<string>((resolve) => {
        const socket = connect(port ?? 0, "127.0.0.1");
        socket.once("data", (octets) => {
          socket.destroy();
          resolve(octets.toString());
        });
        socket.write("A".repeat(100_000));
      });
      expect(said).toContain("a message is longer than");
      expect(one.id).toHaveLength(32);
    });
  });

  test("a name without an address is an error that says so", async () => {
    await inWorld(async (world) => {
      const asked = world.directory.ask("VNF1", "VNF7", message("done"));
      await expect(asked).rejects.toThrow(new PaperError("VNF1 knows no address of VNF7"));
    });
  });
});
