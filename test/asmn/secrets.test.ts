/**
 * No secret of the trust checks is in an answer, in what evpnctl prints, in a log or in the audit log. The walk
 * takes every operation and every verb there is, with a Sec-EM, an agent and a gate that hold real secrets: a
 * new operation is in it at once, and a new verb must be given words here.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import type { Command } from "commander";
import { expect, onTestFinished, test } from "vitest";
import { openHttpDoor } from "../../src/api/index.js";
import { OPERATIONS, type Operation } from "../../src/api/service/index.js";
import { AgentHome } from "../../src/asmn/agent/index.js";
import type { SigningKey } from "../../src/asmn/crypto/index.js";
import { generateSigningKey, signingKeyToPem } from "../../src/asmn/crypto/index.js";
import { FeedDesk } from "../../src/asmn/gate/feed-desk.js";
import { LocalGate } from "../../src/asmn/gate/local-gate.js";
import { GateFiles } from "../../src/asmn/gate/memory.js";
import { tlsIdentity } from "../../src/asmn/link/index.js";
import { buildProgram } from "../../src/cli/program.js";
import type { Log } from "../../src/util/log.js";
import { SAMPLES } from "../api/service/samples.js";
import { evpnctl } from "../cli/lib/host.js";
import { secretIn } from "../lib/canary.js";
import { FakeAsmn } from "../lib/fake-asmn.js";
import { FakeControl } from "../lib/fake-control.js";
import { SoftTpm } from "./lib/soft-tpm.js";
import { Player, until } from "./sec-em/lib/player.js";
import { enrolment, IMAGE, tenant, vnf, world, type World } from "./sec-em/lib/world.js";

const PURPOSES = ["transport", "verdict", "catalog", "break-glass"] as const;

function seedOf({ privateKey }: SigningKey): Uint8Array {
  return new Uint8Array(Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url"));
}

/** 32 octets behind the 16 of the id, which is no secret. */
function seedOfToken(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.slice(text.indexOf(".") + 1), "base64url").subarray(16));
}

/** Everything that holds secrets, and what has been said by any of it. */
class Stage {
  readonly found: string[] = [];
  readonly lines: string[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "evpnd-secrets-"));
  readonly agentKey: SigningKey;
  readonly platform = generateSigningKey();
  readonly tpm = new SoftTpm();
  readonly lab: World;
  readonly gate: LocalGate;
  url = "";
  private readonly agent: Player;
  private readonly gateKey: SigningKey;
  private readonly md5Key: string;
  private readonly tokens: string[] = [];
  private readonly states: Uint8Array[] = [];

  private constructor(lab: World, lines: string[], agent: Player, md5Key: string, token: string) {
    this.lab = lab;
    this.lines = lines;
    this.agent = agent;
    this.md5Key = md5Key;
    this.tokens.push(token);
    this.agentKey = agent.options.key;
    const files = new GateFiles(this.directory);
    this.gateKey = files.key(undefined);
    const { clock } = lab;
    const log = logTo(lines);
    const settings = { staleSeconds: 15, graceSeconds: 120, dryRun: false, community: 1 };
    this.gate = new LocalGate({ settings, clock, log, applied: () => {} });
    this.gate.configure(settings, ["local"]);
    const identity = tlsIdentity(this.gateKey, "gate");
    const tell = (events: Parameters<LocalGate["take"]>[0]): void => this.gate.take(events);
    const feeds = {
      ...{ audience: "evpnd", sources: [], staleSeconds: 15 },
      localRoots: [lab.service.rootKey()],
    };
    const desk = new FeedDesk({ identity, files, clock, tell }, feeds);
    desk.configure(feeds);
    const { port1, port2 } = new MessageChannel();
    lab.service.subscribe(port2);
    desk.connectLocal(port1);
    onTestFinished(() => {
      desk.close();
      this.gate.close();
      agent.close();
      rmSync(this.directory, { recursive: true });
    });
  }

  static async open(): Promise<Stage> {
    const lines: string[] = [];
    const vnfs = [vnf("pe", { binding: "tcp-md5" }), vnf("rr")];
    const lab = await world({ tenants: [tenant({ vnfs })] }, logTo(lines));
    const enrolled = await enrolment(lab);
    const agent = new Player(lab, enrolled);
    const outcome = await agent.step();
    if (outcome.kind !== "done" || outcome.md5Key === undefined) throw new Error("no MD5 key");
    const stage = new Stage(lab, lines, agent, outcome.md5Key, enrolled.token);
    await until(() => {
      lab.clock.pass(1);
      return stage.gate.instances().some(({ state }) => state === "trusted");
    });
    expect(stage.gate.keyFor("127.0.0.1", { tenant: "red", vnf: "pe" } as Requirement)).toBe(
      stage.md5Key,
    );
    await stage.listen();
    return stage;
  }

  /** What is said there must hold none of what is secret now. */
  look(where: string, text: string): void {
    for (const [name, secret] of this.secrets()) {
      const form = secretIn(text, secret);
      if (form !== undefined) this.found.push(`${where}: ${name} (${form})`);
    }
  }

  /** A token was made: its answer may have it, this once. @returns what else was said */
  tokenMade(text: string): string {
    const [token] = /asmn1\.[\w-]+/.exec(text) ?? [];
    if (token === undefined) return text;
    this.tokens.push(token);
    return text.replace(token, "");
  }

  file(name: string, content: string): string {
    const path = join(this.directory, name);
    writeFileSync(path, content);
    return path;
  }

  /** Logs and audit log, at the end. */
  lookBack(): void {
    expect(this.lines.length).toBeGreaterThan(0);
    this.look("the log", this.lines.join("\n"));
    const audit = this.lab.disk.audit.text();
    expect(audit).toContain("register-tpm-key");
    this.look("the audit log", audit);
  }

  private *secrets(): Iterable<readonly [string, Uint8Array]> {
    const { keys } = this.lab.service.core;
    const { chain } = this.agent.state;
    if (chain !== undefined && !this.states.includes(chain.state)) this.states.push(chain.state);
    yield ["the root's private half", seedOf(keys.root)];
    for (const purpose of PURPOSES) yield [`the ${purpose} key`, seedOf(keys.current(purpose))];
    yield ["the MD5 key", Buffer.from(this.md5Key)];
    yield ["the MD5 key", Buffer.from(this.md5Key, "hex")];
    yield ["the instance's key", seedOf(this.agentKey)];
    yield ["the gate's key", seedOf(this.gateKey)];
    yield ["the platform's key", seedOf(this.platform)];
    yield ["a TPM's key, given by mistake", Buffer.from(this.tpm.privatePem.slice(40, 90))];
    for (const state of this.states) yield ["a state of the chain", state];
    for (const token of this.tokens) yield ["a token", seedOfToken(token)];
  }

  private async listen(): Promise<void> {
    const { service } = this.lab;
    const fake = new FakeAsmn();
    const { gateway } = fake;
    const gate = {
      ...fake.gate,
      instances: () => Promise.resolve(this.gate.instances()),
      gated: () => Promise.resolve(this.gate.gated()),
    };
    const asmn = {
      ...fake.asmn,
      status: async () => ({
        ...{ secEm: await service.status(), gateway: await gateway.status() },
        gate: await gate.status(),
      }),
      keys: () => service.keys(),
    };
    const door = await openHttpDoor(
      {
        ...{ asmn, asmnSecEm: service, asmnGate: gate, asmnGateway: gateway },
        ...{ control: new FakeControl(), log: logTo(this.lines) },
        reload: () => Promise.resolve({ ok: true, lines: [] }),
        metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
      },
      { listen: { address: "127.0.0.1", port: 0 }, allowedHosts: [] },
    );
    if (door === undefined) throw new Error("no door");
    onTestFinished(() => door.close());
    this.url = `http://${door.address}`;
  }
}

type Requirement = Parameters<LocalGate["keyFor"]>[1];

function logTo(lines: string[]): Log {
  const note = (fields: object, message: string): void => {
    const plain = Object.entries(fields).map(([key, value]) => [
      key,
      value instanceof Error ? `${value.message} ${value.stack ?? ""}` : (value as unknown),
    ]);
    lines.push(`${JSON.stringify(Object.fromEntries(plain))} ${message}`);
  };
  return { debug: note, info: note, warn: note, error: note };
}

/** Of the samples, with names of the stage. */
function inputOf({ id }: Operation, stage: Stage): Record<string, unknown> {
  const key = JSON.stringify(stage.tpm.pem);
  const given = JSON.stringify(SAMPLES[id] ?? {})
    .replaceAll('"blue"', '"red"')
    .replaceAll('"edge"', '"pe"')
    .replaceAll('"store"', '"rr"')
    .replaceAll('"edge-1"', '"1"')
    .replaceAll("ab".repeat(32), IMAGE)
    .replace('"-----BEGIN PUBLIC KEY-----"', key);
  const input = JSON.parse(given) as Record<string, unknown>;
  // The samples contradict what is registered here.
  if (id === "IssueToken") return { ...input, instance: "2" };
  if (id === "MeasureImage") return { file: "image" };
  if (id === "RegisterVnf") return { ...input, catalog: [] };
  if (id === "RemoveVnf") return { ...input, vnf: "relay" };
  return input;
}

async function ask(operation: Operation, input: object, { url }: Stage) {
  const { method, path } = operation.http;
  const words = Object.entries(input).map(([key, value]): [string, string] => [key, String(value)]);
  const answer = await fetch(
    `${url}${path}${method === "GET" ? `?${new URLSearchParams(words).toString()}` : ""}`,
    method === "GET"
      ? {}
      : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(input) },
  );
  const headers = JSON.stringify([...answer.headers]);
  return { status: answer.status, text: `${await answer.text()}\n${headers}` };
}

/** What ends things comes last, so that there is something to tell until then. */
const endsThings = ({ id }: Operation): number => (/^(Remove|Withdraw)/.test(id) ? 1 : 0);

test("ASM-69, ASM-74, ASM-75: no operation answers with a secret, whatever was done before; nor does a log hold one", async () => {
  const stage = await Stage.open();
  const ours = OPERATIONS.filter(({ group }) => group.startsWith("Asmn"));
  const looks = ours.filter(({ role }) => role === "viewer");
  const acts = ours
    .filter(({ role }) => role !== "viewer")
    .sort((a, b) => endsThings(a) - endsThings(b));
  const good = new Set<string>();
  const lookAll = async (after: string): Promise<void> => {
    const texts: string[] = [];
    for (const one of looks) {
      const { status, text } = await ask(one, inputOf(one, stage), stage);
      if (status === 200) good.add(one.id);
      texts.push(`${one.id}: ${text}`);
    }
    stage.look(`what is told after ${after}`, texts.join("\n"));
  };
  await lookAll("nothing");
  for (const one of acts) {
    const { status, text } = await ask(one, inputOf(one, stage), stage);
    if (status === 200) good.add(one.id);
    stage.look(one.id, one.id === "IssueToken" ? stage.tokenMade(text) : text);
    // While all is there, before anything is taken away, and at the end.
    if (acts[acts.indexOf(one) + 1] === acts.find((next) => endsThings(next) > 0)) {
      await lookAll(one.id);
    }
  }
  await lookAll("everything");
  const key = OPERATIONS.find(({ id }) => id === "RegisterTpmKey")!;
  const pasted = { ...inputOf(key, stage), publicKey: stage.tpm.privatePem };
  const refused = await ask(key, pasted, stage);
  expect(refused.status).toBe(400);
  stage.look("a private key pasted", refused.text);
  stage.lookBack();
  expect(stage.found).toEqual([]);
  // The rest is asked for something that there is not, and says so.
  const bad = ours.map(({ id }) => id).filter((id) => !good.has(id));
  expect(bad).toEqual(["WithdrawToken", "EndBreakGlass"]);
});

/** Words of each verb; those that are undefined need threads of what was built, and have tests of their own. */
const WORDS: Readonly<Record<string, ((stage: Stage) => string[]) | undefined>> = {
  status: () => [],
  "vnfs list": () => [],
  verify: () => ["red/pe/1"],
  "catalog show": () => ["red"],
  "catalog diff": (stage) => ["red", stage.file("lines", "catalog: []\n")],
  "catalog apply": (stage) => ["red", stage.file("lines", "catalog: []\n")],
  "image list": () => ["red/pe"],
  "image register": () => ["red/pe", "4d".repeat(32), "--release", "2"],
  "image withdraw": () => ["red/pe", "4d".repeat(32)],
  "token list": () => [],
  "token issue": () => ["red/pe/2", "--image", IMAGE, "--replace"],
  "token withdraw": () => ["00"],
  "tpm list": () => [],
  "tpm register": (stage) => [
    ...[
      "rack-7",
      "red/pe",
      "--attestation-key",
      stage.file("ak.pem", stage.tpm.pem),
      "--pcr",
      "14=image",
    ],
  ],
  "tpm remove": () => ["rack-7"],
  "tpm document": (stage) => {
    const quote = stage.tpm.quote(new Uint8Array(32), [14]);
    writeFileSync(join(stage.directory, "m"), quote.message);
    writeFileSync(join(stage.directory, "s"), quote.signature);
    const [m, s] = ["m", "s"].map((name) => join(stage.directory, name)) as [string, string];
    const key = stage.file("ak.pem", stage.tpm.privatePem);
    return ["--attestation-key", key, "--message", m, "--signature", s];
  },
  "platform key": (stage) => [
    "--private-key",
    stage.file("p.pem", signingKeyToPem(stage.platform)),
  ],
  "platform sign": (stage) => [
    ...["red/pe/1", "--private-key", stage.file("p.pem", signingKeyToPem(stage.platform))],
    ...["--platform", "rack", "--image", IMAGE, "--instance-key", "56".repeat(32)],
  ],
  "dry-run": () => [],
  "gateway show": () => [],
  "gateway rules": () => [],
  "gateway repair": () => [],
  "gateway remove": () => [],
  "gateway install": () => [],
  "keys list": () => [],
  "keys rotate": () => [],
  "take-over": () => [],
  "break-glass list": () => [],
  "break-glass open": () => ["red/pe", "--name", "a", "--reason", "b", "--for", "10m"],
  "break-glass end": () => ["g1"],
  "break-glass admit": () => [],
  "break-glass revoke": () => ["1"],
  "audit list": () => [],
  "audit verify": () => [],
  "agent key": (stage) => ["--config", agentFile(stage)],
  "agent status": (stage) => ["--config", agentFile(stage)],
  "vnfs add": () => ["red/relay", "--address", "192.0.2.13"],
  "vnfs remove": () => ["red/relay"],
  revoke: () => ["red/pe/1", "--reason", "why"],
  restore: () => ["red/pe/1", "--reason", "why"],
  remove: () => ["red/pe/1"],
  measure: undefined,
  "agent run": undefined,
  "agent measure": undefined,
  "paper run": undefined,
  "paper attack": undefined,
};

function agentFile(stage: Stage): string {
  const directory = join(stage.directory, "agent");
  new AgentHome(directory).write("instance.key", signingKeyToPem(stage.agentKey));
  return stage.file(
    "agent.yaml",
    `tenant: red\nvnf: pe\ninstance: "1"\nstate-dir: ${directory}\nsec-em: ["127.0.0.1:1"]\n` +
      `root-keys: ["${stage.lab.service.rootKey()}"]\nimage: {path: image}\n`,
  );
}

function leavesOf(command: Command, path: readonly string[] = []): string[] {
  if (command.commands.length === 0) return [path.join(" ")];
  return command.commands.flatMap((child) => leavesOf(child, [...path, child.name()]));
}

test("ASM-69, ASM-74, ASM-75: no verb of evpnctl asmn prints a secret, as a table or as JSON", async () => {
  const host = { columns: 80, env: {}, code: 0 } as unknown as Parameters<typeof buildProgram>[0];
  const asmn = buildProgram(host).commands.find((one) => one.name() === "asmn");
  expect(leavesOf(asmn!).filter((leaf) => !(leaf in WORDS))).toEqual([]);
  const stage = await Stage.open();
  const never = new Promise<void>(() => {});
  const options = { url: stage.url, interrupted: never, stdin: "d0c0" };
  for (const [verb, words] of Object.entries(WORDS)) {
    if (words === undefined) continue;
    for (const more of [[], ["--json"]]) {
      const list = ["asmn", ...verb.split(" "), ...words(stage), ...more];
      const { code, out, err } = await evpnctl(list, options);
      // 1 is a finding, 3 an agent that does not run, 4 what is not there, 5 what was done just before.
      expect(code, `${verb}: ${err}`).not.toBe(verb === "tpm document" ? 0 : 2);
      const rest = verb === "token issue" ? stage.tokenMade(out) : out;
      stage.look(verb, `${rest}\n${err}`);
    }
  }
  stage.lookBack();
  expect(stage.found).toEqual([]);
});
