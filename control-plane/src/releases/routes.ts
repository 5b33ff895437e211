import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { FastifyInstance } from "fastify";
import { FlowstateError } from "@flowstate/shared/errors";
import type { OfferedRelease } from "@flowstate/shared/wire/release";
import { requireDevice, type DeviceDependencies } from "../ingest/device.ts";
import { parseRange } from "./range.ts";
import type { Shelf } from "./shelf.ts";

/** As many as an agent takes; the newest. */
const mostListed = 1000;

/** Releases of the agent, for the devices of every organisation: which there are, and the programs themselves. */
export async function releaseRoutes(
  app: FastifyInstance,
  { shelf, ...device }: DeviceDependencies & { readonly shelf: Shelf },
): Promise<void> {
  // A download may take long; a control plane that is stopping does not wait for it, and the device goes on later.
  const stopping = new AbortController();
  app.addHook("preClose", async () => stopping.abort());

  app.get<{ Querystring: { platform?: unknown } }>("/ingest/v1/releases", async (request, reply) => {
    await requireDevice(request, device);
    const { platform } = request.query;
    if (typeof platform !== "string") {
      throw new FlowstateError("FS_INPUT_INVALID", "platform takes system and processor, such as linux-x64");
    }
    const releases = (await shelf.list())
      .filter((release) => release.platform === platform)
      .slice(0, mostListed);
    const etag = etagOf(releases);
    void reply.headers({ etag, "cache-control": "private, no-cache" });
    return request.headers["if-none-match"] === etag ? reply.code(304).send() : { releases };
  });

  app.get<{ Params: { sha256: string } }>("/ingest/v1/releases/:sha256", async (request, reply) => {
    await requireDevice(request, device);
    // A name is only ever compared with those on the shelf: it never becomes a path.
    const found = await shelf.find(request.params.sha256);
    if (found === null) throw new FlowstateError("FS_NOT_FOUND", "there is no release with this SHA-256");
    const { size, sha256 } = found.release;
    const etag = `"${sha256}"`;
    void reply.headers({
      etag,
      "accept-ranges": "bytes",
      "cache-control": "private, max-age=31536000, immutable",
    });
    if (request.headers["if-none-match"] === etag) return reply.code(304).send();
    // RFC 9110 13.1.5: a part of something else is of no use.
    const ifRange = request.headers["if-range"];
    const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : null;
    if (range === "unsatisfiable") {
      return reply.code(416).header("content-range", `bytes */${size}`).send();
    }
    const { from, until } = range ?? { from: 0, until: size - 1 };
    void reply.headers({ "content-type": "application/octet-stream", "content-length": until - from + 1 });
    if (range !== null) void reply.code(206).header("content-range", `bytes ${from}-${until}/${size}`);
    return reply.send(createReadStream(found.file, { start: from, end: until, signal: stopping.signal }));
  });
}

function etagOf(releases: readonly OfferedRelease[]): string {
  return `"${createHash("sha256").update(JSON.stringify(releases)).digest("base64url").slice(0, 22)}"`;
}
