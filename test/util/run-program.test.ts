/** Programs of the system: how their end is told, and ones that are listened to. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { failureOf, programListener, programRunner } from "../../src/util/run-program.js";

const NFT = { program: "nft", from: "nftables", without: "nothing is enforced" };

describe("a program", () => {
  test("gets its input, and no variable of ours but where programs are", async () => {
    process.env["EVPND_TEST_SECRET"] = "x";
    const { code, out } = await programRunner("sh")(["-c", "cat; env"], "rules\n");
    delete process.env["EVPND_TEST_SECRET"];
    expect(code).toBe(0);
    expect(out).toMatch(/^rules\n/);
    expect(out).toMatch(/^LC_ALL=C$/m);
    expect(out).not.toContain("EVPND_TEST_SECRET");
  });

  test("that complains is heard line by line, with its code", async () => {
    const result = await programRunner("sh")(["-c", "echo one >&2; echo two >&2; exit 3"], "");
    expect(result).toMatchObject({ code: 3, complaint: "one\ntwo\n", failure: undefined });
  });

  test("that is not there, or is killed, never ends with a code", async () => {
    expect(await programRunner("evpnd-no-such-program")([], "x")).toMatchObject({
      code: undefined,
      failure: "ENOENT",
    });
    const killed = await programRunner("sh")(["-c", "kill -9 $$"], "");
    expect(killed).toMatchObject({ code: undefined, failure: undefined });
  });
});

test.each([
  [
    { failure: "ENOENT" },
    true,
    "nft is not installed: install nftables, without which nothing is enforced",
  ],
  [{ failure: "EACCES" }, true, "nft: EACCES"],
  [
    { code: 1, complaint: "Operation not permitted\n" },
    true,
    "nft may not change anything (Operation not permitted): give evpnd CAP_NET_ADMIN",
  ],
  [
    { code: 1, complaint: "/dev/stdin:2:1-5: Error: syntax error, unexpected x\nadd x\n" },
    false,
    "nft failed: Error: syntax error, unexpected x",
  ],
  [{}, false, "nft failed to end in time: no reason given"],
])("%o is told with what to do", (part, unsupported, sentence) => {
  const result = { code: undefined, out: "", complaint: "", failure: undefined, ...part };
  expect(failureOf(NFT, result)).toEqual({ unsupported, sentence });
});

describe("a program that talks", () => {
  test("is heard until it ends, once", async () => {
    let said = "";
    const ends: string[] = [];
    await new Promise<void>((resolve) => {
      programListener(["sh", "-c", "echo gone; echo gone again"])(
        (text) => (said += text),
        () => {
          ends.push("end");
          resolve();
        },
      );
    });
    expect([said, ends]).toEqual(["gone\ngone again\n", ["end"]]);
  });

  test("and is not there has ended; one that is ended by us is not told", async () => {
    await new Promise<void>((resolve) => {
      programListener(["evpnd-no-such-program"])(() => {}, resolve);
    });
    let ended = false;
    const pid = await new Promise<number>((resolve) => {
      const stop = programListener(["sh", "-c", "echo $$; exec sleep 600"])(
        (text) => {
          stop();
          resolve(Number(text));
        },
        () => (ended = true),
      );
    });
    while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(ended).toBe(false);
  });
});
