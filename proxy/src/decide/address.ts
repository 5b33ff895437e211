import { BlockList, isIP } from "node:net";
import type { Brand } from "@flowstate/shared/brand";

/** An address that may be connected to. Only `vetAddress` makes one. */
export interface VettedAddress {
  readonly address: Brand<string, "VettedAddress">;
  readonly family: 4 | 6;
}

export type Vetting =
  | { readonly kind: "allowed"; readonly vetted: VettedAddress }
  | { readonly kind: "prohibited"; readonly why: string };

/**
 * What no tunnel reaches: IANA's special-purpose registries for IPv4 and IPv6, the forms that carry an IPv4 address
 * inside an IPv6 one, and publicly numbered metadata services of clouds.
 */
const prohibitedRanges: readonly (readonly [range: string, why: string])[] = [
  ["0.0.0.0/8", "this network"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "carrier-grade NAT"],
  ["127.0.0.0/8", "loopback"],
  ["168.63.129.16/32", "cloud metadata"],
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "protocol assignments"],
  ["192.0.2.0/24", "documentation"],
  ["192.31.196.0/24", "AS112"],
  ["192.52.193.0/24", "AMT"],
  ["192.88.99.0/24", "6to4 relay"],
  ["192.168.0.0/16", "private"],
  ["192.175.48.0/24", "AS112"],
  ["198.18.0.0/15", "benchmarking"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
  ["::/96", "unspecified, loopback or IPv4-compatible"],
  ["::ffff:0:0:0/96", "SIIT"],
  ["64:ff9b::/96", "NAT64"],
  ["64:ff9b:1::/48", "local NAT64"],
  ["100::/64", "discard"],
  ["100:0:0:1::/64", "dummy"],
  ["2001::/23", "protocol assignments and Teredo"],
  ["2001:db8::/32", "documentation"],
  ["2002::/16", "6to4"],
  ["2620:4f:8000::/48", "AS112"],
  ["3fff::/20", "documentation"],
  ["5f00::/16", "segment routing"],
  ["fc00::/7", "unique local"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local"],
  ["ff00::/8", "multicast"],
];

const everything = blockList(prohibitedRanges.map(([range]) => range));
const named = prohibitedRanges.map(([range, why]) => ({ list: blockList([range]), why }));

/** Vets an address literal. An explicitly allowed range wins over the table; an IPv4-mapped address is its IPv4 self. */
export function vetAddress(address: string, allow: BlockList): Vetting {
  const version = isIP(address);
  if (version === 0) return { kind: "prohibited", why: "not an address" };
  const family = version === 6 ? 6 : 4;
  const type = family === 6 ? "ipv6" : "ipv4";
  if (!allow.check(address, type) && everything.check(address, type)) {
    return {
      kind: "prohibited",
      why: named.find(({ list }) => list.check(address, type))?.why ?? "special purpose",
    };
  }
  return { kind: "allowed", vetted: { address: address as VettedAddress["address"], family } };
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = "", prefix] = range.split("/");
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? "ipv6" : "ipv4");
  }
  return list;
}
