import { createPublicKey, generateKeyPairSync, hash, randomBytes, sign, X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import forge from "node-forge";
import { dayMs } from "../time.ts";

const { asn1, pki } = forge;

/** A certificate and its private key, both PEM. The key is ECDSA P-256: a handshake costs a fraction of RSA's. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: string;
}

export interface AuthorityOptions {
  readonly commonName: string;
  readonly days: number;
  /** Host suffixes that the authority may speak for (RFC 5280 4.2.1.10); empty for any. */
  readonly permitted?: readonly string[];
  readonly now?: number;
}

export interface LeafOptions {
  readonly commonName: string;
  /** Host names and address literals the certificate is valid for. */
  readonly names: readonly string[];
  readonly days: number;
  /** Reused where many leaves share one key; made when absent. */
  readonly keys?: KeyPair;
  /** `client` makes a certificate for TLS client authentication, its e-mail addresses in `names`. */
  readonly purpose?: "server" | "client";
  readonly now?: number;
}

export function generateKeys(): KeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    publicKey: publicKey.export({ type: "spki", format: "pem" }),
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

/** A self-signed certificate authority that may sign leaves only. */
export function createAuthority({
  commonName,
  days,
  permitted = [],
  now = Date.now(),
}: AuthorityOptions): KeyedCertificate {
  const keys = generateKeys();
  const extensions = [
    { name: "basicConstraints", critical: true, cA: true, pathLenConstraint: 0 },
    { name: "keyUsage", critical: true, keyCertSign: true, cRLSign: true },
    { name: "subjectKeyIdentifier" },
    ...(permitted.length === 0 ? [] : [nameConstraints(permitted)]),
  ];
  const certificate = build({
    subject: commonName,
    issuer: commonName,
    keys,
    extensions,
    days,
    now,
    signingKey: keys.privateKey,
    authorityKeyId: null,
  });
  return { certificate, privateKey: keys.privateKey };
}

/** A leaf certificate signed by `authority`. */
export function issueCertificate(
  authority: KeyedCertificate,
  { commonName, names, days, keys = generateKeys(), purpose = "server", now = Date.now() }: LeafOptions,
): KeyedCertificate {
  const issuer = new X509Certificate(authority.certificate);
  const altNames = names.map((name) =>
    isIP(name) !== 0
      ? { type: 7, ip: name }
      : name.includes("@")
        ? { type: 1, value: name }
        : { type: 2, value: name },
  );
  const extensions = [
    { name: "basicConstraints", critical: true, cA: false },
    { name: "keyUsage", critical: true, digitalSignature: true },
    { name: "extKeyUsage", serverAuth: purpose === "server", clientAuth: purpose === "client" },
    { name: "subjectAltName", altNames },
    { name: "subjectKeyIdentifier" },
  ];
  const certificate = build({
    subject: commonName,
    issuer: /^CN=(.*)$/m.exec(issuer.subject)?.[1] ?? "",
    keys,
    extensions,
    days,
    now,
    signingKey: authority.privateKey,
    authorityKeyId: keyIdentifier(issuer.publicKey.export({ type: "spki", format: "der" })),
  });
  return { certificate, privateKey: keys.privateKey };
}

interface Draft {
  readonly subject: string;
  readonly issuer: string;
  readonly keys: KeyPair;
  readonly extensions: object[];
  readonly days: number;
  readonly now: number;
  readonly signingKey: string;
  readonly authorityKeyId: string | null;
}

/** node-forge knows no elliptic curves, so it lays out the certificate and `node:crypto` signs it. */
function build({ subject, issuer, keys, extensions, days, now, signingKey, authorityKeyId }: Draft): string {
  const spki = createPublicKey(keys.publicKey).export({ type: "spki", format: "der" });
  const holder = pki.createCertificate();
  holder.generateSubjectKeyIdentifier = () => forge.util.createBuffer(keyIdentifier(spki));
  holder.setExtensions([
    ...extensions,
    ...(authorityKeyId === null ? [] : [{ name: "authorityKeyIdentifier", keyIdentifier: authorityKeyId }]),
  ]);
  const algorithm = sequence(object("1.2.840.10045.4.3.2"));
  const tbs = sequence(
    context(0, [integer("\u0002")]),
    integer(positiveSerial()),
    algorithm,
    distinguishedName(issuer),
    sequence(time(now - dayMs), time(now + days * dayMs)),
    distinguishedName(subject),
    asn1.fromDer(spki.toString("binary")),
    // @types/node-forge leaves this function out.
    (
      pki as unknown as { certificateExtensionsToAsn1: (list: unknown[]) => forge.asn1.Asn1 }
    ).certificateExtensionsToAsn1(holder.extensions),
  );
  const signature = sign("sha256", Buffer.from(asn1.toDer(tbs).getBytes(), "binary"), signingKey);
  const bits = asn1.create(
    asn1.Class.UNIVERSAL,
    asn1.Type.BITSTRING,
    false,
    `\0${signature.toString("binary")}`,
  );
  const der = Buffer.from(asn1.toDer(sequence(tbs, algorithm, bits)).getBytes(), "binary").toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join("\n") ?? ""}\n-----END CERTIFICATE-----\n`;
}

function nameConstraints(permitted: readonly string[]): object {
  const subtrees = permitted.map((suffix) => sequence(context(2, suffix)));
  const value = sequence(context(0, subtrees));
  return { id: "2.5.29.30", critical: true, value: asn1.toDer(value).getBytes() };
}

/** SHA-1 of the key's bit string (RFC 5280 4.2.1.2, method 1), as a binary string; P-256 keys end in 65 bytes of it. */
function keyIdentifier(spki: Buffer): string {
  return Buffer.from(hash("sha1", spki.subarray(-65), "hex"), "hex").toString("binary");
}

function positiveSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("binary");
}

function distinguishedName(commonName: string): forge.asn1.Asn1 {
  const attribute = sequence(
    object("2.5.4.3"),
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.UTF8, false, forge.util.encodeUtf8(commonName)),
  );
  return sequence(asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [attribute]));
}

function time(at: number): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(new Date(at)));
}

function sequence(...items: forge.asn1.Asn1[]): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, items);
}

function object(id: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(id).getBytes());
}

function integer(bytes: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.INTEGER, false, bytes);
}

/** A context-specific field: constructed where it holds others, primitive where it holds bytes. */
function context(tag: number, content: forge.asn1.Asn1[] | string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, typeof content !== "string", content);
}
