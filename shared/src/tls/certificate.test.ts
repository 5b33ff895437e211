import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { once } from "node:events";
import test from "ava";
import { createAuthority, issueCertificate } from "./certificate.ts";

const authority = createAuthority({ commonName: "Test authority", days: 10 });

test("a leaf is signed by its authority and names its hosts", (t) => {
  const leaf = new X509Certificate(
    issueCertificate(authority, { commonName: "proxy", names: ["proxy.test", "127.0.0.1"], days: 5 })
      .certificate,
  );
  t.true(leaf.verify(new X509Certificate(authority.certificate).publicKey));
  t.is(leaf.subjectAltName, "DNS:proxy.test, IP Address:127.0.0.1");
  t.false(leaf.ca);
});

test("a client completes a handshake with a leaf when it trusts the authority, and with nobody else's", async (t) => {
  const leaf = issueCertificate(authority, { commonName: "proxy", names: ["proxy.test"], days: 5 });
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const trusting = connect({ port, host: "127.0.0.1", servername: "proxy.test", ca: authority.certificate });
  await once(trusting, "secureConnect");
  t.true(trusting.authorized);
  const other = createAuthority({ commonName: "Test authority", days: 10 });
  const doubting: TLSSocket = connect({
    port,
    host: "127.0.0.1",
    servername: "proxy.test",
    ca: other.certificate,
  });
  await t.throwsAsync(once(doubting, "secureConnect"));
  trusting.destroy();
  server.close();
});

test("OpenSSL verifies the chain under its strict rules, and name constraints bind", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "flowstate-ca-"));
  const narrow = createAuthority({ commonName: "Narrow", days: 10, permitted: ["anthropic.com"] });
  writeFileSync(join(folder, "ca.pem"), narrow.certificate);
  const verify = (name: string): string => {
    const leaf = issueCertificate(narrow, { commonName: name, names: [name], days: 5 });
    writeFileSync(join(folder, "leaf.pem"), leaf.certificate);
    return execFileSync(
      "openssl",
      ["verify", "-x509_strict", "-CAfile", join(folder, "ca.pem"), join(folder, "leaf.pem")],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
  };
  t.regex(verify("api.anthropic.com"), /OK/);
  t.throws(() => verify("api.example.com"));
});
