/** Octets that an operator has, decoded: a whole message, or payloads that something else decrypted. */
import { decodeIke, decodePayloads, PAYLOADS_V1, PAYLOADS_V2 } from "../isakmp/index.js";
import type { DecodedIke, DecodeOrder } from "./control.js";
import { WatchError } from "./error.js";

/** Octets of a message; UDP has no more. */
const MOST_OCTETS = 65_535;

export function decodeOrder({ hex, first, version = 1 }: DecodeOrder): DecodedIke {
  const digits = hex.replaceAll(/[\s:]|0x/g, "");
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits) || digits.length > 2 * MOST_OCTETS) {
    throw new WatchError(
      "invalid",
      "write the octets of one message in hexadecimal digits, two for each",
    );
  }
  const bytes = Uint8Array.from(Buffer.from(digits, "hex"));
  if (first === undefined) return whole(bytes);
  if (version !== 1 && version !== 2) throw new WatchError("invalid", "version is 1 or 2");
  const names = version === 1 ? PAYLOADS_V1 : PAYLOADS_V2;
  const type = Object.keys(names).find(
    (key) => names[Number(key)] === first.toUpperCase() || names[Number(key)] === first,
  );
  if (type === undefined) {
    const known = [...new Set(Object.values(names))].join(", ");
    throw new WatchError("invalid", `IKEv${version} has no payload "${first}"; there are ${known}`);
  }
  return decodePayloads(bytes, 0, bytes.length, Number(type), version);
}

function whole(bytes: Uint8Array): DecodedIke {
  const decoded = decodeIke(bytes);
  if (decoded === undefined) {
    throw new WatchError(
      "invalid",
      "that is no IKE message: it has a header of 28 octets, version 1 or 2",
    );
  }
  const { payloads, ...message } = decoded;
  return { message, payloads, problems: message.problems };
}
