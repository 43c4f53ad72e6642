/**
 * The order of the test files: within each project those that take long begin first, so that no worker is left
 * with one of them when the others have nothing more to do.
 */
import { relative, sep } from "node:path";
import { BaseSequencer, type TestSpecification, type Vitest } from "vitest/node";

/** What takes some seconds by itself, the longest first; paths below `test/`, without `.test.ts`. */
export const LONGEST: readonly string[] = [
  "fast-bgp-codec/robustness",
  "model/reflector",
  "perf/churn",
  "api/grpc/grpc",
  "fib/model",
  "model/planted",
  "reload/every-option",
  "radius/fuzz",
  "bgp/audit/storm",
  "fib/storms",
  "model/directed",

  "interop/fabric",
  "interop/fib-truth",
  "interop/ipsec/operate",
  "interop/own-restart",
  "interop/radius-fabric",
  "interop/interest",
  "interop/radius-accounting",
  "interop/reload",
  "interop/ipsec/live-changes",
  "interop/white-paper",
  "interop/asmn/gateway",
  "interop/radsec",
  "interop/restart-pair",
  "interop/ipsec/routing",
  "interop/radius-homes",
  "interop/asmn/tables",
  "interop/node-versions",
  "interop/ipsec/live",
  "interop/asmn/agents",
  "interop/ipsec/fabric",
  "interop/maintenance",
];

const PLACES = new Map(LONGEST.map((name, place) => [name, place]));

export class LongestFirst extends BaseSequencer {
  private readonly top: string;

  constructor(vitest: Vitest) {
    super(vitest);
    this.top = vitest.config.root;
  }

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map(({ project }) => project))];
    return projects.flatMap((project) =>
      sorted
        .filter((file) => file.project === project)
        .sort((a, b) => this.place(a.moduleId) - this.place(b.moduleId)),
    );
  }

  private place(file: string): number {
    const name = relative(this.top, file).split(sep).slice(1).join("/");
    return PLACES.get(name.replace(/\.test\.ts$/, "")) ?? LONGEST.length;
  }
}
