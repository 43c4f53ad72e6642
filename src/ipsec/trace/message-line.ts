/**
 * The IKE daemon's log lines about messages, read: which exchange, which direction, which payloads in which
 * order, and whether they went encrypted. `generating QUICK_MODE request 2453 [ HASH SA No ID ID ]`.
 */

export interface TracedMessage {
  readonly direction: "in" | "out";
  /** `main mode`, `quick mode`, `IKE_AUTH`, … */
  readonly exchange: string;
  readonly version: 1 | 2;
  readonly kind: "request" | "response";
  readonly messageId: number;
  /** `SA`, `VID`, `NOTIF INITIAL_CONTACT`, in order. */
  readonly payloads: readonly string[];
  readonly encrypted: boolean;
}

const EXCHANGES_V1: Readonly<Record<string, string>> = {
  ID_PROT: "main mode",
  AGGRESSIVE: "aggressive mode",
  QUICK_MODE: "quick mode",
  INFORMATIONAL_V1: "informational",
  TRANSACTION: "transaction",
};

const NAMES: Readonly<Record<string, string>> = { No: "NONCE", V: "VID", D: "DELETE" };

/** What the daemon abbreviates, where the long word is better known. */
const NOTIFIES: Readonly<Record<string, string>> = {
  INITIAL_CONTACT: "INITIAL-CONTACT",
  INIT_CONTACT: "INITIAL-CONTACT",
  RESP_LIFE: "RESPONDER-LIFETIME",
  NO_PROP: "NO-PROPOSAL-CHOSEN",
  AUTH_FAILED: "AUTHENTICATION-FAILED",
  TS_UNACCEPT: "TS-UNACCEPTABLE",
  INVAL_ID: "INVALID-ID-INFORMATION",
  INVAL_KE: "INVALID-KE-PAYLOAD",
  INVAL_HASH: "INVALID-HASH-INFORMATION",
  PLD_MAL: "PAYLOAD-MALFORMED",
  DPD: "R-U-THERE",
  DPD_ACK: "R-U-THERE-ACK",
};

const LINE = /^(generating|parsed) (\S+) (request|response) (\d{1,10}) \[(.*)\]/;

/** Undefined for a line that is about something else. */
export function readMessageLine(text: string): TracedMessage | undefined {
  const match = LINE.exec(text);
  if (match === null) return undefined;
  const name = match[2]!;
  const exchange = EXCHANGES_V1[name];
  const version = exchange === undefined ? 2 : 1;
  const payloads = (match[5]!.match(/[^\s()]+(?:\((?:[^()]|\([^()]*\))*\))?/g) ?? []).map(
    payloadName,
  );
  return {
    direction: match[1] === "parsed" ? "in" : "out",
    exchange: exchange ?? name,
    version,
    kind: match[3] === "request" ? "request" : "response",
    messageId: Number(match[4]),
    payloads,
    encrypted: version === 2 ? name !== "IKE_SA_INIT" : isEncryptedV1(exchange!, payloads),
  };
}

function payloadName(word: string): string {
  const notify = /^N\((.*)\)$/.exec(word)?.[1];
  if (notify !== undefined)
    return `NOTIF ${NOTIFIES[notify] ?? notify.replace(/^\((.*)\)$/, "$1")}`;
  return NAMES[word] ?? word;
}

/** In IKEv1 whatever carries a hash in front, and main mode's identities, goes under the new keys. */
function isEncryptedV1(exchange: string, payloads: readonly string[]): boolean {
  if (exchange === "main mode") return payloads.some((name) => name === "ID" || name === "HASH");
  return exchange !== "aggressive mode" && payloads[0] === "HASH";
}
