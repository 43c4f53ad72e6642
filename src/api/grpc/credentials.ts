/** Who asks by gRPC: of a call, before and after its message was read. */
import type { Credentials } from "../access.js";

export interface CallHeaders {
  get(key: string): readonly (string | Buffer)[];
}

export interface Asking {
  getPeer(): string;
  getAuthContext(): { readonly sslPeerCertificate?: Credentials["certificate"] };
}

export function credentialsOf(call: Asking, headers: CallHeaders): Credentials {
  const [authorization] = headers.get("authorization");
  return {
    address: call.getPeer().replace(/:\d+$/, ""),
    via: "grpc",
    authorization: authorization === undefined ? undefined : String(authorization),
    certificate: call.getAuthContext().sslPeerCertificate,
  };
}
