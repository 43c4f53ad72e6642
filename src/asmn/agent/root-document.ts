/**
 * What vouches for the measurement beside the agent's word: a platform's document, a TPM's quote, or nothing.
 * It is asked for anew for each proof, because it bears that proof's challenge. Where it cannot be had the
 * step is given up before anything is sent: the agent tries again, and what was proved before counts for as
 * long as it would have.
 */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { runCommand } from "../../util/bounded-command.js";
import { fromHex, toHex } from "../../util/bytes.js";
import type { InstanceNames } from "../crypto/index.js";
import type { RootProof } from "../protocol/agent-ports.js";
import { documentFault } from "../protocol/root-of-trust.js";
import type { Fault } from "../protocol/words.js";
import type { AgentRoot } from "./settings.js";

const DOCUMENT_MAX = 12_288;
/** As digits, and a few line ends. */
const TEXT_MAX = 2 * DOCUMENT_MAX + 512;
/** Well within the time that a Sec-EM gives for an answer. */
const COMMAND_MS = 10_000;
const NOTHING = new Uint8Array(0);

/** What a signer needs to know of the proof, and may compare with what it knows by itself. */
export interface RootQuestion extends InstanceNames {
  readonly challenge: Uint8Array;
  /** Digest as the agent measured it. */
  readonly image: Uint8Array;
  readonly instanceKey: Uint8Array;
}

/** Never rejects. @param timeoutMs of a command */
export async function provide(
  root: AgentRoot,
  question: RootQuestion,
  timeoutMs = COMMAND_MS,
): Promise<RootProof | Fault> {
  if (root.kind === "none") return { kind: "none", document: NOTHING };
  const what = "file" in root ? root.file : (root.command[0] ?? "");
  const no = (why: string): Fault => ({
    reason: "root-of-trust",
    sentence: `no document of the ${root.kind === "tpm" ? "TPM" : "platform"} from ${what}: ${why}`,
  });
  const had = await ("file" in root
    ? contentOf(root.file)
    : outputOf(root.command, question, timeoutMs));
  if (typeof had === "string") return no(had);
  const document = documentOf(had);
  if (document.length === 0) return no("it is empty");
  if (document.length > DOCUMENT_MAX) return no(`it has more than ${DOCUMENT_MAX} octets`);
  const fault = documentFault(root.kind, document, question.challenge);
  return fault === undefined ? { kind: root.kind, document } : no(fault);
}

/** The octets themselves, or their hexadecimal digits: a document begins with neither a digit nor a blank. */
function documentOf(had: Uint8Array): Uint8Array {
  const text = Buffer.from(had).toString("latin1").replaceAll(/\s/g, "");
  const hex = /^[0-9a-f]*$/.test(text) ? fromHex(text) : undefined;
  return hex ?? had;
}

/** @returns what is wrong, as a clause, where there is nothing to be had */
async function contentOf(file: string): Promise<Uint8Array | string> {
  try {
    // A pipe that nobody writes to must not hold the agent up.
    const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!(await handle.stat()).isFile()) return "it is no file";
      const { buffer, bytesRead } = await handle.read(
        Buffer.alloc(TEXT_MAX + 1),
        0,
        TEXT_MAX + 1,
        0,
      );
      if (bytesRead > TEXT_MAX) return `it has more than ${DOCUMENT_MAX} octets`;
      return new Uint8Array(buffer.subarray(0, bytesRead));
    } finally {
      await handle.close();
    }
  } catch (error) {
    return `it cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown error"})`;
  }
}

async function outputOf(
  command: readonly string[],
  question: RootQuestion,
  timeoutMs: number,
): Promise<Uint8Array | string> {
  const challenge = toHex(question.challenge);
  const end = await runCommand([...command, challenge], {
    input: `${challenge}\n`,
    env: {
      EVPND_CHALLENGE: challenge,
      EVPND_TENANT: question.tenant,
      EVPND_VNF: question.vnf,
      EVPND_INSTANCE: question.instance,
      EVPND_IMAGE: toHex(question.image),
      EVPND_INSTANCE_KEY: toHex(question.instanceKey),
    },
    timeoutMs,
    mostOutput: TEXT_MAX,
  });
  return end.ok ? end.out : end.why;
}
