/** Refusals as gRPC statuses: the same code for programs and the same sentence as over HTTP. */
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { Log } from "../../util/log.js";
import { refusal } from "../error.js";

const BY_HTTP: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  404: status.NOT_FOUND,
  409: status.FAILED_PRECONDITION,
  410: status.OUT_OF_RANGE,
  413: status.RESOURCE_EXHAUSTED,
  422: status.FAILED_PRECONDITION,
  429: status.RESOURCE_EXHAUSTED,
  501: status.UNIMPLEMENTED,
  503: status.UNAVAILABLE,
  504: status.DEADLINE_EXCEEDED,
};

/** The trailer that has what HTTP's `error.code` has. */
export const CODE_KEY = "evpnd-code";
/** It travels in a header, and those are bounded. */
const SENTENCE_MAX = 2048;

export type GrpcRefusal = Pick<ServiceError, "code" | "details" | "metadata">;

/** @param what for the log, when the fault is ours */
export function grpcRefusal(error: unknown, what: string, log: Log): GrpcRefusal {
  const refused = refusal(error);
  const metadata = new Metadata();
  if (refused === undefined) {
    log.error({ err: error, rpc: what }, "request failed");
    metadata.set(CODE_KEY, "bug");
    return {
      code: status.INTERNAL,
      details: "evpnd failed to answer; its log has the reason",
      metadata,
    };
  }
  const { code, message } = refused.body.error;
  metadata.set(CODE_KEY, code);
  return {
    code: BY_HTTP[refused.status] ?? status.UNKNOWN,
    details: headerText(message),
    metadata,
  };
}

/** It is percent-encoded on its way, which throws for half a character: there must be none, cut off or sent. */
function headerText(message: string): string {
  const cut = message.length <= SENTENCE_MAX ? message : `${message.slice(0, SENTENCE_MAX)} …`;
  return cut.replaceAll(/\p{Surrogate}/gu, "\ufffd");
}
