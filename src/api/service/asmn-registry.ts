/** The Sec-EM's registry: VNFs, Sec-catalogs, images, enrolment tokens. */
import type {
  AsmnCatalogEntry,
  BgpFacts,
  ImageRequest,
  InstanceName,
  Scope,
  SecEmControl,
  VnfDescriptor,
  VnfName,
} from "../../asmn/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { compareLines } from "./asmn-catalog.js";
import {
  actorOf,
  asmnOf,
  DIGEST,
  NEEDED_NAME,
  secEmOf,
  TRUST_NAME,
  without,
} from "./asmn-access.js";
import { text, unary, type FieldRules, type Operation } from "./operation.js";

const VNF_OR_ANY = { required: true, ...text(64), pattern: "^(\\*|[A-Za-z0-9._-]+)$" } as const;
const PORT = { minimum: 1, maximum: 65_535 } as const;
const LINE: FieldRules = {
  from: VNF_OR_ANY,
  to: VNF_OR_ANY,
  protocol: { required: true, enum: ["tcp", "udp", "icmp", "icmpv6", "sctp", "any"] },
  port: PORT,
  portEnd: PORT,
  rate: { minimum: 1, maximum: 1e12 },
  burst: { minimum: 1, maximum: 2 ** 50 },
  packetRate: { minimum: 1, maximum: 100_000_000 },
};
const LINES = { maxItems: 10_000, items: { fields: LINE } } as const;
/** What that many lines take. */
const LINES_OCTETS = 2 * 2 ** 20;
const VNF = { tenant: NEEDED_NAME, vnf: NEEDED_NAME } as const;
const ADDRESSES = { maxItems: 8, items: text(64) } as const;
const BINDING = { enum: ["tls-proxy", "tcp-md5", "address"] } as const;

interface VnfOrder {
  readonly tenant: string;
  readonly name: string;
  readonly role: VnfDescriptor["descriptor"]["role"];
  readonly addresses?: readonly string[];
  readonly as?: number;
  readonly routerId?: string;
  readonly binding: BgpFacts["binding"];
  readonly rootOfTrust: VnfDescriptor["descriptor"]["rootOfTrust"];
  readonly maxInstances: number;
  readonly allowedChanges?: readonly string[];
  readonly catalog?: readonly AsmnCatalogEntry[];
}

interface CatalogOrder {
  readonly tenant: string;
  readonly entries?: readonly AsmnCatalogEntry[];
}

interface TokenOrder extends InstanceName {
  readonly image: string;
  readonly publicKey?: string;
  readonly addresses?: readonly string[];
  readonly as?: number;
  readonly routerId?: string;
  readonly binding?: BgpFacts["binding"];
  readonly lifetimeSeconds?: number;
  readonly replace: boolean;
}

export const ASMN_REGISTRY_OPERATIONS: readonly Operation[] = [
  unary({
    id: "ListVnfs",
    group: "AsmnRegistry",
    summary: "Descriptors of VNFs, with their instances counted",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/vnfs" },
    input: "ListVnfsRequest",
    output: "VnfList",
    rules: { tenant: TRUST_NAME },
    run: async (backend, { tenant }: { tenant?: string }) => ({
      vnfs: await secEmOf(backend).vnfs(tenant),
    }),
  }),
  unary({
    id: "RegisterVnf",
    group: "AsmnRegistry",
    summary: "Registers a VNF with the catalog lines of its descriptor",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/vnfs", bodyMax: LINES_OCTETS },
    input: "RegisterVnfRequest",
    output: "VnfEntry",
    rules: {
      tenant: NEEDED_NAME,
      name: NEEDED_NAME,
      role: { default: "edge", enum: ["reflector", "edge", "relay", "gateway"] },
      addresses: ADDRESSES,
      routerId: text(15),
      binding: { default: "address", ...BINDING },
      rootOfTrust: { default: "none", enum: ["none", "platform", "tpm"] },
      maxInstances: { default: 1, minimum: 1, maximum: 10_000 },
      allowedChanges: { maxItems: 256, items: text(255) },
      catalog: LINES,
    },
    run: async (backend, order: VnfOrder, caller) =>
      secEmOf(backend).registerVnf(descriptorOf(order), await actorOf(backend, caller, "vnfm")),
  }),
  unary({
    id: "RemoveVnf",
    group: "AsmnRegistry",
    summary: "Forgets a VNF that was registered through the API; its instances are revoked",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/vnfs/remove" },
    input: "RemoveVnfRequest",
    output: "DoneResponse",
    rules: VNF,
    run: async (backend, name: VnfName, caller) => {
      await secEmOf(backend).removeVnf(name, await actorOf(backend, caller, "vnfm"));
      return { done: [`${name.tenant}/${name.vnf} is forgotten`] };
    },
  }),
  unary({
    id: "ListCatalogs",
    group: "AsmnRegistry",
    summary: "Sec-catalogs in force",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/catalogs" },
    input: "ListCatalogsRequest",
    output: "CatalogList",
    rules: { tenant: TRUST_NAME },
    run: async (backend, { tenant }: { tenant?: string }) => ({
      catalogs: (await secEmOf(backend).catalogs(tenant)).map((row) => without(row, "document")),
    }),
  }),
  unary({
    id: "DiffCatalog",
    group: "AsmnRegistry",
    summary: "What applying these lines to a tenant's catalog would change",
    role: "viewer",
    http: { method: "POST", path: "/v1/asmn/catalogs/diff", bodyMax: LINES_OCTETS },
    input: "DiffCatalogRequest",
    output: "CatalogDiff",
    rules: { tenant: NEEDED_NAME, entries: LINES },
    run: diffCatalog,
  }),
  unary({
    id: "ApplyCatalog",
    group: "AsmnRegistry",
    summary: "Lines of a tenant beyond those of configuration and descriptors",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/catalogs", bodyMax: LINES_OCTETS },
    input: "ApplyCatalogRequest",
    output: "CatalogEntry",
    rules: { tenant: NEEDED_NAME, entries: LINES },
    run: async (backend, { tenant, entries = [] }: CatalogOrder, caller) => {
      const actor = await actorOf(backend, caller, "vnfm");
      const row = await secEmOf(backend).setCatalog(tenant, entries.map(lineOf), actor);
      return without(row, "document");
    },
  }),
  unary({
    id: "ListImages",
    group: "AsmnRegistry",
    summary: "Images of a VNF",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/images" },
    input: "ListImagesRequest",
    output: "ImageList",
    rules: VNF,
    run: async (backend, name: VnfName) => ({ images: await secEmOf(backend).images(name) }),
  }),
  unary({
    id: "RegisterImage",
    group: "AsmnRegistry",
    summary: "Registers an image by its digest",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/images" },
    input: "RegisterImageRequest",
    output: "ImageEntry",
    rules: {
      ...VNF,
      digest: { required: true, ...DIGEST },
      manifest: DIGEST,
      version: { required: true, ...text(200) },
      signer: TRUST_NAME,
      signature: { pattern: "^[0-9a-f]{128}$" },
      overlapSeconds: { minimum: 0, maximum: 2_592_000 },
    },
    run: async (backend, image: ImageRequest, caller) => {
      const { tenant, vnf, digest, manifest, version, signer, signature, overlapSeconds } = image;
      return secEmOf(backend).registerImage(
        { tenant, vnf, digest, manifest, version, signer, signature, overlapSeconds },
        await actorOf(backend, caller, "vim"),
      );
    },
  }),
  unary({
    id: "WithdrawImage",
    group: "AsmnRegistry",
    summary: "An image is good no more: instances that run it are untrusted",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/images/withdraw" },
    input: "WithdrawImageRequest",
    output: "DoneResponse",
    rules: { ...VNF, digest: { required: true, ...DIGEST } },
    run: async (backend, { digest, ...name }: VnfName & { digest: string }, caller) => {
      const actor = await actorOf(backend, caller, "vim");
      await secEmOf(backend).withdrawImage(name, digest, actor);
      return { done: [`image ${digest} of ${name.tenant}/${name.vnf} is withdrawn`] };
    },
  }),
  unary({
    id: "ListTokens",
    group: "AsmnRegistry",
    summary: "Enrolment tokens, without their secrets",
    role: "viewer",
    http: { method: "GET", path: "/v1/asmn/tokens" },
    input: "ListTokensRequest",
    output: "TokenList",
    rules: { tenant: TRUST_NAME, vnf: TRUST_NAME, instance: TRUST_NAME },
    run: async (backend, scope: Partial<Scope>) => ({ tokens: await tokens(backend, scope) }),
  }),
  unary({
    id: "IssueToken",
    group: "AsmnRegistry",
    summary: "Makes an enrolment token, and shows it this once",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/tokens" },
    input: "IssueTokenRequest",
    output: "IssuedToken",
    rules: {
      ...VNF,
      instance: NEEDED_NAME,
      image: { required: true, ...DIGEST },
      publicKey: DIGEST,
      addresses: ADDRESSES,
      routerId: text(15),
      binding: BINDING,
      lifetimeSeconds: { minimum: 1, maximum: 86_400 },
      replace: { default: false },
    },
    run: async (backend, order: TokenOrder, caller) => {
      const secEm = secEmOf(backend);
      const actor = await actorOf(backend, caller, "vim");
      const { tenant, vnf, instance, image, publicKey, lifetimeSeconds, replace } = order;
      const bgp = await factsOf(secEm, order);
      return secEm.issueToken(
        { tenant, vnf, instance, image, publicKey, bgp, lifetimeSeconds, replace },
        actor,
      );
    },
  }),
  unary({
    id: "WithdrawToken",
    group: "AsmnRegistry",
    summary: "A token is good for nothing any more",
    role: "operator",
    http: { method: "POST", path: "/v1/asmn/tokens/withdraw" },
    input: "WithdrawTokenRequest",
    output: "DoneResponse",
    rules: { id: { required: true, ...text(64) } },
    run: async (backend, { id }: { id: string }, caller) => {
      await secEmOf(backend).withdrawToken(id, await actorOf(backend, caller, "vim"));
      return { done: [`token ${id} is withdrawn`] };
    },
  }),
];

function descriptorOf(order: VnfOrder): VnfDescriptor {
  const { tenant, name, role, as, routerId, binding, rootOfTrust, maxInstances } = order;
  const { addresses = [], allowedChanges = [], catalog = [] } = order;
  return {
    tenant,
    descriptor: {
      ...{ name, role, addresses, as, routerId, binding, rootOfTrust, maxInstances },
      manifest: { allowedChanges },
      bgp: { sessions: 0, updatesPerSecond: 0, prefixes: 0 },
    },
    catalog: catalog.map(lineOf),
  };
}

/** Every member is there, as the Sec-EM wants it. */
function lineOf(line: AsmnCatalogEntry): AsmnCatalogEntry {
  const { from, to, protocol, port, portEnd, rate, burst, packetRate } = line;
  if (portEnd !== undefined && (port === undefined || portEnd < port)) {
    throw new HttpError(400, "invalid", "a range of ports is portEnd behind port; write both");
  }
  return { from, to, protocol, port, portEnd, rate, burst, packetRate };
}

async function diffCatalog(backend: HttpBackend, { tenant, entries = [] }: CatalogOrder) {
  const rows = await secEmOf(backend).catalogs(tenant);
  const fixed = await asmnOf(backend).configuredCatalog(tenant);
  const inForce = rows.flatMap((row) => row.entries);
  return compareLines(inForce, fixed, entries.map(lineOf));
}

async function tokens(backend: HttpBackend, { tenant, vnf, instance }: Partial<Scope>) {
  if (tenant !== undefined) return secEmOf(backend).tokens({ tenant, vnf, instance });
  if (vnf === undefined && instance === undefined) return secEmOf(backend).tokens();
  throw new HttpError(400, "invalid", "a VNF is named with its tenant; give both");
}

/** What is not said is as the VNF's descriptor has it. */
async function factsOf(secEm: SecEmControl, order: TokenOrder): Promise<BgpFacts | undefined> {
  const { tenant, vnf, addresses, as, routerId, binding } = order;
  if ([addresses, as, routerId, binding].every((one) => one === undefined)) return undefined;
  const rows = await secEm.vnfs(tenant);
  const known = rows.find(({ descriptor }) => descriptor.name === vnf)?.descriptor;
  return {
    addresses: addresses ?? known?.addresses ?? [],
    as: as ?? known?.as,
    routerId: routerId ?? known?.routerId,
    binding: binding ?? known?.binding ?? "address",
  };
}
