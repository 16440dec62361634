import { join } from "node:path"
import { defineConfig } from "vitest/config"

// The tests that judge a mutant: those of the core, without the slow ones. Stryker runs them in a copy of the
// workspace; the alias keeps imports by package name inside that copy.

/** Set by `pnpm mutants --tests`. */
const tests = process.env["MUTANT_TESTS"] ?? ""

/** Set by `pnpm mutants --quick`. */
const isQuick = process.env["MUTANT_QUICK"] === "true"

/** Set by `pnpm mutants --static`: the runner of Vitest, which loads the tests anew for each mutant. */
const isStatic = process.env["MUTANT_STATIC"] === "true"

const root = join(import.meta.dirname, "../..")

export default defineConfig({
  resolve: {
    alias: [{ find: /^effect-poll\/(.+)$/, replacement: join(root, "packages/core/src/$1.ts") }]
  },
  test: {
    root: join(root, "packages/core"),
    include: tests !== "" ? tests.split(",") : isQuick ? ["test/internal/*.test.ts"] : ["test/**/*.test.ts"],
    exclude: [
      "test/**/*.live.test.ts",
      // Laws, soaks, memory and stacks: seconds each, and they cover every line.
      "test/*.laws.test.ts",
      "test/Poll.soak.test.ts",
      "test/Poller.memory.test.ts",
      "test/structure.test.ts"
    ],
    ...(isStatic ? {} : { runner: join(import.meta.dirname, "worker.ts") }),
    reporters: [{}],
    // Hangs are noticed by the worker, whatever else the machine does.
    testTimeout: isStatic ? 60_000 : 0,
    isolate: false
  }
})
