import { defineConfig } from "vite";
import { persistOperations } from "./persist-operations.ts";

/** Files with hashes in their names, nothing inline and nothing from elsewhere: what the content policy asks for. */
export default defineConfig({
  base: "/app/",
  plugins: [persistOperations()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
