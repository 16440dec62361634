import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { build } from "vite"

const root = new URL("..", import.meta.url).pathname

describe("the page", () => {
  it("build - makes a page that loads its own files only", async () => {
    const outDir = mkdtempSync(join(tmpdir(), "example-jobs-"))
    try {
      await build({ root, logLevel: "silent", build: { outDir, emptyOutDir: true } })
      const page = readFileSync(join(outDir, "index.html"), "utf8")
      const loaded = Array.from(page.matchAll(/(?:src|href)="([^"]+)"/g), ([, path]) => path!)
      assert.isAtLeast(loaded.length, 3)
      for (const path of loaded) assert.match(path, /^\/(assets\/[\w-]+\.(js|css)|icon\.svg)$/)
      const names = readdirSync(join(outDir, "assets"))
      assert.isTrue(loaded.every((path) => path === "/icon.svg" || names.includes(path.slice("/assets/".length))))
    } finally {
      rmSync(outDir, { recursive: true })
    }
  }, 60_000)
})
