import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["tools/vitest.setup.ts"],
    pool: "forks",
    testTimeout: 30_000,
    detectAsyncLeaks: true,
    typecheck: { enabled: true, include: ["test/types/**/*.test-d.ts"] },
    reporters: ["default", "./tools/plain-summary.ts"],
    coverage: {
      provider: "v8",
      autoAttachSubprocess: true,
      include: ["src/**/*.ts"],
      exclude: ["src/index.ts", "src/node/index.ts"],
      reporter: ["text", "json-summary", "lcov"]
    }
  }
})
