import { writeSync } from "node:fs"
import { join } from "node:path"
import { defineConfig } from "vitest/config"
import type { Reporter } from "vitest/node"

// Vitest does not look for this name by itself: the scripts pass it with --config, and vitest.config.ts re-exports it.

const project = (name: string, root: string, include: string) => ({
  extends: true as const,
  root,
  test: { name, include: [include], benchmark: { include: [] } }
})

const inPackage = (name: string) => ({
  extends: true as const,
  root: `packages/${name}`,
  test: { name, include: ["test/**/*.test.{ts,tsx}"], benchmark: { include: ["bench/**/*.bench.ts"] } }
})

/** One PostgreSQL for all files, each with a database of its own. Tests wait for it in real time. */
const durable = inPackage("durable")
const onPostgres = {
  ...durable,
  test: { ...durable.test, globalSetup: ["test/postgres.setup.ts"], testTimeout: 60_000 }
}

/**
 * One worker for all files, which share its browser, and apart from all other projects: its tests are about real time, and a
 * page that gets no processor misses it. For the same reason they may be repeated once.
 */
const browser = project("browser", "browser", "test/**/*.test.ts")
const inBrowser = {
  ...browser,
  test: {
    ...browser.test,
    fileParallelism: false,
    isolate: false,
    maxConcurrency: 6,
    testTimeout: 300_000,
    retry: 1,
    sequence: { groupOrder: 1 }
  }
}

/** The type tests under one compiler. */
const types = (name: string, compiler: string) => ({
  test: {
    name,
    include: [],
    benchmark: { include: [] },
    typecheck: {
      enabled: true,
      only: true,
      checker: join(import.meta.dirname, "node_modules", compiler, "bin/tsc"),
      // Sources are checked by `pnpm check`, under the settings that they are written for.
      ignoreSourceErrors: true,
      include: ["packages/*/test/**/*.test-d.ts"],
      tsconfig: "tsconfig.typetest.json"
    }
  }
})

// One closing line that any CI can read: "11 passed, 0 failed, 0 skipped".
// It is written as the process ends, after the coverage table, and a red run never says "0 failed".
const tally = (): Reporter => {
  let watch = false
  let passed = 0
  let failed = 0
  let skipped = 0
  const line = () => `\n${passed} passed, ${failed} failed, ${skipped} skipped\n`
  return {
    onInit(vitest) {
      watch = vitest.config.watch
      if (watch) return
      process.once("exit", (code) => {
        if (code !== 0 && failed === 0) failed = 1
        writeSync(1, line())
      })
    },
    onTestRunEnd(modules, unhandledErrors, reason) {
      passed = 0
      failed = unhandledErrors.length
      skipped = 0
      for (const module of modules) {
        // A module that does not load and a hook that throws have no test of their own to fail.
        failed += module.errors().length
        for (const suite of module.children.allSuites()) failed += suite.errors().length
        for (const test of module.children.allTests()) {
          const state = test.result().state
          if (state === "passed") passed++
          else if (state === "skipped") skipped++
          else failed++
        }
      }
      if (reason !== "passed" && failed === 0) failed = 1
      if (watch) writeSync(1, line())
    }
  }
}

export default defineConfig({
  test: {
    reporters: ["default", tally()],
    projects: [
      inPackage("core"),
      inPackage("http"),
      inPackage("testing"),
      inPackage("providers"),
      inPackage("web"),
      inPackage("react"),
      onPostgres,
      inPackage("learned"),
      inPackage("lab"),
      inPackage("scoreboard"),
      project("demo", "demo", "test/**/*.test.ts"),
      project("example", "examples/jobs", "test/**/*.test.ts"),
      inBrowser,
      project("docs", "docs", "*.test.ts"),
      project("scripts", "scripts", "test/**/*.test.ts"),
      project("typetest", "typetest", "*.test.ts"),
      types("types", "typescript"),
      types("types-5.9", "typescript-5.9"),
      types("types-6", "typescript-6")
    ],
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**"],
      reporter: ["text", "json-summary", "html"]
    }
  }
})
