/**
 * Package digests (ASM-66): what a VIM has put on board, never changed afterwards. A new one may stand
 * beside those before it for a stated time (ASM-78); then these end, and so does the trust in who runs them.
 * Where the settings name package keys, a digest counts only with a signature by one of them.
 */
import { createPublicKey, verify } from "node:crypto";
import type { Clock } from "../../util/clock.js";
import { fromHex } from "../../util/bytes.js";
import { SecEmError, type ImageRequest, type ImageRow, type VnfName } from "./control.js";
import { deadlineOf } from "./deadline.js";
import { checkHex, checkName, checkSeconds, checkText, invalid } from "./names.js";
import type { RecordWrite, Records } from "./records.js";

interface ImageRecord extends VnfName {
  readonly digest: string;
  readonly manifest: string | undefined;
  readonly version: string;
  readonly signer: string | undefined;
  readonly signature: string | undefined;
  readonly registeredBy: string;
  readonly registeredAt: number;
  readonly validUntil: number | undefined;
  /** How long it was given when its end was set. */
  readonly overlapMs: number | undefined;
}

interface Image {
  record: ImageRecord;
  /** Monotonic. */
  deadline: number;
}

export interface PackageKey {
  readonly name: string;
  readonly publicKey: string;
}

const MOST_OVERLAP = 30 * 86_400;
/** Of one VNF. */
const MOST_IMAGES = 64;
const LABEL = "evpnd asmn image 1";

/** What a package key signs: the fields, each behind its length. */
export function imageStatement(
  image: Pick<ImageRequest, "tenant" | "vnf" | "digest" | "manifest" | "version">,
): Uint8Array {
  const fields = [
    LABEL,
    image.tenant,
    image.vnf,
    image.digest,
    image.manifest ?? "",
    image.version,
  ];
  return Buffer.concat(
    fields.flatMap((text) => {
      const bytes = Buffer.from(text);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

export class Images {
  private readonly records: Records;
  private readonly clock: Clock;
  private readonly images = new Map<string, Image>();
  /** Withdrawn, and still on the disk: to be withdrawn again. */
  private readonly unerased = new Set<string>();

  constructor(records: Records, clock: Clock) {
    this.records = records;
    this.clock = clock;
  }

  async load(): Promise<void> {
    for (const { value } of await this.records.all("image/")) {
      const record = value as unknown as ImageRecord;
      const deadline = deadlineOf(this.clock, record.validUntil, record.overlapMs);
      this.images.set(keyOf(record, record.digest), { record, deadline });
    }
  }

  of({ tenant, vnf }: VnfName): readonly ImageRow[] {
    return this.list(tenant, vnf).map((image) => this.row(image));
  }

  /** Undefined: it is good. Otherwise why it is not. */
  fault(name: VnfName, digest: string): string | undefined {
    const image = this.images.get(keyOf(name, digest));
    if (image === undefined) return "the image is not registered";
    if (this.clock.now() >= image.deadline) return "the image was replaced, and its time is over";
    return undefined;
  }

  /** The run-time manifest that goes with an image; undefined = none is fixed. */
  manifestOf(name: VnfName, digest: string): string | undefined {
    return this.images.get(keyOf(name, digest))?.record.manifest;
  }

  async register(
    request: ImageRequest,
    by: string,
    keys: readonly PackageKey[],
    usualOverlapSeconds: number,
  ): Promise<ImageRow> {
    checkName("tenant", request.tenant);
    checkName("VNF", request.vnf);
    checkHex("digest", request.digest);
    if (request.manifest !== undefined) checkHex("manifest's digest", request.manifest);
    checkText("version", request.version);
    const overlap = request.overlapSeconds ?? usualOverlapSeconds;
    checkSeconds("the time of two images", overlap, 0, MOST_OVERLAP);
    checkSignature(request, keys);
    const key = keyOf(request, request.digest);
    const known = this.images.get(key);
    if (known !== undefined && known.record.manifest !== request.manifest) {
      throw new SecEmError(
        "conflict",
        "this digest is registered with another manifest, and images do not change; withdraw it first",
      );
    }
    const others = this.list(request.tenant, request.vnf).filter((one) => one !== known);
    if (others.length >= MOST_IMAGES) {
      throw new SecEmError(
        "conflict",
        `a VNF has at most ${MOST_IMAGES} images; withdraw old ones`,
      );
    }
    const wall = this.clock.wall();
    const { tenant, vnf, digest, manifest, version, signer, signature } = request;
    const record: ImageRecord = {
      ...{ tenant, vnf, digest, manifest, version, signer, signature },
      registeredBy: by,
      registeredAt: wall,
      validUntil: undefined,
      overlapMs: undefined,
    };
    const end = { validUntil: wall + overlap * 1000, overlapMs: overlap * 1000 };
    const shortened = others.filter(({ deadline }) => deadline > this.clock.now() + overlap * 1000);
    await this.records.write(
      write(key, record),
      ...shortened.map(({ record: former }) =>
        write(keyOf(former, former.digest), { ...former, ...end }),
      ),
    );
    for (const image of shortened) {
      image.record = { ...image.record, ...end };
      image.deadline = deadlineOf(this.clock, end.validUntil, end.overlapMs);
    }
    const image = { record, deadline: Infinity };
    this.images.set(key, image);
    this.unerased.delete(key);
    return this.row(image);
  }

  async withdraw(name: VnfName, digest: string): Promise<void> {
    const key = keyOf(name, digest);
    if (!this.images.has(key) && !this.unerased.has(key)) {
      throw new SecEmError("not-found", "there is no such image of this VNF; list them first");
    }
    // Refused from now on, whether the disk takes it or not.
    this.images.delete(key);
    this.unerased.add(key);
    await this.records.erase(`image/${key}`);
    this.unerased.delete(key);
  }

  private list(tenant: string, vnf: string): Image[] {
    return [...this.images.values()].filter(
      ({ record }) => record.tenant === tenant && record.vnf === vnf,
    );
  }

  private row({ record, deadline }: Image): ImageRow {
    const { tenant, vnf, digest, manifest, version, signer } = record;
    const { registeredBy, registeredAt, validUntil } = record;
    return {
      ...{ tenant, vnf, digest, manifest, version, signer, registeredBy, registeredAt, validUntil },
      valid: this.clock.now() < deadline,
    };
  }
}

function checkSignature(request: ImageRequest, keys: readonly PackageKey[]): void {
  if (keys.length === 0) return;
  const names = keys.map(({ name }) => name).join(", ");
  const { signer, signature } = request;
  if (signer === undefined || signature === undefined) {
    throw invalid(`images must be signed here; give a signature by one of: ${names}`);
  }
  const key = fromHex(keys.find(({ name }) => name === signer)?.publicKey ?? "");
  if (key?.length !== 32)
    throw invalid(`there is no package key "${signer}"; use one of: ${names}`);
  const x = Buffer.from(key).toString("base64url");
  const bytes = fromHex(signature);
  const good =
    bytes?.length === 64 &&
    verify(
      null,
      imageStatement(request),
      createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }),
      bytes,
    );
  if (!good) {
    throw new SecEmError(
      "refused",
      `the signature is not one of "${signer}" over this image; sign it anew`,
    );
  }
}

function keyOf({ tenant, vnf }: VnfName, digest: string): string {
  return `${tenant}/${vnf}/${digest}`;
}

function write(key: string, value: ImageRecord): RecordWrite {
  return { key: `image/${key}`, value };
}
