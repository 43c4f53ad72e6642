/** The reflector's end of BGP sessions that agents carry inside TLS: see `server.ts`. */
export { ProxyServer } from "./server.js";
export type { ProxyAnswer, ProxyClaim, ProxyServerParts } from "./server.js";
