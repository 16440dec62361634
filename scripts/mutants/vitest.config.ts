import { join } from "node:path"
import { defineConfig } from "vitest/config"

// The tests that judge a mutant: those of the core, without the slow ones. Stryker runs them in a copy of the
// workspace; the alias keeps imports by package name inside that copy.

/** Set by `pnpm mutants --tests`. */
const tests = process.env["MUTANT_TESTS"] ?? ""

const root = join(import.meta.dirname, "../..")

export default defineConfig({
  resolve: {
    alias: [{ find: /^effect-poll\/(.+)$/, replacement: join(root, "packages/core/src/$1.ts") }]
  },
  test: {
    root: join(root, "packages/core"),
    include: tests === "" ? ["test/**/*.test.ts"] : tests.split(","),
    exclude: [
      "test/**/*.live.test.ts",
      // Laws, soaks, memory and stacks: seconds each, and they cover every line.
      "test/*.laws.test.ts",
      "test/Poll.soak.test.ts",
      "test/Poller.memory.test.ts",
      "test/structure.test.ts"
    ],
    reporters: ["default"],
    // On a busy machine a slow test must not look like one that noticed the mutant.
    testTimeout: 60_000,
    isolate: false
  }
})
