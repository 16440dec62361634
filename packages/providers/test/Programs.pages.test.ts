import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { join } from "node:path"

// What the pages show is what the tests run.

const read = (...path: ReadonlyArray<string>): string => readFileSync(join(import.meta.dirname, ...path), "utf8")

describe("programs", () => {
  it.each([
    ["payment", "recipes/payments.md", "ts"],
    ["review", "recipes/reviews.md", "ts"],
    ["asyncQueue", "providers/async-queue.md", "ts no-run"],
    ["generation", "providers/generation-api.md", "ts no-run"],
    ["eventPlatform", "providers/event-platform.md", "ts no-run"],
    ["mixpeek", "providers/mixpeek.md", "ts no-run"]
  ])("%s - stands in docs/%s as it is tested", (program, page, mark) => {
    const fence = `\`\`\`${mark}\n${read("programs", `${program}.ts`)}\`\`\`\n`
    assert.isTrue(read("../../../docs", page).includes(fence), `copy programs/${program}.ts into docs/${page}`)
  })
})
