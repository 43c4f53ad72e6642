/** The agent's life against a Sec-EM that speaks the real protocol over real TLS, with faults where wanted. */
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync, mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { treeDigest } from "../../../src/asmn/measure/index.js";
import { platformDocument } from "../../../src/asmn/agent/index.js";
import {
  generateSigningKey,
  signingKeyFromPem,
  signingKeyToPem,
} from "../../../src/asmn/crypto/index.js";
import { MessageLink, openTls, tlsIdentity, tlsServer } from "../../../src/asmn/link/index.js";
import { agentLink, ALPN, FrameReader } from "../../../src/asmn/protocol/index.js";
import type { AgentMessage } from "../../../src/asmn/protocol/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { systemClock } from "../../../src/util/clock.js";
import { waitFor } from "../../interop/lib/wait.js";
import { canary } from "../../lib/canary.js";
import { AgentRun, removeScratch, scratch } from "./lib/agent-run.js";
import { MiniSecEm } from "./lib/mini-sec-em.js";

const NAMES = { tenant: "blue", vnf: "edge", instance: "edge-1" };

let secEm: MiniSecEm;
let image: Uint8Array;
const runs: AgentRun[] = [];

beforeEach(async () => {
  secEm = new MiniSecEm();
  await secEm.start();
});
afterEach(async () => {
  await Promise.all(runs.splice(0).map((run) => run.stop().catch(() => undefined)));
  await secEm.kill();
});
afterAll(removeScratch);

function agent(more: ConstructorParameters<typeof AgentRun>[3] = {}): AgentRun {
  const run = new AgentRun(NAMES, [secEm.port], secEm.rootKey, more);
  runs.push(run);
  return run;
}

/** An agent with a token for its key and its image, which is registered. */
async function invited(more: ConstructorParameters<typeof AgentRun>[3] = {}): Promise<AgentRun> {
  const run = agent(more);
  image = (await treeDigest(run.settings.image.path, { threads: 0 })).digest;
  secEm.images.add(toHex(image));
  run.giveToken(secEm.issue(NAMES, run.publicKey, image).text);
  return run;
}

async function trusted(more: ConstructorParameters<typeof AgentRun>[3] = {}): Promise<AgentRun> {
  const run = await invited(more);
  run.start();
  await run.waitTrusted();
  return run;
}

describe("a genuine VNF", () => {
  test("ASM-05, ASM-74: a token is all it takes; it is spent and removed", async () => {
    const run = await invited();
    run.start();
    const status = await run.waitTrusted();
    expect(status).toMatchObject({ enrolled: true, chain: 1, counter: 1, reason: "" });
    expect(status.image?.digest).toBe(toHex(image));
    await waitFor("the token to be gone", () => !run.hasToken());
    expect(secEm.instance("edge-1").chain.confirmed?.counter).toBe(1);
  });

  test("ASM-13: it renews at each start, as often as it is told, and when it is asked", async () => {
    secEm.renewSeconds = 1;
    const run = await trusted();
    await run.waitFor("to renew by itself", ({ chain }) => chain >= 2);
    await run.stop();
    secEm.renewSeconds = 60;
    run.start();
    const after = await run.waitFor(
      "to prove itself anew",
      ({ state, chain }) => state === "trusted" && chain >= 3,
    );
    secEm.prompt("edge-1");
    await run.waitFor("to follow a prompt", ({ chain }) => chain > after.chain);
  });

  test("ASM-61, ASM-62: chain and counter are on the disk, for nobody else to read", async () => {
    const run = await trusted();
    const file = join(run.settings.stateDirectory, "chain.json");
    expect(readFileSync(file, "utf8")).toContain("state");
    const { statSync } = await import("node:fs");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.stringify([run.status(), run.lines])).not.toContain(
      toHex(secEm.instance("edge-1").chain.confirmed?.state ?? new Uint8Array(1)),
    );
  });

  test("--once ends with how it went", async () => {
    const run = await invited();
    expect(await run.once()).toMatchObject({ kind: "trusted" });
    expect(await run.once()).toMatchObject({ kind: "trusted" });
    await secEm.kill();
    expect(await run.once()).toMatchObject({ kind: "unreachable" });
    const stranger = agent();
    expect(await stranger.once()).toMatchObject({ kind: "refused", reason: "unknown" });
  });

  test("ASM-67: when one Sec-EM does not answer, the next one is asked", async () => {
    const run = await invited();
    const ports = [1, secEm.port].map((port) => ({ address: "127.0.0.1", port }));
    Object.assign(run.settings, { secEms: ports });
    run.start();
    expect((await run.waitTrusted()).secEm).toBe(`127.0.0.1:${String(secEm.port)}`);
  });

  test("ASM-67, ASM-77: a Sec-EM that never knew it takes no trust away while the one that does is gone", async () => {
    const other = new MiniSecEm("em2");
    await other.start();
    try {
      const run = await invited({ rootKeys: [secEm.rootKey, other.rootKey] });
      const ports = [secEm.port, other.port].map((port) => ({ address: "127.0.0.1", port }));
      Object.assign(run.settings, { secEms: ports });
      run.start();
      await run.waitTrusted();
      await secEm.kill();
      const status = await run.waitFor("to have asked the other one", ({ sentence }) =>
        sentence.includes("another says: no such instance"),
      );
      expect(status).toMatchObject({ state: "trusted", reason: "" });
      // One that does know it, by the chain that both have, has its say.
      other.adopt(secEm.instance("edge-1"));
      other.revoke("edge-1");
      await run.waitFor("to be revoked", ({ reason }) => reason === "revoked");
    } finally {
      await other.kill();
    }
  });

  test("ASM-74: of several Sec-EMs the one that issued the token takes it, whoever is asked first", async () => {
    const other = new MiniSecEm("em2");
    await other.start();
    try {
      const run = agent({ rootKeys: [secEm.rootKey, other.rootKey] });
      const ports = [secEm.port, other.port].map((port) => ({ address: "127.0.0.1", port }));
      Object.assign(run.settings, { secEms: ports });
      const { digest } = await treeDigest(run.settings.image.path, { threads: 0 });
      other.images.add(toHex(digest));
      run.giveToken(other.issue(NAMES, run.publicKey, digest).text);
      expect(await run.once()).toMatchObject({ kind: "trusted" });
      // One that nobody knows is refused when all have been asked.
      const stranger = agent({ rootKeys: [secEm.rootKey, other.rootKey] });
      Object.assign(stranger.settings, { secEms: ports });
      stranger.giveToken(new MiniSecEm().issue(NAMES, stranger.publicKey, digest).text);
      expect(await stranger.once()).toMatchObject({ kind: "refused", reason: "unknown" });
    } finally {
      await other.kill();
    }
  });

  test("ASM-65: measuring may take longer than a Sec-EM may take to answer", async () => {
    const command = ["sleep", "0.5"];
    const manifest = { files: [], processes: [], configuration: [{ name: "slow", command }] };
    const run = await invited({ manifest: { ...manifest, allowed: [] } });
    // What the agent waits for an answer, cut to less than the measuring takes.
    const soon = (milliseconds: number): number => (milliseconds === 20_000 ? 250 : milliseconds);
    run.clock = {
      ...systemClock,
      setTimer: (milliseconds, act) => systemClock.setTimer(soon(milliseconds), act),
    };
    run.start();
    await run.waitTrusted();
    expect(secEm.received.filter(({ kind }) => kind === "begin")).toHaveLength(1);
  });

  test("a pipe in the token's place, or a file that is no token's, is no token, and holds nothing up", async () => {
    const run = agent();
    const path = join(run.settings.stateDirectory, "token");
    execFileSync("mkfifo", [path]);
    expect(await run.once()).toMatchObject({ kind: "refused", reason: "unknown" });
    rmSync(path);
    writeFileSync(path, "x".repeat(100_000));
    expect(await run.once()).toMatchObject({ kind: "refused", reason: "unknown" });
  });

  test("what cannot be measured is said to be that, and asks no Sec-EM", async () => {
    const run = agent({ image: { path: join(scratch(), "none"), threads: 0, recheckSeconds: 0 } });
    run.giveToken(secEm.issue(NAMES, run.publicKey, new Uint8Array(32)).text);
    expect(await run.once()).toMatchObject({ kind: "not-trusted", reason: "unmeasured" });
    expect(run.status().sentence).toContain("cannot be read (ENOENT)");
    expect(secEm.received).toEqual([]);
  });

  test("ASM-75: its TCP-MD5 key goes to the command, and nowhere else", async () => {
    secEm.md5Key = canary("agent").slice(0, 32).padEnd(32, "0");
    const file = join(scratch(), "key-of-the-router");
    const run = await trusted({
      binding: { kind: "tcp-md5", command: ["sh", "-c", `cat > ${file}`], input: "password {key}" },
    });
    const status = await run.waitFor("to have given the key", ({ binding }) => binding.bound);
    expect(readFileSync(file, "utf8")).toBe(`password ${secEm.md5Key}`);
    expect(JSON.stringify([status, run.lines])).not.toContain(secEm.md5Key);
  });
});

test("ASM-68: a root of trust that fails is said, locks nobody out, and costs no trust that is there", async () => {
  const works = join(scratch(), "signer-works");
  const fails = "echo 'the VIM is away' >&2; exit 3";
  const platform = generateSigningKey();
  const key = join(scratch(), "platform.pem");
  writeFileSync(key, signingKeyToPem(platform));
  const made = join(scratch(), "document");
  const run = await invited({
    root: {
      kind: "platform",
      command: ["sh", "-c", `[ -e ${works} ] || { ${fails}; }; cat ${made}`],
    },
  });
  const statement = {
    ...{ ...NAMES, platform: "rack", image: toHex(image), instanceKey: run.publicKey },
    ...{ challenge: undefined, time: 0 },
  };
  writeFileSync(made, platformDocument(readFileSync(key, "utf8"), statement));
  run.start();
  const status = await run.waitFor("to say so", ({ reason }) => reason === "root-of-trust");
  expect(status).toMatchObject({ state: "unknown", enrolled: false, counter: 0 });
  expect(status.sentence).toBe(
    "no document of the platform from sh: it ended with code 3: the VIM is away",
  );
  writeFileSync(works, "");
  await run.waitTrusted();
  rmSync(works);
  secEm.prompt("edge-1");
  const still = await run.waitFor("to say so again", ({ sentence }) => sentence.includes("code 3"));
  expect(still).toMatchObject({ state: "trusted", chain: 1 });
  writeFileSync(works, "");
  await run.waitFor("to go on", ({ chain }) => chain > 1);
});

describe("a reply lost at every step", () => {
  const sent = ["hello", "challenge", "result", "done"] as const;
  const answered = ["begin", "evidence", "confirm"] as const;

  test.each([...sent, ...answered])(
    "ASM-61, ASM-62: %s lost, in enrolment and in renewal: nobody is locked out, no counter goes back",
    async (kind) => {
      const lose = (): void => {
        if ((sent as readonly string[]).includes(kind)) secEm.loseNext = kind;
        else secEm.ignoreNext = kind;
      };
      const run = await invited();
      lose();
      run.start();
      await run.waitTrusted();
      const first = secEm.instance("edge-1").chain;
      await run.stop();
      lose();
      run.start();
      await waitFor(
        "the fault to have happened",
        () => (secEm.loseNext ?? secEm.ignoreNext) === undefined,
      );
      await run.waitFor(
        "to be trusted again",
        ({ state, chain }) => state === "trusted" && chain > first.highest,
      );
      const after = secEm.instance("edge-1").chain;
      expect(after.highest).toBeGreaterThan(first.highest);
      expect(after.stopped).toBeUndefined();
      const counters = secEm.received.flatMap((one) =>
        one.kind === "evidence" ? [one.counter] : [],
      );
      expect(counters).toEqual([...new Set(counters)].sort((a, b) => a - b));
    },
  );

  test("ASM-61: the Sec-EM dies in the middle of renewals, again and again", async () => {
    const run = await trusted();
    for (let round = 0; round < 4; round++) {
      const before = secEm.instance("edge-1").chain.highest;
      secEm.prompt("edge-1");
      await waitFor("evidence to come", () =>
        secEm.received.some((one) => one.kind === "evidence" && one.counter > before),
      );
      await secEm.kill();
      await secEm.start();
      await run.waitFor(
        "to be back",
        ({ state, chain, secEm: at }) => state === "trusted" && at !== undefined && chain >= before,
      );
      expect(secEm.instance("edge-1").chain.stopped).toBeUndefined();
    }
  });

  test("ASM-61: a full disk at the Sec-EM, then at the agent: refused, and fine afterwards", async () => {
    const run = await trusted();
    const before = secEm.instance("edge-1").chain;
    secEm.diskFull = true;
    secEm.prompt("edge-1");
    await waitFor("the refusal", () =>
      run.lines.some((line) => line.includes("could not store the step")),
    );
    expect(secEm.instance("edge-1").chain).toEqual(before);
    expect(run.status().state).toBe("trusted");
    secEm.diskFull = false;
    await run.waitFor("to step", ({ chain }) => chain > before.highest);

    const block = join(run.settings.stateDirectory, "chain.json.new");
    mkdirSync(block);
    const { highest } = secEm.instance("edge-1").chain;
    secEm.prompt("edge-1");
    await waitFor("the agent to say so", () =>
      run.lines.some((line) => line.includes("the agent could not store")),
    );
    expect(secEm.instance("edge-1").chain.highest).toBe(highest);
    rmdirSync(block);
    await run.waitFor("to step again", ({ chain }) => chain > highest);
  });

  test("ASM-77: that no Sec-EM can be reached takes no trust away here: the gates decide", async () => {
    const run = await trusted();
    await secEm.kill();
    await run.waitFor("to notice", ({ secEm: at }) => at === undefined);
    expect(run.status().state).toBe("trusted");
  });
});

describe("fakes", () => {
  test("the right configuration with a wrong key is refused", async () => {
    const run = await trusted();
    await run.stop();
    const fake = agent();
    fake.giveToken(secEm.issue(NAMES, run.publicKey, image).text);
    expect(await fake.once()).toMatchObject({ kind: "refused", reason: "wrong-key" });
    expect(secEm.events.at(-1)).toMatchObject({ kind: "refused", alarm: true });
  });

  test("ASM-66, ASM-71: a wrong image, told honestly, is untrusted; the right one is trusted again", async () => {
    const path = join(scratch(), "image-of-its-own");
    writeFileSync(path, "genuine");
    const run = await trusted({ image: { path, threads: 0, recheckSeconds: 86_400 } });
    writeFileSync(path, "changed");
    secEm.prompt("edge-1");
    const status = await run.waitFor("to be untrusted", ({ state }) => state === "untrusted");
    expect(status).toMatchObject({ reason: "image", sentence: "the image is not registered" });
    writeFileSync(path, "genuine");
    secEm.prompt("edge-1");
    await run.waitTrusted();
  });

  test("ASM-62, ASM-63: evidence that was recorded is worth nothing on another connection", async () => {
    const run = await trusted();
    await run.stop();
    const recorded = secEm.received.filter(({ kind }) => kind === "begin" || kind === "evidence");
    const pem = readFileSync(join(run.settings.stateDirectory, "instance.key"), "utf8");
    const key = signingKeyFromPem(pem);
    if (key === undefined) throw new Error("no key");
    const before = secEm.instance("edge-1").chain;
    // Even the right key does not help: a replay with it differs in the exporter and in both nonces.
    for (const who of [key, generateSigningKey()]) {
      const [refusal] = await replay(who, recorded);
      expect(refusal).toMatchObject({ kind: "refused" });
    }
    expect(secEm.instance("edge-1").chain).toEqual(before);
    run.start();
    await run.waitTrusted();
  });

  test("ASM-80: a copy of the directory: whoever steps second is found out, and both are stopped", async () => {
    const run = await trusted();
    await run.stop();
    const clone = run.copy();
    runs.push(clone);
    clone.start();
    await clone.waitTrusted();
    run.start();
    const status = await run.waitFor("to be found out", ({ state }) => state === "untrusted");
    expect(status.reason).toBe("clone");
    expect(secEm.instance("edge-1").chain.stopped).toBe("clone");
    secEm.prompt("edge-1");
    await clone.waitFor(
      "to be stopped too",
      ({ state, reason }) => state === "untrusted" && reason === "stopped",
    );
    // The operator decides, by a new token, which of the two it is.
    run.giveToken(secEm.issue(NAMES, run.publicKey, image).text);
    await run.waitTrusted();
    expect((await clone.waitFor("to stay out", ({ reason }) => reason !== "")).state).not.toBe(
      "trusted",
    );
  });

  test("ASM-15, ASM-17: a chain that missed a step is stale, said so, and not healed", async () => {
    const run = await trusted();
    await run.stop();
    const file = join(run.settings.stateDirectory, "chain.json");
    const old = readFileSync(file, "utf8");
    run.start();
    await run.waitFor("to step", ({ chain }) => chain > 1);
    await run.stop();
    // The state of before, with a counter that is ahead: as when somebody put an old state back by hand.
    const { state, ...rest } = JSON.parse(old) as { state: string };
    writeFileSync(file, JSON.stringify({ ...rest, state: withAttempt(state, 9) }), { mode: 0o600 });
    run.start();
    const status = await run.waitFor("to be stale", (one) => one.state === "stale");
    expect(status.reason).toBe("out-of-sync");
    expect(secEm.instance("edge-1").chain.stopped).toBe("out-of-sync");
  });

  test("ASM-68: an agent that lies about its image is believed: there is no root of trust beneath it", async () => {
    const path = join(scratch(), "image-of-a-liar");
    writeFileSync(path, "genuine too");
    const run = await trusted({ image: { path, threads: 0, recheckSeconds: 86_400 } });
    const genuine = run.status().image?.digest;
    await run.stop();
    writeFileSync(path, "malware");
    // The lie: what this file is said to have been measured as.
    const cache = join(run.settings.stateDirectory, "digests.json");
    const { stat } = await import("node:fs/promises");
    const now = await stat(path, { bigint: true });
    const file = {
      path,
      size: Number(now.size),
      device: String(now.dev),
      inode: String(now.ino),
      modified: String(now.mtimeNs),
      changed: String(now.ctimeNs),
    };
    writeFileSync(
      cache,
      JSON.stringify({
        format: "sha256-tree-1048576",
        entries: [{ file, digest: genuine, begun: Date.now() }],
      }),
    );
    run.start();
    expect((await run.waitTrusted()).image).toMatchObject({ digest: genuine, fromCache: true });
    // And told the truth, the same file is not.
    await run.stop();
    rmSync(cache);
    run.start();
    await run.waitFor("to be found out once it is honest", ({ reason }) => reason === "image");
  });

  test("a Sec-EM that the root key did not certify is told nothing", async () => {
    const run = agent({ rootKeys: [toHex(generateSigningKey().publicKey)] });
    run.giveToken(secEm.issue(NAMES, run.publicKey, new Uint8Array(32)).text);
    const end = await run.once();
    expect(end).toMatchObject({ kind: "refused", reason: "signature" });
    expect(secEm.received.filter(({ kind }) => kind !== "refused")).toEqual([]);
  });

  test("ASM-71: who has not proved to be a Sec-EM revokes nothing", async () => {
    const run = await trusted();
    await secEm.kill();
    const sentence = "so I say";
    let refused = 0;
    const liar = tlsServer({
      ...{ alpn: ALPN.agent, identity: tlsIdentity(generateSigningKey(), "em1"), most: 8 },
      onPeer: ({ socket }) => {
        refused++;
        socket.resume();
        socket.end(agentLink.encode({ kind: "refused", reason: "revoked", sentence }));
      },
    });
    await new Promise<void>((resolve) => liar.listen(secEm.port, "127.0.0.1", resolve));
    try {
      await waitFor("the agent to ask it", () => refused > 1);
      expect(run.status()).toMatchObject({ state: "trusted", reason: "" });
    } finally {
      await new Promise((resolve) => liar.close(resolve));
    }
  });

  test("ASM-74: a token for another image, a spent one, and something that is no token", async () => {
    const run = await invited();
    run.giveToken(secEm.issue(NAMES, run.publicKey, new Uint8Array(32).fill(1)).text);
    expect(await run.once()).toMatchObject({ kind: "refused", reason: "image" });
    run.giveToken("asmn1.not-a-token");
    expect(await run.once()).toMatchObject({ kind: "refused", reason: "unknown" });
    const { text } = secEm.issue(NAMES, run.publicKey, image);
    run.giveToken(text);
    expect(await run.once()).toMatchObject({ kind: "trusted" });
    // The same token again changes nothing: the chain goes on.
    run.giveToken(text);
    expect(await run.once()).toMatchObject({ kind: "trusted" });
    expect(secEm.instance("edge-1").chain.confirmed?.counter).toBeGreaterThan(1);
  });

  test("ASM-71: revoked, its agent is told, and says so", async () => {
    const run = await trusted();
    secEm.revoke("edge-1");
    const status = await run.waitFor("to know", ({ state }) => state === "untrusted");
    expect(status).toMatchObject({ reason: "revoked", sentence: "revoked by the operator" });
  });
});

/** Sends recorded messages over a new connection; what came back but Hello. */
async function replay(
  key: ReturnType<typeof generateSigningKey>,
  recorded: readonly AgentMessage[],
): Promise<AgentMessage[]> {
  const { socket } = await openTls({
    address: "127.0.0.1",
    port: secEm.port,
    alpn: ALPN.agent,
    identity: tlsIdentity(key, "replay"),
    timeoutMs: 5000,
  });
  const got: AgentMessage[] = [];
  await new Promise<void>((resolve) => {
    const link = new MessageLink(socket, agentLink, new FrameReader(65_536), {
      message: (message) => {
        if (message.kind === "refused") got.push(message);
      },
      fault: () => undefined,
      closed: resolve,
    });
    for (const message of recorded) link.send(message);
  });
  return got;
}

/** Agent state, hex: field 1 is the attempt, 8 octets behind a head of 3. */
function withAttempt(state: string, attempt: number): string {
  const octets = Buffer.from(state, "hex");
  octets.writeBigUInt64BE(BigInt(attempt), 3);
  return octets.toString("hex");
}
