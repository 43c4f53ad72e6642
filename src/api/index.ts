/**
 * The API: what programs ask of a running evpnd. In: HTTP requests on loopback. Out: JSON, JSON
 * lines, Prometheus text. Everything goes through `SpeakerControl` and `FibControl`; nothing here touches
 * a table.
 * Not supported yet: TLS, authentication, gRPC; until then the door stays on loopback by default.
 */
export { openHttpDoor } from "./http.js";
export type { HttpDoor } from "./http.js";
export type {
  ConfigBackend,
  ConfigChange,
  ConfigDiff,
  HttpBackend,
  PendingConfirm,
  ReloadResult,
  RunningConfig,
} from "./backend.js";
export type { HttpSettings } from "./settings.js";
