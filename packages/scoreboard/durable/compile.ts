// Compiles our ways to do the work ahead, as in a release: a process that strips types needs memory for that, and the peers
// do not have to.
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

/** Where the compiled modules are, with the names of their sources. */
export const compiled = new URL("../node_modules/.cache/durable/", import.meta.url)

export const compile = async (): Promise<void> => {
  await build({
    entryPoints: {
      child: fileURLToPath(new URL("child.ts", import.meta.url)),
      ours: fileURLToPath(new URL("subjects/ours.ts", import.meta.url)),
      memory: fileURLToPath(new URL("subjects/memory.ts", import.meta.url))
    },
    outdir: fileURLToPath(compiled),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: ["effect", "@effect/platform-node", "@effect/sql-pg"],
    logLevel: "warning"
  })
}
