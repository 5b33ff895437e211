import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import type { FastifyInstance } from "fastify";

/** The web application as it was built: every file in memory, so that no path of a request reaches the disk. */
export interface WebFiles {
  readonly page: Buffer;
  /** By name below `assets/`; names carry a hash of what is in them. */
  readonly assets: ReadonlyMap<string, Buffer>;
  /** The texts of its GraphQL operations by the hash that it sends; the build made both. */
  readonly operations: Readonly<Record<string, string>>;
}

const dist = new URL("../../web/dist", import.meta.url).pathname;

/** Null where the application has not been built. */
export function readWebFiles(folder: string = dist): WebFiles | null {
  const page = join(folder, "index.html");
  if (!existsSync(page)) return null;
  const assets = join(folder, "assets");
  return {
    page: readFileSync(page),
    assets: new Map(readdirSync(assets).map((name) => [name, readFileSync(join(assets, name))])),
    operations: JSON.parse(readFileSync(join(folder, "operations.json"), "utf8")) as Record<string, string>,
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Our own files and nothing else: no inline script, no other host, no frame. */
const pageHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  "cache-control": "no-cache",
  "referrer-policy": "same-origin",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
};

/** `/app`: the page for every path of the application, and its files. What it shows comes from `/graphql`. */
export async function webRoutes(app: FastifyInstance, files: WebFiles | null): Promise<void> {
  if (files === null) return;
  app.get("/app", async (_, reply) => reply.redirect("/app/", 308));
  app.get("/app/*", async (_, reply) => reply.headers(pageHeaders).send(files.page));
  app.get<{ Params: { name: string } }>("/app/assets/:name", async (request, reply) => {
    const file = files.assets.get(request.params.name);
    if (file === undefined) return reply.callNotFound();
    return reply
      .header("content-type", contentTypes[extname(request.params.name)] ?? "application/octet-stream")
      .header("cache-control", "public, max-age=31536000, immutable")
      .send(file);
  });
}
