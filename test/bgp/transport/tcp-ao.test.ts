/**
 * TCP-AO without a kernel that has it: structures against the kernel's own declaration (laid out here as
 * a C compiler does), and rollover on a socket that takes notes.
 */
import { describe, expect, test } from "vitest";
import type { SockOpt } from "../../../src/bgp/transport/sock-opt.js";
import { packAoAdd, packAoDelete, packAoUse } from "../../../src/bgp/transport/tcp-ao.js";
import { TcpAoKeeper } from "../../../src/bgp/transport/tcp-ao-keeper.js";
import { planAt } from "../../../src/bgp/transport/tcp-ao-schedule.js";
import {
  FOREVER,
  type TcpAoChain,
  type TcpAoKey,
} from "../../../src/bgp/transport/tcp-ao-settings.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../session/harness.js";

/** include/uapi/linux/tcp.h, comments left out. */
const HEADER = `
struct tcp_ao_add {
  struct __kernel_sockaddr_storage addr;
  char alg_name[64];
  __s32 ifindex;
  __u32 set_current :1, set_rnext :1, reserved :30;
  __u16 reserved2;
  __u8 prefix;
  __u8 sndid;
  __u8 rcvid;
  __u8 maclen;
  __u8 keyflags;
  __u8 keylen;
  __u8 key[80];
};
struct tcp_ao_del {
  struct __kernel_sockaddr_storage addr;
  __s32 ifindex;
  __u32 set_current :1, set_rnext :1, del_async :1, reserved :29;
  __u16 reserved2;
  __u8 prefix;
  __u8 sndid;
  __u8 rcvid;
  __u8 current_key;
  __u8 rnext;
  __u8 keyflags;
};
struct tcp_ao_info_opt {
  __u32 set_current :1, set_rnext :1, ao_required :1, set_counters :1, accept_icmps :1, reserved :27;
  __u16 reserved2;
  __u8 current_key;
  __u8 rnext;
  __u64 pkt_good;
  __u64 pkt_bad;
  __u64 pkt_key_not_found;
  __u64 pkt_ao_required;
  __u64 pkt_dropped_icmp;
};`;

const SIZES: Readonly<Record<string, number>> = {
  __u8: 1,
  char: 1,
  __u16: 2,
  __s32: 4,
  __u32: 4,
  __u64: 8,
};

interface Place {
  readonly offset: number;
  readonly size: number;
  /** Of a bit field. */
  readonly bit?: number;
}

/** Natural alignment, bit fields from the lowest bit up; all three structures are aligned to 8. */
function layout(name: string): { fields: Map<string, Place>; size: number } {
  const body = new RegExp(`struct ${name} \\{([^}]*)\\}`).exec(HEADER)?.[1] ?? "";
  const fields = new Map<string, Place>();
  let at = 0;
  for (const line of body.split(";").map((text) => text.trim())) {
    if (line === "") continue;
    const [, type = "", rest = ""] = /^(struct \w+|\w+)\s+(.*)$/s.exec(line) ?? [];
    const storage = type.startsWith("struct");
    const size = storage ? 128 : SIZES[type]!;
    const align = storage ? 8 : size;
    at = Math.ceil(at / align) * align;
    if (rest.includes(":")) {
      let bit = 0;
      for (const part of rest.split(",")) {
        const [field = "", width = "0"] = part.split(":").map((text) => text.trim());
        fields.set(field, { offset: at, size, bit });
        bit += Number(width);
      }
      at += size;
      continue;
    }
    const [, field = "", count] = /^(\w+)(?:\[(\d+)\])?$/.exec(rest) ?? [];
    const octets = size * Number(count ?? 1);
    fields.set(field, { offset: at, size: octets });
    at += octets;
  }
  return { fields, size: Math.ceil(at / 8) * 8 };
}

/** What the octets say, field by field; zeroes left out. */
function read(name: string, bytes: Buffer): Record<string, number | string> {
  const { fields, size } = layout(name);
  expect(bytes.length).toBe(size);
  const found: Record<string, number | string> = {};
  for (const [field, { offset, size: octets, bit }] of fields) {
    if (bit !== undefined) {
      const value = (bytes.readUInt32LE(offset) >>> bit) & 1;
      if (value !== 0) found[field] = 1;
    } else if (octets <= 4 && octets !== 3) {
      const value = bytes.readUIntLE(offset, octets);
      if (value !== 0) found[field] = value;
    } else {
      const part = bytes.subarray(offset, offset + octets);
      if (part.some((octet) => octet !== 0)) {
        found[field] = part.toString("latin1").replace(/\0+$/, "");
      }
    }
  }
  return found;
}

const ADDRESS = Uint8Array.of(2, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0);
const PLACE = { address: ADDRESS, prefixLength: 32 };

function key(id: number, change: Partial<TcpAoKey> = {}): TcpAoKey {
  return {
    sendId: id,
    recvId: 100 + id,
    algorithm: "hmac-sha-1-96",
    secret: `secret ${id}`,
    sendFrom: 0,
    sendUntil: FOREVER,
    acceptFrom: 0,
    acceptUntil: FOREVER,
    ...change,
  };
}

describe("structures as the kernel declares them", () => {
  test("sizes", () => {
    expect(layout("tcp_ao_add").size).toBe(288);
    expect(layout("tcp_ao_del").size).toBe(144);
    expect(layout("tcp_ao_info_opt").size).toBe(48);
  });

  test.each([
    ["hmac-sha-1-96", "hmac(sha1)", 12],
    ["aes-128-cmac-96", "cmac(aes128)", 12],
    ["hmac-sha-256", "hmac(sha256)", 16],
  ] as const)("a key of %s", (algorithm, name, maclen) => {
    const bytes = packAoAdd(PLACE, key(7, { algorithm }), false);
    expect(read("tcp_ao_add", bytes)).toEqual({
      addr: Buffer.from(ADDRESS).toString("latin1").replace(/\0+$/, ""),
      alg_name: name,
      prefix: 32,
      sndid: 7,
      rcvid: 107,
      maclen,
      keyflags: 2,
      keylen: 8,
      key: "secret 7",
    });
    expect(read("tcp_ao_add", packAoAdd(PLACE, key(7), true))["keyflags"]).toBeUndefined();
  });

  test("secrets of 1 to 80 octets", () => {
    expect(packAoAdd(PLACE, key(1, { secret: "x".repeat(80) }), true).at(-1)).toBe(120);
    for (const secret of ["", "x".repeat(81)]) {
      expect(() => packAoAdd(PLACE, key(1, { secret }), true)).toThrow(RangeError);
    }
  });

  test("a key that goes, and the one in its place", () => {
    const addr = Buffer.from(ADDRESS).toString("latin1").replace(/\0+$/, "");
    const gone = { addr, prefix: 32, sndid: 1, rcvid: 101 };
    expect(read("tcp_ao_del", packAoDelete(PLACE, key(1), key(2), false))).toEqual({
      ...gone,
      set_current: 1,
      set_rnext: 1,
      current_key: 2,
      rnext: 102,
    });
    expect(read("tcp_ao_del", packAoDelete(PLACE, key(1), key(2), true))).toEqual({
      ...gone,
      del_async: 1,
    });
  });

  test("the key to use", () => {
    expect(read("tcp_ao_info_opt", packAoUse(key(3)))).toEqual({
      set_current: 1,
      set_rnext: 1,
      current_key: 3,
      rnext: 103,
    });
  });
});

const CHAIN: TcpAoChain = {
  name: "fabric",
  coverOptions: true,
  keys: [
    key(1, { sendUntil: 2000, acceptUntil: 3000 }),
    key(2, { acceptFrom: 1000, sendFrom: 1500 }),
  ],
};

test("a rollover: the next key is accepted first, then sent with; the old one is accepted a while", () => {
  const at = (now: number): string => {
    const { installed, active, until } = planAt(CHAIN, now);
    const ids = installed.map(({ sendId }) => sendId).join(",");
    return `${ids} sends ${active?.sendId ?? "none"} until ${until ?? "ever"}`;
  };
  expect(at(0)).toBe("1 sends 1 until 1000");
  expect(at(1000)).toBe("1,2 sends 1 until 1500");
  expect(at(1500)).toBe("1,2 sends 2 until 2000");
  expect(at(2000)).toBe("1,2 sends 2 until 3000");
  expect(at(3000)).toBe(`2 sends 2 until ${FOREVER}`);
});

describe("keys of live sockets", () => {
  function notes() {
    const clock = new FakeClock();
    const calls: string[] = [];
    const sockOpt = {
      addAoKey: (fd: number, _place: object, { sendId }: TcpAoKey) =>
        calls.push(`${fd} add ${sendId}`),
      deleteAoKey: (fd: number, _place: object, { sendId }: TcpAoKey, next: TcpAoKey | undefined) =>
        calls.push(`${fd} delete ${sendId}${next === undefined ? "" : ` for ${next.sendId}`}`),
      useAoKey: (fd: number, { sendId }: TcpAoKey) => calls.push(`${fd} use ${sendId}`),
    } as unknown as SockOpt;
    const keeper = new TcpAoKeeper(sockOpt, clock, silentLog);
    const take = (): string[] => calls.splice(0);
    /** Chain times count from the clock's start. */
    const start = clock.wall();
    const later = (time: number): number => (time === 0 || time === FOREVER ? time : start + time);
    const chain = {
      ...CHAIN,
      keys: CHAIN.keys.map((one) => ({
        ...one,
        sendFrom: later(one.sendFrom),
        sendUntil: later(one.sendUntil),
        acceptFrom: later(one.acceptFrom),
        acceptUntil: later(one.acceptUntil),
      })),
    };
    const place = { address: "10.0.0.1", prefixLength: undefined };
    return { clock, keeper, take, chain, place };
  }

  test("roll over by themselves, and stop when the socket is gone", () => {
    const { clock, keeper, take, chain, place } = notes();
    const dialled = keeper.keep(7, place, chain, "dialled");
    keeper.keep(5, place, chain, "listening");
    expect(take()).toEqual(["7 add 1", "7 use 1", "5 add 1"]);
    clock.advance(1000, () => {});
    expect(take()).toEqual(["7 add 2", "5 add 2"]);
    clock.advance(500, () => {});
    expect(take()).toEqual(["7 use 2"]);
    dialled.release();
    clock.advance(1500, () => {});
    expect(take()).toEqual(["5 delete 1 for 2"]);
  });

  test("an accepted socket has the listener's keys already", () => {
    const { keeper, take, chain, place } = notes();
    keeper.keep(8, place, chain, "accepted");
    expect(take()).toEqual(["8 use 1"]);
  });

  test("another chain by reload: new keys first, then the old ones go", () => {
    const { keeper, take, chain, place } = notes();
    const hold = keeper.keep(7, place, chain, "dialled");
    take();
    hold.change({ ...chain, keys: [key(9)] });
    expect(take()).toEqual(["7 add 9", "7 use 9", "7 delete 1 for 9"]);
    hold.change({ ...chain, keys: [key(9, { secret: "other" })] });
    expect(take()).toEqual(["7 delete 9", "7 add 9", "7 use 9"]);
  });
});
