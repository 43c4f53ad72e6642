/**
 * Hashing of images: the paper's pairs of Table 1 with its three hashes (Table 2), and the tree digest of sound
 * mode beside `openssl dgst -sha256` over the same files in the same run. Files are random data, in the page
 * cache: where disk or memory has no room for a pair, all of it is scaled down, and the paper's seconds with it.
 */
import { spawnSync } from "node:child_process";
import { createCipheriv, randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { freemem } from "node:os";
import { join } from "node:path";
import { plainDigest, treeDigest } from "../../src/asmn/measure/index.js";
import { median } from "../fleet/statistics.js";
import { judged, type PaperRow, type PaperTable, type Part, type PartOptions } from "./part.js";

const HASHES = ["crc32", "md5", "sha1"] as const;
type Hash = (typeof HASHES)[number];

export interface Pair {
  readonly id: string;
  readonly title: string;
  /** Table 1, octets: the paper's GB read as 10^9. */
  readonly sizes: readonly [number, number];
  /** Table 2, seconds. */
  readonly paper: Readonly<Record<Hash, number>>;
}

export const PAIRS: readonly Pair[] = [
  {
    ...{ id: "ASM-41", title: "VNF1 and VNF2", sizes: [2.55e9, 3.72e9] },
    paper: { crc32: 16.2, md5: 17.1, sha1: 17.5 },
  },
  {
    ...{ id: "ASM-42", title: "VNF3 and VNF4", sizes: [1.42e9, 3.14e9] },
    paper: { crc32: 18.5, md5: 19.4, sha1: 20.1 },
  },
  {
    ...{ id: "ASM-43", title: "VNF5 and VNF6", sizes: [3.91e9, 2.55e9] },
    paper: { crc32: 16.2, md5: 17.3, sha1: 18.3 },
  },
];

/** Left free on disk and in memory. */
const RESERVE = 2e9;
const QUICK_SCALE = 0.02;
/** What one thread may take, as a multiple of openssl's time; two must take less than openssl. */
const ONE_THREAD_LIMIT = 1.3;

export const hashing: Part = {
  name: "hashing",
  summary: "images of Table 1: CRC32, MD5, SHA-1; tree digest beside openssl",
  async run(options) {
    const tables: PaperTable[] = [];
    for (const pair of PAIRS) {
      const scale = roomFor(pair, options);
      options.progress(`  ${pair.title}, ${percent(scale)} of the paper's size`);
      const files = pair.sizes.map((size, at) =>
        makeFile(join(options.directory, `image-${at}`), Math.floor(size * scale)),
      );
      try {
        const sizes = pair.sizes.map((size) => `${(size / 1e9).toFixed(2)} GB`).join(" and ");
        const scaled = scale === 1 ? "in a warm cache" : `scaled to ${percent(scale)}, times too`;
        tables.push({
          title: `Table 2, ${pair.title}: random data of ${sizes} (Table 1), ${scaled}`,
          rows: [
            ...(await paperRows(pair, files, scale, options)),
            ...(pair === PAIRS[0] ? await treeRows(files, options) : []),
          ],
        });
      } finally {
        for (const file of files) rmSync(file, { force: true });
      }
    }
    return tables;
  },
};

/** Of the paper's size; less than 1 where the pair does not fit into disk and cache. */
function roomFor({ sizes }: Pair, { directory, quick }: PartOptions): number {
  if (quick) return QUICK_SCALE;
  const { bavail, bsize } = statfsSync(directory);
  const room = Math.min(bavail * bsize, availableMemory()) - RESERVE;
  const fits = room / sizes.reduce((sum, size) => sum + size, 0);
  return fits >= 1 ? 1 : Math.max(0.01, Math.floor(fits * 100) / 100);
}

/** What the page cache may grow by; `freemem` leaves out what it holds already. */
function availableMemory(): number {
  const line = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return line === null ? freemem() : Number(line[1]) * 1024;
}

/** Random octets: the key stream of a random key. @returns the path */
export function makeFile(path: string, octets: number): string {
  const zeros = Buffer.alloc(1 << 22);
  const stream = createCipheriv("aes-128-ctr", randomBytes(16), randomBytes(16));
  const file = openSync(path, "w");
  try {
    for (let left = octets; left > 0;) {
      const piece = stream.update(zeros.subarray(0, Math.min(left, zeros.length)));
      left -= writeSync(file, piece);
    }
    // What is still to be written would be written while hashes are timed.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return path;
}

/** Hash and compare, as the paper times it: both images, one after the other, on one thread. */
export async function paperRows(
  pair: Pair,
  files: readonly string[],
  scale: number,
  options: Pick<PartOptions, "quick">,
): Promise<PaperRow[]> {
  const rows: PaperRow[] = [];
  for (const hash of HASHES) {
    const seconds = await timed(async () => {
      const [one, other] = [
        await plainDigest(files[0] ?? "", hash, { threads: 0 }),
        await plainDigest(files[1] ?? "", hash, { threads: 0 }),
      ];
      if (one === other) throw new Error(`${hash} of two random files is the same`);
    });
    rows.push({
      ...{ ids: `${pair.id}, ASM-40`, what: `${hash}, hash and compare` },
      paper: secondsText(pair.paper[hash] * scale),
      ours: secondsText(seconds),
      verdict: judged(seconds <= pair.paper[hash] * scale, options),
    });
  }
  return rows;
}

/** In turn, some rounds: what else happens on the machine hits all alike. */
async function treeRows(files: readonly string[], options: PartOptions): Promise<PaperRow[]> {
  const rounds = options.quick ? 1 : 3;
  const times = { openssl: [] as number[], one: [] as number[], two: [] as number[] };
  const tree = (threads: number): Promise<number> =>
    timed(async () => {
      for (const file of files) await treeDigest(file, { threads });
    });
  for (let round = 0; round < rounds; round++) {
    times.openssl.push(await timed(() => Promise.resolve(openssl(files))));
    times.one.push(await tree(1));
    times.two.push(await tree(2));
  }
  const reference = median(times.openssl);
  const row = (what: string, seconds: number, limit: number, note: string): PaperRow => ({
    ...{ ids: "ASM-65, ASM-49", what, paper: "–", ours: secondsText(seconds) },
    verdict: judged(seconds <= reference * limit, options),
    note: `${(seconds / reference).toFixed(2)} × openssl; ${note}`,
  });
  return [
    {
      ...{ ids: "ASM-49", what: "openssl dgst -sha256", paper: "–" },
      ...{ ours: secondsText(reference), verdict: "shown" },
      note: `median of ${rounds}`,
    },
    row(
      "SHA-256 tree, 1 thread",
      median(times.one),
      ONE_THREAD_LIMIT,
      `at most ${ONE_THREAD_LIMIT}`,
    ),
    row("SHA-256 tree, 2 threads", median(times.two), 1, "less than 1"),
  ];
}

function openssl(files: readonly string[]): void {
  const { error, status, stderr } = spawnSync("openssl", ["dgst", "-sha256", ...files]);
  if (error !== undefined) throw new Error(`openssl: ${error.message} (Debian: openssl)`);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString().trim()}`);
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - began) / 1e9;
}

function secondsText(seconds: number): string {
  return `${seconds.toFixed(seconds < 1 ? 3 : 2)} s`;
}

function percent(scale: number): string {
  return `${Math.round(scale * 100)} %`;
}
