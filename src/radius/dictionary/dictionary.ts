/**
 * Names, types and hiding of attributes. The relay needs of it only which values are hidden; people
 * need the names. Attributes nobody described travel as octets all the same.
 */
/** Data types (RFC 8044 section 3); `other` for what only some vendor knows. */
export type ValueType =
  | "integer"
  | "enum"
  | "time"
  | "text"
  | "string"
  | "concat"
  | "ifid"
  | "ipv4addr"
  | "ipv6addr"
  | "ipv6prefix"
  | "integer64"
  | "tlv"
  | "vsa"
  | "other";

/** How a value is hidden: as User-Password is, or with a salt as Tunnel-Password is. */
export type Hiding = "password" | "salted";

export interface AttributeSpec {
  readonly name: string;
  readonly vendor: number;
  readonly type: number;
  readonly valueType: ValueType;
  readonly hiding?: Hiding;
  /** The value starts with a tag octet (RFC 2868). */
  readonly tagged?: boolean;
}

/** Octets of type and length inside a vendor's attribute; 1 and 1 unless a dictionary says otherwise. */
export interface VendorFormat {
  readonly name: string;
  readonly typeSize: number;
  readonly lengthSize: number;
}

export class Dictionary {
  private readonly specs = new Map<number, AttributeSpec>();
  private readonly byName = new Map<string, AttributeSpec>();
  private readonly vendors = new Map<number, VendorFormat>();
  private readonly values = new Map<string, Map<number, string>>();

  /** A later word on the same attribute replaces the earlier one. */
  add(spec: AttributeSpec): this {
    this.specs.set(key(spec.vendor, spec.type), spec);
    this.byName.set(spec.name.toLowerCase(), spec);
    return this;
  }

  addVendor(id: number, format: VendorFormat): this {
    this.vendors.set(id, format);
    return this;
  }

  addValue(attribute: string, name: string, value: number): this {
    const names = this.values.get(attribute.toLowerCase()) ?? new Map<number, string>();
    names.set(value, name);
    this.values.set(attribute.toLowerCase(), names);
    return this;
  }

  /** @param vendor 0 for the standard space */
  find(vendor: number, type: number): AttributeSpec | undefined {
    return this.specs.get(key(vendor, type));
  }

  named(name: string): AttributeSpec | undefined {
    return this.byName.get(name.toLowerCase());
  }

  vendor(id: number): VendorFormat | undefined {
    return this.vendors.get(id);
  }

  vendorNamed(name: string): number | undefined {
    for (const [id, format] of this.vendors) if (format.name === name) return id;
    return undefined;
  }

  valueName(attribute: string, value: number): string | undefined {
    return this.values.get(attribute.toLowerCase())?.get(value);
  }

  get size(): number {
    return this.specs.size;
  }
}

function key(vendor: number, type: number): number {
  return vendor * 65536 + type;
}
