/** The completion scripts: bash's asked by a bash, the others by their shells where these are installed. */
import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { evpnctl } from "./lib/host.js";

const { out: script } = await evpnctl("completion bash");

function complete(...words: string[]): string[] {
  const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _evpnctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const run = spawnSync("bash", ["-c", program, "bash", ...words], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  return run.stdout.split("\n").filter((word) => word !== "");
}

const CASES: [string[], string[]][] = [
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
];

test.each(CASES)("bash: %j", (words, expected) => {
  expect(complete(...words)).toEqual(expected);
});

/** What else the shell offers is cut by it to what begins as the word does. */
function offered(shell: string, program: string, words: readonly string[]): string[] {
  // What stands behind fish's program may be an option of fish.
  const given = shell === "fish" ? [] : words;
  const run = spawnSync(shell, ["-c", program, ...given], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  const begun = words.at(-1)!;
  return run.stdout.split("\n").filter((word) => word !== "" && word.startsWith(begun));
}

function missing(shell: string): boolean {
  return spawnSync(shell, ["-c", "true"]).status !== 0;
}

describe.skipIf(missing("zsh"))("zsh, where it is installed", async () => {
  const { out } = await evpnctl("completion zsh");
  const program = `compdef() { :; }; compadd() { shift; print -l -- "$@"; }; _files() { :; }
${out}
words=("$0" "$@"); CURRENT=$#words; _evpnctl`;
  test.each(CASES)("%j", (words, expected) => {
    expect(offered("zsh", program, words).sort()).toEqual([...expected].sort());
  });
});

describe.skipIf(missing("fish"))("fish, where it is installed", async () => {
  const { out } = await evpnctl("completion fish");
  test.each(CASES)("%j", (words, expected) => {
    const program = `${out}\ncomplete -C '${words.join(" ")}' | string replace -r '\\t.*' ''`;
    expect(offered("fish", program, words).sort()).toEqual([...expected].sort());
  });
});

test.each(["zsh", "fish"])(
  "%s's script knows every verb and every option with values",
  async (shell) => {
    const { out, code } = await evpnctl(`completion ${shell}`);
    expect(code).toBe(0);
    const paths = [...script.matchAll(/^ {4}"([a-z][^"]*)"/gm)].map(([, path = ""]) => path.trim());
    expect(paths.length).toBeGreaterThan(50);
    for (const path of paths) expect(out).toContain(path);
    for (const [, option = ""] of script.matchAll(/^ {4}(--[a-z-]+)\) words/gm)) {
      expect(out).toMatch(new RegExp(`${option}(?![a-z-])`));
    }
  },
);
