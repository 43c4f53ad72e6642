/**
 * The Sec-EM: who of a tenant's VNFs may be trusted, and who is. In: descriptors, images and tokens from VIM,
 * VNFM and operator; proofs from agents, over TLS. Out: verdicts, catalogs, heartbeats and revocations for
 * gates and gateways, and an audit log of all of it.
 *
 *   control (door) -> operator -+-> registry, catalogs, images, tokens, keys, break-glass -> records -> store
 *   door/ (TLS, agents) -> steps (protocol, judge) -> instance-book, verdicts -> feed/ (hub, subscribers)
 *   watch (time) -----------^
 *
 * Invariants: what gives trust is on the disk before it counts; what takes trust away counts at once. No
 * number is given twice, over restarts too. No reader of the feed and no stranger costs more than a fixed
 * size. Runs in a thread of its own (`thread/`).
 *
 * Not here: the protocol's octets (`protocol/`), what a gate does with a verdict, the measuring of images.
 */
export * from "./control.js";
export { imageStatement } from "./images.js";
export { SecEmService } from "./service.js";
export { RemoteSecEm, type RemoteParts } from "./thread/remote.js";
