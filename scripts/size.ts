/**
 * What a browser has to load: each entry of scripts/size bundled by esbuild, minified and gzipped, effect included.
 *
 * Fails where an entry is larger than it may be, and where the table of the guide has other figures; `--write` updates
 * the table.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { build } from "esbuild"

/** An entry of scripts/size, the imports that the guide names it by, and how large it may be, in KiB. */
interface Entry {
  readonly name: string
  readonly imports: string
  readonly limit?: number
}

const entries: ReadonlyArray<Entry> = [
  { name: "strategy", imports: "`Strategy`", limit: 15 },
  { name: "until", imports: "`Poll.until`, `Status`, `Strategy.spaced`", limit: 40 },
  { name: "poll", imports: "`Poll`, `Status`, `Strategy`", limit: 48 },
  { name: "promise", imports: "`promise`, `Status`, `Strategy`" },
  { name: "poller", imports: "`Poller`, `Status`, `Strategy`" },
  { name: "status-schema", imports: "`Poll`, `Status`, `Strategy`, `StatusSchema`", limit: 64 },
  { name: "http", imports: "the same, `HttpCheck` and `FetchHttpClient`" },
  { name: "web", imports: "`PollStore.make`, `Job.make`, `Status`", limit: 51 },
  { name: "react", imports: "`usePoll`, `PollProvider`, `Job.make`, `Status`", limit: 53 },
  { name: "react-poller", imports: "the same, and `Poller.make`", limit: 77 },
  { name: "react-schema", imports: "`usePoll`, `PollProvider`, `Job.make`, `StatusSchema.fromField`" }
]

/** The size of a bundle: in bytes as it is loaded, and as a share of effect from 0 to 1. */
export interface Size {
  readonly minified: number
  readonly gzipped: number
  readonly effect: number
}

export const sizeOf = async (name: string): Promise<Size> => {
  const { metafile, outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "size", `${name}.ts`)],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2023",
    metafile: true,
    // A page has one React, for all that it shows.
    external: ["react"],
    write: false,
    outdir: "out",
    logLevel: "error"
  })
  const { contents } = outputFiles[0]!
  const inputs = Object.entries(Object.values(metafile.outputs)[0]!.inputs)
  const bytes = (some: typeof inputs) => some.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
  return {
    minified: contents.length,
    gzipped: gzipSync(contents, { level: 9 }).length,
    effect: bytes(inputs.filter(([file]) => file.includes("node_modules/effect/"))) / bytes(inputs)
  }
}

/** The table of the guide: whole KiB, so that it changes only when a size does. */
export const tableOf = (sizes: ReadonlyArray<readonly [imports: string, size: Size]>): string => {
  const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`
  const rows = [
    ["you import", "minified", "gzipped", "of that, effect"],
    ...sizes.map(([imports, { effect, gzipped, minified }]) => [
      imports,
      kib(minified),
      kib(gzipped),
      `${Math.round(effect * 100)} %`
    ])
  ]
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  const padded = rows.map((row) => line(row.map((cell, at) => cell.padEnd(widths[at]!))))
  return [padded[0], line(widths.map((width) => "-".repeat(width))), ...padded.slice(1)].join("\n")
}

/** The page with this table in place of the one after the heading "Bundle sizes". */
export const withTable = (page: string, table: string): string => {
  const replaced = page.replace(/(## Bundle sizes\n[^|]*)(?:\|.*\n)+/, (_, before: string) => `${before}${table}\n`)
  if (!replaced.includes(table)) throw new Error("the page has no table of bundle sizes")
  return replaced
}

const main = async (isWriting: boolean): Promise<void> => {
  let failed = false
  const sizes: Array<readonly [string, Size]> = []
  for (const { imports, limit, name } of entries) {
    const size = await sizeOf(name)
    sizes.push([imports, size])
    const kib = size.gzipped / 1024
    const tooLarge = limit !== undefined && kib > limit
    failed ||= tooLarge
    const most = limit === undefined ? "" : ` of ${limit} KiB${tooLarge ? "  TOO LARGE" : ""}`
    console.log(`${name.padEnd(14)} ${kib.toFixed(1).padStart(5)} KiB${most}`)
  }
  const guide = join(import.meta.dirname, "../docs/guide/14-runtimes.md")
  const page = readFileSync(guide, "utf8")
  const current = withTable(page, tableOf(sizes))
  if (isWriting) writeFileSync(guide, current)
  else if (current !== page) {
    failed = true
    console.log("docs/guide/14-runtimes.md has other sizes: run `node scripts/size.ts --write`")
  }
  if (failed) process.exitCode = 1
}

if (import.meta.main) await main(process.argv.includes("--write"))
