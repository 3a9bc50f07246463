import { defineConfig } from "vite";

// The built page is committed and part of the program: the same sources give the same files.
export default defineConfig({
  build: { target: "es2022", modulePreload: false, assetsInlineLimit: 0, reportCompressedSize: false },
  server: { proxy: { "/v1": "http://127.0.0.1:8000" } },
});
