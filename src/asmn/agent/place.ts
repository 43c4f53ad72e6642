/** `10.0.0.1:7201`, `[2001:db8::1]:7201`. */
import type { AsmnEndpoint } from "../settings.js";

export function formatPlace({ address, port }: AsmnEndpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
