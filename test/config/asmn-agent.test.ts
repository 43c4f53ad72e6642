/** The agent's file: the example is good, and what is wrong with another one is said with its place. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkAgentConfig, formatIssue, loadAgentConfig } from "../../src/config/index.js";

const KEY = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
const LEAST = [
  "tenant: blue",
  "vnf: edge",
  "instance: edge-1",
  'sec-em: ["192.0.2.1:7201"]',
  `root-keys: ["${KEY}"]`,
  "image: {path: image}",
];

function check(...lines: readonly string[]): ReturnType<typeof checkAgentConfig> {
  return checkAgentConfig([...LEAST, ...lines, ""].join("\n"), "agent.yaml", "/etc/evpnd");
}

function issuesOf(...lines: readonly string[]): string[] {
  const result = check(...lines);
  return result.ok ? [] : result.issues.map(formatIssue);
}

test("conf/asmn-agent.yaml is good, without warnings", () => {
  const result = loadAgentConfig("conf/asmn-agent.yaml");
  expect(result.ok ? result.warnings : result.issues.map(formatIssue)).toEqual([]);
  expect(readFileSync("conf/asmn-agent.yaml", "utf8")).not.toMatch(/password|token: /);
});

describe("the least that an agent needs", () => {
  test("has defaults, and paths start at the file's directory", () => {
    const result = check();
    if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
    expect(result.settings).toMatchObject({
      stateDirectory: "/var/lib/evpnd-agent",
      secEms: [{ address: "192.0.2.1", port: 7201 }],
      image: { path: "/etc/evpnd/image", threads: 1, recheckSeconds: 86_400 },
      root: { kind: "none" },
      binding: { kind: "address" },
      renewalSeconds: undefined,
      traffic: undefined,
    });
  });

  test("the bindings, a root and traffic", () => {
    const result = check(
      'binding: {kind: tcp-md5, command: [vtysh], input: "password {key}"}',
      "root: {kind: platform, file: document}",
      'traffic: {listen: "192.0.2.11:7203", accept: [{port: 80, to: "127.0.0.1:80"}]}',
    );
    if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
    expect(result.settings.binding).toEqual({
      kind: "tcp-md5",
      command: ["vtysh"],
      input: "password {key}",
    });
    expect(result.settings.root).toEqual({ kind: "platform", file: "/etc/evpnd/document" });
    expect(result.settings.traffic?.accept).toEqual([
      { port: 80, to: { address: "127.0.0.1", port: 80 } },
    ]);
    expect(result.warnings).toEqual([]);
  });
});

test("ASM-68: a platform's document, or a TPM's, is what a command prints", () => {
  for (const kind of ["platform", "tpm"]) {
    const result = check(`root: {kind: ${kind}, command: [/etc/evpnd/signer, -q]}`);
    if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
    expect(result.settings.root).toEqual({ kind, command: ["/etc/evpnd/signer", "-q"] });
  }
});

describe("what is wrong is said", () => {
  test.each([
    ["a key that is unknown", "tennant: x", 'unknown key "tennant"; did you mean "tenant"?'],
    ["an address without a port", "status-file: 5", "5 is not a text"],
    [
      "a proxy without its key",
      'binding: {kind: tls-proxy, listen: "127.0.0.2:179"}',
      'needs "key"',
    ],
    [
      "a command without the key",
      "binding: {kind: tcp-md5, command: [vtysh]}",
      "never given the key",
    ],
    ["a platform without document", "root: {kind: platform}", 'platform needs "command"'],
    ["a TPM in a file", "root: {kind: tpm, file: quote}", "tpm has no use for a file here"],
    [
      "a document from two places",
      "root: {kind: platform, file: a, command: [b]}",
      "platform has no use for a file here",
    ],
    [
      "ports nobody can ask for",
      'traffic: {accept: [{port: 1, to: "127.0.0.1:1"}]}',
      "add traffic.listen",
    ],
    ["too many threads", "manifest: {processes: [a-name-that-is-far-too-long]}", "too long"],
  ])("%s", (_what, line, words) => {
    expect(issuesOf(line).join("\n")).toContain(words);
  });

  test("a root key that is none is not quoted wrongly", () => {
    const text = LEAST.join("\n").replace(KEY, "12ab");
    const result = checkAgentConfig(text, "agent.yaml", ".");
    expect(result.ok ? "" : result.issues.map(formatIssue).join("\n")).toContain(
      "write the key as 64 hexadecimal digits, in quotes",
    );
  });

  test("a key on the command line is a warning", () => {
    const result = check('binding: {kind: tcp-md5, command: [set, "{key}"]}');
    expect(result.ok && result.warnings.map(({ message }) => message)).toEqual([
      "every user sees the key while it runs",
    ]);
  });

  test("an empty file names the example; a missing one is an issue", () => {
    const empty = checkAgentConfig("", "agent.yaml", ".");
    expect(empty.ok ? "" : empty.issues.map(formatIssue).join()).toContain("conf/asmn-agent.yaml");
    const missing = loadAgentConfig("conf/none-agent.yaml");
    expect(missing.ok ? "" : missing.issues.map(formatIssue).join()).toContain("ENOENT");
  });
});
