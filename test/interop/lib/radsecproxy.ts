/** radsecproxy: between clients over UDP and a server over TLS, or the other way round. */
import type { Lab } from "./lab.js";
import { listens } from "./evpnd.js";
import type { Program } from "./processes.js";
import { waitFor } from "./wait.js";

export interface RadsecproxyOptions {
  readonly lab: Lab;
  readonly label: string;
  readonly name: string;
  /** Directory with ca.pem, and NAME.pem and NAME.key of `certificate`. */
  readonly certificates: string;
  readonly certificate: string;
  readonly listen:
    | { readonly type: "udp"; readonly place: string; readonly secret: string }
    | { readonly type: "tls"; readonly place: string };
  readonly server:
    | { readonly type: "udp"; readonly place: string; readonly secret: string }
    | { readonly type: "tls"; readonly place: string };
  /** For accounting over UDP, where it has a port of its own. */
  readonly accounting?: string;
}

/** Resolves when it listens. */
export async function startRadsecproxy(options: RadsecproxyOptions): Promise<Program> {
  const { lab, label, name, certificates, certificate, listen, server, accounting } = options;
  const secretOf = (hop: typeof listen | typeof server): string =>
    hop.type === "udp" ? `  secret ${hop.secret}\n` : "";
  const serverBlock = (title: string, place: string): string => {
    const [host = "", port = ""] = place.split(":");
    const watch = server.type === "tls" ? "  StatusServer on\n" : "";
    return `server ${title} {\n  host ${host}\n  port ${port}\n  type ${server.type}\n${secretOf(server)}${watch}}\n`;
  };
  const file = lab.writeFile(
    `${name}.conf`,
    [
      "LogLevel 2",
      `${listen.type === "udp" ? "ListenUDP" : "ListenTLS"} ${listen.place}`,
      "tls default {",
      `  CACertificateFile ${certificates}/ca.pem`,
      `  CertificateFile ${certificates}/${certificate}.pem`,
      `  CertificateKeyFile ${certificates}/${certificate}.key`,
      "}",
      `client here {\n  host 127.0.0.1\n  type ${listen.type}\n${secretOf(listen)}}`,
      serverBlock("there", server.place),
      ...(accounting === undefined ? [] : [serverBlock("there-too", accounting)]),
      `realm * {\n  server there\n  accountingServer ${accounting === undefined ? "there" : "there-too"}\n}\n`,
    ].join("\n"),
  );
  const program = lab.start(label, name, "radsecproxy", ["-f", "-c", file]);
  const port = Number(listen.place.split(":")[1]);
  await waitFor(`${name} to listen`, () => {
    program.mustRun();
    return listen.type === "tls"
      ? listens(program.pid, port)
      : /listening for udp/i.test(program.log());
  });
  return program;
}
