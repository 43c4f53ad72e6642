/** A configuration's data for people's eyes: the same, with every secret blanked. */
import { isSecretKey } from "../util/settings-diff.js";

const MASK = "[hidden]";

export function maskSecrets(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(maskSecrets);
  if (typeof data !== "object" || data === null) return data;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [
      name,
      isSecretKey(name) && typeof value !== "object" ? MASK : maskSecrets(value),
    ]),
  );
}
