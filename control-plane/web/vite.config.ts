import { defineConfig } from "vite";

/** Files with hashes in their names, nothing inline and nothing from elsewhere: what the content policy asks for. */
export default defineConfig({
  base: "/app/",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
