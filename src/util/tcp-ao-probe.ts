/** Whether this kernel has TCP-AO (RFC 5925; Linux 6.7 and later, where CONFIG_TCP_AO is set): it is asked. */
import { createRequire } from "node:module";

const AF_INET = 2;
const SOCK_STREAM = 1;
const IPPROTO_TCP = 6;
const TCP_AO_INFO = 40;
const ENOPROTOOPT = 92;
/** `struct tcp_ao_info_opt` with nothing asked for. */
const INFO_SIZE = 48;

interface Koffi {
  load(path: null): { func(signature: string): unknown };
  errno(): number;
}

let known: { readonly gap: string | undefined } | undefined;

/** Why TCP-AO cannot be had here, and what to do; undefined where it can. */
export function tcpAoGap(): string | undefined {
  known ??= { gap: probe() };
  return known.gap;
}

function probe(): string | undefined {
  if (process.platform !== "linux") return `TCP-AO needs Linux, this is ${process.platform}`;
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    return "TCP-AO needs the optional package koffi: run npm install without --omit=optional";
  }
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int, int, int)") as (...args: number[]) => number;
  const close = libc.func("int close(int)") as (fd: number) => number;
  const setsockopt = libc.func("int setsockopt(int, int, int, const void *, uint32_t)") as (
    ...args: (number | Uint8Array)[]
  ) => number;
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0) return "TCP-AO cannot be looked for: no socket to be had";
  // A kernel that knows the option refuses this in another way: the socket has no keys.
  const result = setsockopt(fd, IPPROTO_TCP, TCP_AO_INFO, new Uint8Array(INFO_SIZE), INFO_SIZE);
  const missing = result < 0 && koffi.errno() === ENOPROTOOPT;
  close(fd);
  if (!missing) return undefined;
  return "this kernel has no TCP-AO: it takes Linux 6.7 or later with CONFIG_TCP_AO=y";
}
