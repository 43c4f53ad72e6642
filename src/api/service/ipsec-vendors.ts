/**
 * Vendors' texts. The work is done here, beside the BGP thread: what grows with a text or with the number of
 * tunnels is no matter for the thread that keeps the sessions.
 */
import {
  configurationOf,
  importText,
  IMPORTERS,
  renderSides,
  VENDORS,
  type Imported,
  type ImportVendor,
  type KeptSecret,
  type Rendering,
  type Vendor,
  type VendorControl,
} from "../../ipsec/index.js";
import type { HttpBackend } from "../backend.js";
import { HttpError } from "../error.js";
import { text, unary, type Operation } from "./operation.js";

/** A text of an importer, and what JSON makes of it. */
const BODY_MAX = 4 * 1024 * 1024;
const TEXT_MAX = 1024 * 1024;

interface RenderInput {
  readonly gateway: string;
  readonly vendor?: Vendor;
  readonly of?: "candidate" | "installed";
  readonly kept?: readonly string[];
}

interface ImportInput {
  readonly vendor: ImportVendor;
  readonly text: string;
  readonly gateway?: string;
  readonly hidden?: "take" | "leave";
  readonly storeSecrets?: boolean;
}

const OFF = "IPsec is off; the configuration has no ipsec block";

const RENDER_RULES = {
  gateway: { required: true, ...text(64) },
  vendor: { enum: VENDORS },
  of: { enum: ["candidate", "installed"] },
  kept: { maxItems: 20_000, items: text(4096) },
} as const;

function vendorsOf({ ipsecVendors }: HttpBackend): VendorControl {
  if (ipsecVendors !== undefined) return ipsecVendors;
  throw new HttpError(409, "off", OFF);
}

async function rendered(
  backend: HttpBackend,
  { gateway: name, vendor, of, kept }: RenderInput,
): Promise<Rendering> {
  const material = await vendorsOf(backend).material({ gateway: name, of });
  const { gateway, sides, fingerprints } = material;
  const known = new Map(Object.entries(fingerprints));
  return renderSides(gateway, sides, {
    vendor,
    kept,
    fingerprint: (secret) => known.get(secret),
  });
}

export const IPSEC_VENDOR_OPERATIONS: readonly Operation[] = [
  unary({
    id: "RenderGateway",
    group: "IpsecVendors",
    summary:
      "What a gateway is to be told of its tunnels, in its vendor's own form, without secrets",
    role: "viewer",
    http: { method: "POST", path: "/v1/ipsec/render", bodyMax: BODY_MAX },
    input: "RenderGatewayRequest",
    output: "IpsecRendering",
    rules: RENDER_RULES,
    run: (backend, input: RenderInput) => rendered(backend, input),
  }),
  unary({
    id: "ExportRendering",
    group: "IpsecVendors",
    summary: "The same with its secrets, into files of mode 0600 on evpnd's machine",
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/render/export", bodyMax: BODY_MAX },
    input: "RenderGatewayRequest",
    output: "IpsecExport",
    rules: RENDER_RULES,
    run: async (backend, input: RenderInput, { name: actor }) => {
      const { ipsecSecrets } = backend;
      if (ipsecSecrets === undefined) throw new HttpError(409, "off", OFF);
      const { gateway, vendor, files, findings, byHand } = await rendered(backend, input);
      const texts = await ipsecSecrets.exportTexts({ title: gateway, texts: files, actor });
      return { gateway, vendor, ...texts, findings, byHand };
    },
  }),
  unary({
    id: "ImportGateway",
    group: "IpsecVendors",
    summary: "A configuration out of a gateway's own text, and what became of each of its lines",
    // May write into the secret store.
    role: "operator",
    http: { method: "POST", path: "/v1/ipsec/import", bodyMax: BODY_MAX },
    input: "ImportGatewayRequest",
    output: "IpsecImport",
    rules: {
      vendor: { required: true, enum: IMPORTERS },
      text: { required: true, ...text(TEXT_MAX) },
      gateway: text(64),
      hidden: { enum: ["take", "leave"] },
    },
    run: async (
      backend,
      { vendor, text: given, storeSecrets, ...options }: ImportInput,
      caller,
    ) => {
      const imported = importText(vendor, given, options);
      const actor = `${caller.name} at ${caller.address}`;
      const kept = storeSecrets === true ? await store(backend, imported, actor) : [];
      return {
        gateway: imported.gateway,
        configuration: configurationOf(imported.model),
        kept: imported.kept,
        notes: imported.notes,
        secrets: imported.secrets.map(({ name, value, from }) => {
          const result = kept.find((one) => one.name === name);
          return {
            name,
            from,
            found: value === undefined ? "hidden" : "shown",
            stored: result !== undefined && result.problem === undefined,
            problem: result?.problem,
          };
        }),
      };
    },
  }),
];

function store(
  backend: HttpBackend,
  { secrets }: Imported,
  actor: string,
): Promise<readonly KeptSecret[]> {
  const shown = secrets.flatMap(({ name, value }) =>
    value === undefined ? [] : [{ name, value }],
  );
  return vendorsOf(backend).keep({ secrets: shown, actor });
}
