/**
 * Connections of the trust checks: TLS 1.3 between pinned keys (`tls.ts`), messages over them
 * (`message-link.ts`), one message before something else (`first-frame.ts`). The only files of the protocol
 * that touch sockets; who may connect is for those who use them.
 */
export * from "./tls.js";
export * from "./message-link.js";
export * from "./first-frame.js";
