/** What vouches for the measurement beside the agent's word: a platform's document, a TPM's quote, or nothing. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { toHex } from "../../util/bytes.js";
import type { RootProof } from "../protocol/agent-ports.js";
import type { AgentRoot } from "./settings.js";

const DOCUMENT_MAX = 12_288;
const COMMAND_MS = 20_000;
const NOTHING = new Uint8Array(0);

/**
 * A document that cannot be had is an empty one: the Sec-EM says that it is missing, and who demands it.
 * @param challenge what a quote must contain
 */
export async function provide(root: AgentRoot, challenge: Uint8Array): Promise<RootProof> {
  if (root.kind === "none") return { kind: "none", document: NOTHING };
  const document = await (root.kind === "platform"
    ? readFile(root.file).catch(() => NOTHING)
    : outputOf([...root.command, toHex(challenge)]));
  return {
    kind: root.kind,
    document: document.length > DOCUMENT_MAX ? NOTHING : new Uint8Array(document),
  };
}

function outputOf([file = "", ...words]: readonly string[]): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const options = { encoding: "buffer", timeout: COMMAND_MS, maxBuffer: DOCUMENT_MAX } as const;
    execFile(file, words, options, (error, stdout) => resolve(error === null ? stdout : NOTHING));
  });
}
