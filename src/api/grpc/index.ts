/**
 * gRPC as a transport of the service layer. In: connections that begin with HTTP/2's preface (`front.ts`
 * hands them over). Out: the services of `proto/`, reflection (v1 and v1alpha) and health.
 *
 * - `server.ts` services, limits; `admission.ts` who and how many, before a message is read; `handlers.ts` calls
 *   and streams; `credentials.ts` who asks; `status.ts` refusals; `reflected.ts` descriptors for reflection.
 *
 * Invariants: the same checks, roles, sentences and log lines as over HTTP; nothing of this is loaded
 * before the first gRPC client comes. Not supported: client streams, compression of what we send.
 */
export { GrpcServer } from "./server.js";
