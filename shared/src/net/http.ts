/**
 * `node:http` and `node:https` without what an `import` of the first brings along: importing a built-in module reads
 * each of its exports, `WebSocket` among them, which loads undici, 14 MB of a process that may have no use for it.
 */
export const http = process.getBuiltinModule("node:http");
export const https = process.getBuiltinModule("node:https");
