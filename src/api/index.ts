/**
 * The API: what programs ask of a running evpnd, over HTTP/JSON and gRPC at one port, with TLS or without.
 * Everything goes through `HttpBackend`; nothing here touches a table.
 *
 * `service/` has every operation once: messages in `proto/`, a row in its table. `http.ts` and
 * `http-operations.ts` are HTTP, `grpc/` (behind `grpc-gate.ts`) is gRPC, `openapi.ts` the document of it all;
 * `front.ts` is the one listening socket, `access.ts` who may do what, `desk.ts` what every transport does
 * around an operation.
 *
 * It runs in a thread of its own (`worker/`), over a copy of the backend that asks the BGP thread:
 * `worker/host.ts` starts the thread and keeps it alive, `worker/entry.ts` is what runs there,
 * `worker/remote-backend.ts` and `worker/call-server.ts` are the two ends of a call.
 * Not supported: HTTP/2 for anything but gRPC, compression.
 */
import type { HttpBackend } from "./backend.js";
import type { HttpDoor } from "./http.js";
import type { HttpSettings } from "./settings.js";

export type { HttpDoor } from "./http.js";
export type {
  ConfigBackend,
  ConfigChange,
  ConfigDiff,
  HttpBackend,
  PendingConfirm,
  ReloadResult,
  RunningConfig,
  StorageState,
} from "./backend.js";
export type { HttpSettings } from "./settings.js";
export { ApiHost } from "./worker/host.js";

/**
 * Binds and serves in this thread; rejects with the system's error when it cannot. `ApiHost` does it in a
 * thread of its own; the servers are loaded where they run.
 */
export async function openHttpDoor(
  backend: HttpBackend,
  settings: HttpSettings,
): Promise<HttpDoor | undefined> {
  const { openHttpDoor: open } = await import("./http.js");
  return open(backend, settings);
}
