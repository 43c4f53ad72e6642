/** A credential as the store keeps it, and what may be told of it. */
import {
  createHmac,
  createPrivateKey,
  randomBytes,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { SecretError, type SecretFacts, type SecretKind } from "./control.js";
import { keyBits, keyOctets } from "./entropy.js";

export interface Credential {
  readonly value: string;
  /** Wall-clock milliseconds. */
  readonly created: number;
  /** When it goes by itself; set on the older of two. */
  readonly until?: number | undefined;
}

export interface SecretEntry {
  readonly kind: SecretKind;
  readonly origin: SecretFacts["origin"];
  readonly seenInClear: boolean;
  /** One or two, the newest first. */
  readonly credentials: readonly Credential[];
}

const FINGERPRINT_DIGITS = 16;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const MOST_VALUE = 64 * 1024;
/** What routers take of a key that is typed as text. */
const MOST_KEY_TEXT = 200;
const LEAST_BITS = 128;
const MOST_BITS = 512;

/** Throws `SecretError` when a daemon could not use it. Never quotes the value. */
export function checkCredential(name: string, kind: SecretKind, value: string): void {
  if (!NAME.test(name)) {
    throw invalid(
      "that is not usable as a name",
      "use letters, digits, dot, dash and underscore, at most 64",
    );
  }
  if (value === "" || value.length > MOST_VALUE) {
    throw invalid(
      value === "" ? "the value is empty" : "the value is too long",
      "give the secret itself",
    );
  }
  if (kind === "psk" || kind === "ppk") {
    if (/[\0\r\n]/.test(value)) {
      throw invalid(
        "the key has a line break in it",
        "give it as 0x and hex digits, or 0s and base64",
      );
    }
    if (value.length > MOST_KEY_TEXT && !/^0[xs]/.test(value)) {
      throw invalid(
        `the key has more than ${MOST_KEY_TEXT} characters`,
        "give a shorter one, or octets as 0x and hex digits",
      );
    }
    return;
  }
  try {
    if (kind === "certificate") new X509Certificate(value);
    else createPrivateKey(value);
  } catch {
    const what = kind === "certificate" ? "an X.509 certificate" : "a private key";
    throw invalid(`that is not ${what} in PEM form`, "give the whole file's text, unencrypted");
  }
}

/** What the store's key alone can make: nobody can try guesses against it elsewhere. */
export function fingerprintOf(value: string, kind: SecretKind, key: Uint8Array): string {
  const octets = kind === "psk" || kind === "ppk" ? keyOctets(value) : Buffer.from(value.trim());
  const digest = createHmac("sha256", key).update(octets).digest("hex");
  return digest.slice(0, FINGERPRINT_DIGITS);
}

export function generatedValue(bits = 256): string {
  if (!Number.isInteger(bits) || bits < LEAST_BITS || bits > MOST_BITS) {
    throw invalid("a generated key has 128 to 512 bits", "leave the number out for 256");
  }
  return `0x${randomBytes(Math.ceil(bits / 8)).toString("hex")}`;
}

/** Credentials that count now. */
export function liveCredentials({ credentials }: SecretEntry, now: number): readonly Credential[] {
  return credentials.filter(
    ({ until }, index) => index === 0 || until === undefined || until > now,
  );
}

export function factsOf(
  name: string,
  entry: SecretEntry,
  key: Uint8Array,
  now: number,
): SecretFacts {
  const live = liveCredentials(entry, now);
  const newest = live[0]!;
  const { kind, origin, seenInClear } = entry;
  const isKey = kind === "psk" || kind === "ppk";
  const bits = !isKey
    ? undefined
    : origin === "generated"
      ? 8 * keyOctets(newest.value).length
      : keyBits(newest.value);
  return {
    name,
    kind,
    origin,
    bits,
    fingerprint: fingerprintOf(newest.value, kind, key),
    created: newest.created,
    live: live.length > 1 ? 2 : 1,
    olderUntil: live[1]?.until,
    ...certificateFacts(kind, newest.value),
    seenInClear,
  };
}

function certificateFacts(
  kind: SecretKind,
  value: string,
): Pick<SecretFacts, "algorithm" | "notAfter"> {
  if (kind === "psk" || kind === "ppk") return { algorithm: undefined, notAfter: undefined };
  if (kind === "private-key") {
    return { algorithm: algorithmOf(createPrivateKey(value)), notAfter: undefined };
  }
  const certificate = new X509Certificate(value);
  return {
    algorithm: algorithmOf(certificate.publicKey),
    notAfter: Date.parse(certificate.validTo),
  };
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const detail = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength;
  const type = asymmetricKeyType ?? "unknown";
  return detail === undefined ? type : `${type}-${detail}`;
}

function invalid(problem: string, remedy: string): SecretError {
  return new SecretError("invalid", `${problem}; ${remedy}`);
}
