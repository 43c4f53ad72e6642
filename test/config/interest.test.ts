/** Route-target options of peers: from the file's words to octets. */
import { describe, expect, test } from "vitest";
import { formatIssue } from "../../src/config/index.js";
import { check } from "./lib/check.js";

function peer(lines: string) {
  const text = `as: 65000\nrouter-id: 10.0.0.1\npeers:\n  - address: 10.0.0.2\n${lines}`;
  return check(text);
}

function interest(lines: string) {
  const result = peer(lines);
  if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
  return result.settings.speaker.peers[0]!.interest;
}

describe("route-target options", () => {
  test("take every form of a route target, each once, in order", () => {
    const list = [
      "65000:100",
      "rt:65000:100",
      "4200000000:7",
      "65000L:7",
      "192.0.2.1:7",
      "es-import:00:11:22:33:44:55",
    ];
    const { targets, allowed } = interest(
      `    route-targets: ${JSON.stringify(list)}\n    allow-route-targets: ["65000:1"]\n`,
    );
    expect(targets).toEqual([
      "0002fde800000064",
      "0102c00002010007",
      "02020000fde80007",
      "0202fa56ea000007",
      "0602001122334455",
    ]);
    expect(allowed).toEqual(["0002fde800000001"]);
  });

  test("are off unless said", () => {
    expect(interest("")).toEqual({
      targets: undefined,
      allowed: undefined,
      inference: "off",
      inferenceHold: 300,
      defaultMembership: false,
    });
    expect(interest("    route-target-inference: shadow\n").inference).toBe("shadow");
  });

  test.each(["65000", "65000:4294967296", "es-import:00:11", "4200000000:70000"])(
    "refuse %s and say how to write one",
    (text) => {
      const result = peer(`    route-targets: ["${text}"]\n`);
      expect(result.ok).toBe(false);
      if (!result.ok) {
        expect(result.issues.map(formatIssue).join()).toContain("write AS:NUMBER, ADDRESS:NUMBER");
      }
    },
  );
});
