/** A TPM as far as quotes go: an attestation key, PCRs, and structures made as a TPM 2.0 makes them. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { tpmDocument } from "../../../src/asmn/agent/index.js";

const sha256 = (...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const sized = (octets: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(octets.length >> 8, octets.length & 0xff), octets]);

export class SoftTpm {
  private readonly keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  private readonly pcrs = new Map<number, Buffer>();

  /** As `tpm2_readpublic --format pem`. */
  get pem(): string {
    return this.keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  }

  get privatePem(): string {
    return this.keys.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  }

  pcr(index: number): Buffer {
    return this.pcrs.get(index) ?? Buffer.alloc(32);
  }

  extend(index: number, digest: Uint8Array): void {
    this.pcrs.set(index, sha256(this.pcr(index), digest));
  }

  /** TPMS_ATTEST over those PCRs, and TPMT_SIGNATURE. */
  quote(challenge: Uint8Array, chosen: readonly number[]) {
    const bitmap = Buffer.alloc(3);
    for (const index of chosen) bitmap[index >> 3]! |= 1 << (index & 7);
    const values = [...chosen].sort((a, b) => a - b).map((index) => this.pcr(index));
    const message = Buffer.concat([
      Buffer.from("ff5443478018", "hex"),
      sized(Buffer.from("qualified signer")),
      sized(challenge),
      Buffer.alloc(25),
      Buffer.from("00000001000b03", "hex"),
      bitmap,
      sized(sha256(...values)),
    ]);
    const key = { key: this.keys.privateKey, dsaEncoding: "ieee-p1363" } as const;
    const signature = sign("sha256", message, key);
    const halves = [signature.subarray(0, 32), signature.subarray(32)].map(sized);
    return { message, signature: Buffer.concat([Buffer.from("0018000b", "hex"), ...halves]) };
  }

  /** What an agent sends. */
  document(challenge: Uint8Array, chosen: readonly number[]): Uint8Array {
    const { message, signature } = this.quote(challenge, chosen);
    return new Uint8Array(Buffer.from(tpmDocument(this.pem, message, signature), "hex"));
  }
}
