/** Documents of roots of trust at the agent: a file, a command, and whatever can be wrong with either. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { platformDocument, platformKey, tpmDocument } from "../../../src/asmn/agent/index.js";
import { provide, type RootQuestion } from "../../../src/asmn/agent/root-document.js";
import type { AgentRoot } from "../../../src/asmn/agent/settings.js";
import { generateSigningKey, sha256, signingKeyToPem } from "../../../src/asmn/crypto/index.js";
import { verifyRoot } from "../../../src/asmn/protocol/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { evpnctl } from "../../cli/lib/host.js";
import { SoftTpm } from "../lib/soft-tpm.js";

const directory = mkdtempSync(join(tmpdir(), "evpnd-root-"));
afterAll(() => rmSync(directory, { recursive: true }));

const NAMES = { tenant: "blue", vnf: "edge", instance: "edge-1" };
const PLATFORM = generateSigningKey();
const PEM = signingKeyToPem(PLATFORM);
const QUESTION: RootQuestion = {
  ...NAMES,
  challenge: sha256(Buffer.from("challenge")),
  image: sha256(Buffer.from("image")),
  instanceKey: generateSigningKey().publicKey,
};

function file(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function script(name: string, body: string): AgentRoot {
  const path = file(name, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return { kind: "platform", command: [path] };
}

function document(change: Partial<Parameters<typeof platformDocument>[1]> = {}): string {
  return platformDocument(PEM, {
    ...{ ...NAMES, platform: "rack", image: toHex(QUESTION.image), time: 1_700_000_000_000 },
    ...{ instanceKey: toHex(QUESTION.instanceKey), challenge: toHex(QUESTION.challenge) },
    ...change,
  });
}

/** What the Sec-EM makes of it; the agent's sentence where nothing is sent. */
async function outcome(root: AgentRoot, staticSeconds = 0, timeoutMs?: number): Promise<string> {
  const proof = await provide(root, QUESTION, timeoutMs);
  if ("reason" in proof) {
    expect(proof.reason).toBe("root-of-trust");
    return proof.sentence;
  }
  const policy = {
    ...{ demands: root.kind, staticSeconds, tpm: () => [] },
    platformKeys: new Map([["rack", PLATFORM.publicKey]]),
  };
  const checked = verifyRoot(proof.kind, proof.document, QUESTION, policy, 1_700_000_000_000);
  return checked.ok ? checked.value : checked.sentence;
}

describe("ASM-68: a platform's command", () => {
  test("is asked with the challenge as last word, on standard input and as a variable, and all it says holds", async () => {
    const heard = join(directory, "heard");
    const root = script(
      "signer",
      `read -r input; [ "$input" = "$EVPND_CHALLENGE" ] && [ "$1" = "$input" ] || exit 9
echo "$EVPND_TENANT/$EVPND_VNF/$EVPND_INSTANCE $EVPND_IMAGE $EVPND_INSTANCE_KEY" > ${heard}
cat ${file("signed", document())}`,
    );
    expect(await outcome(root)).toBe("platform");
    const said = execFileSync("cat", [heard]).toString().trim();
    expect(said).toBe(`blue/edge/edge-1 ${toHex(QUESTION.image)} ${toHex(QUESTION.instanceKey)}`);
  });

  test("that evpnctl asmn platform sign is the end of", async () => {
    const key = file("platform.pem", PEM);
    const words = [
      "asmn",
      "platform",
      "sign",
      "blue/edge/edge-1",
      "--private-key",
      key,
      "--platform",
      "rack",
    ];
    const facts = ["--image", toHex(QUESTION.image), "--instance-key", toHex(QUESTION.instanceKey)];
    const made = await evpnctl([...words, ...facts, "--challenge", toHex(QUESTION.challenge)]);
    expect(made.err).toBe("");
    expect(await outcome(script("prints", `echo ${made.out.trim()}`))).toBe("platform");
    const json = await evpnctl(["asmn", "platform", "key", "--private-key", key, "--json"]);
    expect(JSON.parse(json.out)).toEqual({ publicKey: toHex(PLATFORM.publicKey) });
    expect(platformKey(PEM)).toBe(toHex(PLATFORM.publicKey));
    const without = await evpnctl([...words, ...facts.with(1, "12")]);
    expect([without.code, without.err]).toEqual([
      2,
      "evpnctl: the image's digest is 64 hexadecimal digits\n",
    ]);
    const wrong = await evpnctl([
      "asmn",
      "platform",
      "key",
      "--private-key",
      file("none.pem", "x"),
    ]);
    expect(wrong.err).toContain("openssl genpkey");
  });

  test.each<[string, AgentRoot, RegExp]>([
    [
      "is missing",
      { kind: "platform", command: ["/nowhere/signer"] },
      /^no document of the platform from \/nowhere\/signer: there is no such program$/,
    ],
    ["fails", script("fails", "echo 'the VIM is away' >&2; exit 3"), /code 3: the VIM is away$/],
    ["says nothing", script("silent", "true"), /it is empty$/],
    ["says something else", script("chats", "echo hello"), /it is no platform document/],
    ["says too much", script("floods", "yes"), /it printed more than 25088 octets$/],
    [
      "gives octets that are too many",
      script("large", "head -c 13000 /dev/zero"),
      /more than 12288 octets$/,
    ],
    [
      "gives an old document",
      script("old", `echo ${document({ challenge: "00".repeat(32) })}`),
      /another challenge$/,
    ],
    [
      "has another key",
      script("other", `echo ${document({ platform: "cloud" })}`),
      /no key is registered/,
    ],
    [
      "speaks of another",
      script("wrong", `echo ${document({ instance: "edge-2" })}`),
      /another instance/,
    ],
  ])("that %s is said to be so", async (_what, root, expected) => {
    expect(await outcome(root)).toMatch(expected);
  });

  test("that hangs is ended, with what it has begun", async () => {
    const root = script("hangs", "sleep 600 & wait");
    expect(await outcome(root, 0, 200)).toMatch(/it took longer than 0.2 s$/);
  });
});

describe("ASM-68: a platform's file", () => {
  const root = (path: string): AgentRoot => ({ kind: "platform", file: path });

  test("without a challenge counts where the Sec-EM gives it an age, as octets and as digits", async () => {
    const made = document({ challenge: undefined });
    const octets = root(file("octets", Buffer.from(made, "hex")));
    const digits = root(file("digits", `${made}\n`));
    expect([await outcome(octets, 60), await outcome(digits, 60)]).toEqual([
      "platform",
      "platform",
    ]);
    expect(await outcome(digits)).toMatch(/has no challenge/);
  });

  test.each<[string, () => string, RegExp]>([
    ["is not there", () => join(directory, "nothing"), /it cannot be read \(ENOENT\)$/],
    ["is a directory", () => directory, /it is no file$/],
    ["is empty", () => file("empty", ""), /it is empty$/],
    ["is too large", () => file("huge", "x".repeat(100_000)), /more than 12288 octets$/],
    [
      "was signed for another proof",
      () => file("used", document({ challenge: "11".repeat(32) })),
      /another challenge$/,
    ],
    [
      "is a pipe that nobody writes to",
      () => {
        const path = join(directory, "pipe");
        execFileSync("mkfifo", [path]);
        return path;
      },
      /it is no file$/,
    ],
  ])("that %s is said to be so", async (_what, path, expected) => {
    expect(await outcome(root(path()))).toMatch(expected);
  });
});

describe("ASM-68: a TPM's command", () => {
  const tpm = new SoftTpm();
  const quoted = (challenge: Uint8Array) => {
    const { message, signature } = tpm.quote(challenge, [0, 7]);
    const [m, s, k] = [file("q.msg", message), file("q.sig", signature), file("ak.pem", tpm.pem)];
    return evpnctl([
      "asmn",
      "tpm",
      "document",
      "--attestation-key",
      k,
      "--message",
      m,
      "--signature",
      s,
    ]);
  };
  const prints = (text: string): AgentRoot => ({
    kind: "tpm",
    command: ["echo", "-n", text.trim(), "#"],
  });

  test("prints what evpnctl asmn tpm document makes of tpm2_quote's files", async () => {
    const { out, err } = await quoted(QUESTION.challenge);
    expect(err).toBe("");
    const path = file("quote.hex", out);
    const proof = await provide({ kind: "tpm", command: ["sh", "-c", `cat ${path}`] }, QUESTION);
    expect(proof).toMatchObject({ kind: "tpm" });
    expect("document" in proof && toHex(proof.document)).toBe(out.trim());
  });

  test("whose quote is of another proof, or none, is refused before it is sent", async () => {
    const { out } = await quoted(sha256());
    const old = { kind: "tpm", command: ["sh", "-c", `cat ${file("old.hex", out)}`] } as const;
    expect(await outcome(old)).toMatch(
      /^no document of the TPM from sh: it belongs to another challenge$/,
    );
    expect(await outcome(prints("not a quote"))).toMatch(/it is no TPM document$/);
  });

  test("a document is not made of something else", () => {
    const { message, signature } = tpm.quote(QUESTION.challenge, [0]);
    expect(() => tpmDocument(tpm.privatePem, message, signature)).toThrow(/this is a private key/);
    expect(() => tpmDocument(tpm.pem, signature, signature)).toThrow(/the message is no quote/);
    expect(() => tpmDocument(tpm.pem, message, message)).toThrow(/the signature is none/);
    const sha1 = Buffer.from(signature);
    sha1[3] = 0x04;
    expect(() => tpmDocument(tpm.pem, message, sha1)).toThrow(/none with SHA-256/);
  });
});
