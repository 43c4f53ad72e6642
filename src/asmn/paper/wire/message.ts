/**
 * Messages of paper mode: one line of JSON, `{"kind": …, "fields": {…}}`, every field a text. The paper draws
 * arrows and no messages; these are ours. Lines longer than 64 KiB, other kinds and other fields are refused.
 */
export const MAX_LINE = 65_536;

/** Octets are hexadecimal, numbers decimal. */
const FIELDS = {
  // VIM to Sec-EM: the image's first link (and to the VNF by way of the VNFM: deliver)
  register: { id: "hex", name: "text", link: "hex" },
  deliver: { id: "hex", name: "text", link: "hex" },
  // VIM to Sec-EM, and by way of the VNFM to the VNF
  renew: { id: "hex", name: "text", index: "number", sealed: "hex" },
  restarted: { id: "hex", name: "text" },
  // Fig. 2
  verify: { asker: "hex", subject: "hex", step: "text" },
  prove: { id: "hex", index: "number", sealed: "hex" },
  proof: { id: "hex", index: "number", sealed: "hex" },
  result: { subject: "hex", state: "text", reason: "text", index: "number", time: "number" },
  hello: { id: "hex" },
  // phase 2
  "group-wanted": { asker: "hex", other: "hex" },
  group: { p: "hex", q: "hex" },
  public: { id: "hex", value: "hex" },
  data: { id: "hex", sealed: "hex" },
  received: { octets: "number" },
  secured: { asker: "hex", other: "hex" },
  // phase 3
  catalog: { asker: "hex", other: "hex", protocol: "text", port: "number" },
  done: {},
  refused: { reason: "text" },
} as const satisfies Readonly<Record<string, Readonly<Record<string, "hex" | "number" | "text">>>>;

export type Kind = keyof typeof FIELDS;

export interface Message {
  readonly kind: Kind;
  readonly fields: Readonly<Record<string, string>>;
}

export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly problem: string };

const SHAPES = { hex: /^(?:[0-9a-f]{2})*$/, number: /^\d{1,15}$/, text: /^[^\p{Cc}]*$/u };

export function message(kind: Kind, fields: Readonly<Record<string, string>> = {}): Message {
  return { kind, fields };
}

export function refused(reason: string): Message {
  return message("refused", { reason });
}

export function encodeMessage({ kind, fields }: Message): string {
  return `${JSON.stringify({ kind, fields })}\n`;
}

/** Never throws. @param line without its end */
export function decodeMessage(line: string): Decoded {
  if (line.length > MAX_LINE) return bad(`a message is longer than ${MAX_LINE} octets`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return bad("a message is no JSON");
  }
  if (!isRecord(value) || typeof value["kind"] !== "string" || !isRecord(value["fields"]))
    return bad("a message has a kind and fields");
  const { kind, fields } = value;
  if (!Object.hasOwn(FIELDS, kind)) return bad("a message has an unknown kind");
  const shapes = Object.entries<keyof typeof SHAPES>(FIELDS[kind as Kind]);
  if (Object.keys(fields).length !== shapes.length) return bad(`${kind}: other fields are needed`);
  const read: Record<string, string> = {};
  for (const [name, shape] of shapes) {
    const field = fields[name];
    if (typeof field !== "string" || !SHAPES[shape].test(field))
      return bad(`${kind}: field ${name} must be of the form ${shape}`);
    read[name] = field;
  }
  return { ok: true, message: { kind: kind as Kind, fields: read } };
}

function bad(problem: string): Decoded {
  return { ok: false, problem };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
