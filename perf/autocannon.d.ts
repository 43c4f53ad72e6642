/** The part of autocannon that is used here; the package has no types of its own. */
declare module "autocannon" {
  interface Result {
    readonly requests: { readonly average: number };
    readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
    readonly errors: number;
    readonly non2xx: number;
  }
  export default function autocannon(options: {
    readonly url: string;
    readonly connections: number;
    readonly pipelining: number;
    readonly duration: number;
    /** Requests a second, all connections together. */
    readonly overallRate?: number;
    /** Asked in turn on each connection. */
    readonly requests?: readonly { readonly path: string }[];
  }): Promise<Result>;
}
