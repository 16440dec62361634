// What a browser has to load: each entry of scripts/size bundled by esbuild, minified and gzipped, effect included.
// Fails where an entry is larger than it may be.
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

const limits: ReadonlyArray<readonly [entry: string, kib: number]> = [
  ["strategy", 15],
  ["poll", 34],
  ["status-schema", 51]
]

let failed = false
for (const [entry, limit] of limits) {
  const { outputFiles } = await build({
    entryPoints: [new URL(`size/${entry}.ts`, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    write: false,
    logLevel: "error"
  })
  const kib = gzipSync(outputFiles[0]!.contents, { level: 9 }).length / 1024
  failed ||= kib > limit
  console.log(
    `${entry.padEnd(14)} ${kib.toFixed(1).padStart(5)} KiB of ${limit} KiB${kib > limit ? "  TOO LARGE" : ""}`
  )
}
if (failed) process.exitCode = 1
