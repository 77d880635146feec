import { defineConfig } from "vitest/config"

export default defineConfig({ test: { include: ["tests.ts"], pool: "vmThreads", testTimeout: 120_000 } })
