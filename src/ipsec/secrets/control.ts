/**
 * The door to the secret store. It is write-only: what goes in comes out only as facts, and as a file of
 * mode 0600 for an operator who asks for it by name. `SecretReader` is for the parts of this process that
 * hand secrets to a daemon; it never crosses into the API's thread.
 */
export const SECRET_KINDS = ["psk", "ppk", "certificate", "private-key"] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

/** What may be told of a secret. */
export interface SecretFacts {
  readonly name: string;
  readonly kind: SecretKind;
  readonly origin: "generated" | "given" | "imported";
  /** Estimated bits of entropy of the newest credential of a pre-shared key; undefined for certificates. */
  readonly bits: number | undefined;
  /** Keyed, so that it says nothing to who has not the store; equal values have equal ones. */
  readonly fingerprint: string;
  /** Wall-clock milliseconds. */
  readonly created: number;
  /** Live credentials: two during a rollover. */
  readonly live: 1 | 2;
  /** When the older one of two goes by itself; wall-clock milliseconds. */
  readonly olderUntil: number | undefined;
  /** Of a certificate or private key: `ed25519`, `ec-prime256v1`, `rsa-3072`. */
  readonly algorithm: string | undefined;
  /** Of a certificate: end of its validity, wall-clock milliseconds. */
  readonly notAfter: number | undefined;
  /** It came in clear from a text that others may have. */
  readonly seenInClear: boolean;
}

export interface SetSecret {
  readonly name: string;
  readonly kind: SecretKind;
  /** Text of a key (`0x…` and `0s…` are octets), or PEM. */
  readonly value: string;
  /** Keeps the credential before it alive for so long; undefined = it is replaced at once. */
  readonly overlapSeconds?: number | undefined;
  readonly origin?: SecretFacts["origin"] | undefined;
  readonly seenInClear?: boolean | undefined;
  /** Who orders it, for the audit. */
  readonly actor: string;
}

export interface GenerateSecret {
  readonly name: string;
  readonly kind: "psk" | "ppk";
  /** 128 to 512; undefined = 256. */
  readonly bits?: number | undefined;
  readonly overlapSeconds?: number | undefined;
  readonly actor: string;
}

export interface NamedSecret {
  readonly name: string;
  readonly actor: string;
}

export interface ExportTexts {
  /** What they are of: part of their names. */
  readonly title: string;
  /** With placeholders of secrets. */
  readonly texts: readonly { readonly name: string; readonly text: string }[];
  readonly actor: string;
}

export interface ExportedTexts {
  /** Paths, in the order of the texts. */
  readonly files: readonly string[];
  /** Secrets whose placeholders still stand in them, to be put in by hand. */
  readonly left: readonly string[];
}

/** Rejects with `SecretError`. */
export interface SecretControl {
  list(): Promise<readonly SecretFacts[]>;
  set(order: SetSecret): Promise<SecretFacts>;
  generate(order: GenerateSecret): Promise<SecretFacts>;
  /** Ends a rollover: the older credential goes now. */
  retire(order: NamedSecret): Promise<SecretFacts>;
  remove(order: NamedSecret): Promise<void>;
  /** Writes the newest credential to a new file of mode 0600 in the store's export directory; its path. */
  exportFile(order: NamedSecret): Promise<string>;
  /** The same for texts that name secrets: written with the values in them. */
  exportTexts(order: ExportTexts): Promise<ExportedTexts>;
}

export interface SecretReader {
  /** Live credentials, the newest first; empty when there is no such secret. */
  live(name: string): readonly Uint8Array[];
  facts(name: string): SecretFacts | undefined;
  /** Text with every secret value blanked, as it is, in hex, base64 and URL form. */
  redact(text: string): string;
}

export type SecretErrorCode = "invalid" | "not-found" | "in-use" | "unavailable";

export class SecretError extends Error {
  readonly code: SecretErrorCode;
  constructor(code: SecretErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
