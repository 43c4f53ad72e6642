/** As many unary gRPC calls as the other side answers, for some seconds. */
import { credentials, loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

const CLIENTS = 4;
const UNDER_WAY = 128;

type Call = (request: object, done: (error: Error | null, answer: unknown) => void) => void;

/** The package's proto/, seen from the sources and from dist/. */
function protoDirectory(): string {
  let at = import.meta.dirname;
  while (!existsSync(join(at, "package.json"))) at = dirname(at);
  return join(at, "proto");
}

/** @param request of the call number `turn` */
export async function floodGrpc(
  address: string,
  service: string,
  method: string,
  seconds: number,
  request: (turn: number) => object,
): Promise<{ perSecond: number; failed: number }> {
  const directory = protoDirectory();
  const files = readdirSync(join(directory, "evpnd/v1")).map((name) => `evpnd/v1/${name}`);
  const definition = loadSync(files, { includeDirs: [directory], longs: Number });
  const root = loadPackageDefinition(definition) as unknown as {
    evpnd: { v1: Record<string, ServiceClientConstructor> };
  };
  const Client = root.evpnd.v1[service];
  if (Client === undefined) throw new Error(`no service ${service}`);
  const clients = Array.from(
    { length: CLIENTS },
    () =>
      new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 }),
  );
  const end = performance.now() + 1000 * seconds;
  let [turn, failed] = [0, 0];
  const start = performance.now();
  const one = (client: InstanceType<ServiceClientConstructor>): Promise<void> =>
    new Promise((resolve) => {
      const call = client[method] as Call;
      call.call(client, request(turn++), (error) => {
        if (error !== null) failed++;
        resolve();
      });
    });
  const lane = async (index: number): Promise<void> => {
    const client = clients[index % CLIENTS];
    while (client !== undefined && performance.now() < end) await one(client);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, (_, index) => lane(index)));
  const perSecond = turn / ((performance.now() - start) / 1000);
  for (const client of clients) client.close();
  return { perSecond, failed };
}
