/** evpnd's options: laid over the default or a file, checked by the same schema. */
import { describe, expect, test } from "vitest";
import { parseDaemonArguments } from "../../src/config/command-line.js";
import { formatIssue, loadConfig } from "../../src/config/index.js";
import { Family } from "../../src/fast-bgp-codec/family.js";

function parse(line: string) {
  const said: string[] = [];
  const output = { out: (text: string) => said.push(text), err: (text: string) => said.push(text) };
  return { parsed: parseDaemonArguments(line.split(" ").filter(Boolean), output), said };
}

function load(line: string) {
  const { parsed } = parse(line);
  if (parsed.kind === "exit") throw new Error(`exit ${parsed.code}`);
  return loadConfig(parsed.arguments);
}

test("faults of a text in place of the file are not said of the file", () => {
  for (const source of [{}, { file: "conf/ebgp.yaml" }]) {
    const result = loadConfig({ ...source, text: "as: 0\n" });
    expect(result.ok ? [] : result.issues.map((issue) => issue.file)).toContain("candidate");
  }
});

function errors(line: string): string[] {
  const result = load(line);
  return result.ok ? [] : result.issues.map(formatIssue);
}

describe("a lab without a file", () => {
  const result = load(
    "--as 65000 --router-id 10.99.0.254 --listen 10.99.0.254:179 --clients 10.99.0.0/24,10.98.0.0/24 --cluster-id 7 --family l2vpn-evpn --family ipv4-unicast --http off",
  );

  test("is what the options say", () => {
    if (!result.ok) throw new Error(result.issues.map(formatIssue).join("\n"));
    const { speaker, http } = result.settings;
    expect(speaker).toMatchObject({
      as: 65000,
      routerId: "10.99.0.254",
      clusterId: "0.0.0.7",
      listen: [{ address: "10.99.0.254", port: 179 }],
    });
    expect(speaker.dynamic.map((range) => range.prefix)).toEqual(["10.99.0.0/24", "10.98.0.0/24"]);
    expect(speaker.dynamic[0]).toMatchObject({
      client: true,
      families: [Family.Ipv4Unicast, Family.Evpn],
    });
    expect(http.listen).toBeUndefined();
  });

  test("takes its router id from the address it listens on", () => {
    const plain = load("--listen 10.1.1.1:179");
    expect(plain.ok && plain.settings.speaker.routerId).toBe("10.1.1.1");
  });
});

describe("faults name the option", () => {
  test.each([
    [
      "--as x",
      'command line, --as: as: "x" is not a whole number; write the number without quotes or units',
    ],
    [
      "--listen 1.2.3.4",
      'command line, --listen: listen[0]: "1.2.3.4" is not usable here; write ADDRESS:PORT, for example 10.0.0.1:179 or [2001:db8::1]:179',
    ],
    [
      "--clients 10.0.0.1",
      'command line, --clients: dynamic-peers[0].prefix: "10.0.0.1" is not usable here; write ADDRESS/LENGTH, for example 10.0.0.0/16 or 2001:db8::/32',
    ],
    [
      "--clients 10.0.0.0/8 --family evpn",
      'command line, --clients, --family: dynamic-peers[0].families[0]: "evpn" is not known; did you mean "l2vpn-evpn"?',
    ],
    [
      "--log-level loud",
      'command line, --log-level: log.level: "loud" is not known; use one of: debug, info, warn, error, silent',
    ],
    [
      "--http 0.0.0.0:80",
      "command line, --http: http.listen: 0.0.0.0 can be reached from other machines, and whoever does could steer evpnd; listen on 127.0.0.1, or add api.tls and api.clients (docs/api-security.md)",
    ],
  ])("%s", (line, expected) => {
    expect(errors(line)).toEqual([expected]);
  });
});

test("options beat the file", () => {
  const result = load("--config conf/frr-fabric.yaml --as 65001 --http 127.0.0.1:9000");
  if (!result.ok) throw new Error("refused");
  expect(result.settings.speaker).toMatchObject({ as: 65001, routerId: "10.99.0.254" });
  expect(result.settings.http.listen?.port).toBe(9000);
});

describe("ends before anything starts", () => {
  test("--help and --version with 0", () => {
    expect(parse("--help").parsed).toEqual({ kind: "exit", code: 0 });
    expect(parse("--version").said.join("")).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("an unknown option with 2, and a suggestion", () => {
    const { parsed, said } = parse("--lissen 1.2.3.4:179");
    expect(parsed).toEqual({ kind: "exit", code: 2 });
    expect(said.join("")).toContain("Did you mean --listen?");
  });
});
