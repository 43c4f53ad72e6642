/** The completion script, asked by a bash. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { evpnctl } from "./lib/host.js";

const { out: script } = await evpnctl("completion bash");

function complete(...words: string[]): string[] {
  const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _evpnctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync("bash", ["-c", program, "bash", ...words], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  return run.stdout.split("\n").filter((word) => word !== "");
}

test.each([
  [["evpnctl", "sho"], ["show"]],
  [
    ["evpnctl", "show", "peer"],
    ["peers", "peer"],
  ],
  [["evpnctl", "show", "peer", "10.0.0.1", "a"], ["advertised"]],
  [["evpnctl", "clear", "peer", "10.0.0.1", "soft", "i"], ["in"]],
  [
    ["evpnctl", "--json", "show", "routes", "--r"],
    ["--rd", "--rt"],
  ],
  [
    ["evpnctl", "decode", "--p"],
    ["--pcap", "--peer-as"],
  ],
  [["evpnctl", "show", "mac", "--vni", "100", "--e"], ["--esi"]],
  [["evpnctl", "show", "mac", "52:54", "--e"], ["--esi"]],
  [["evpnctl", "--url", "http://10.0.0.1", "show", "sum"], ["summary"]],
  [["evpnctl", "what-if", "pe", "10.0.0.1", "--changes", "d"], ["dark"]],
  [["evpnctl", "quarantine", "add", "--action", "rate"], ["rate-limit"]],
])("%j", (words, expected) => {
  expect(complete(...words)).toEqual(expected);
});
