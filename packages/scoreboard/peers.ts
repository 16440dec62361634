// The peers' packages, installed on demand into folders that have a lock file of their own.
import { execFile } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { load } from "./peers/load.ts"
import type { Release } from "./peers/update.ts"

const folder = new URL("peers/", import.meta.url)

const json = (path: string, from = folder): unknown => JSON.parse(readFileSync(new URL(path, from), "utf8"))

const pinnedIn = (from: URL) =>
  (json("package.json", from) as { readonly dependencies: Record<string, string> }).dependencies

/** The version that a peer is pinned to. */
export const versionOf = (name: string, from = folder): string => pinnedIn(from)[name] ?? "?"

/** The releases of the peers and of effect, as `pnpm scoreboard peers` found them. */
export const released = json("released.json") as Readonly<Record<string, Release>>

/** Whether every peer is installed in its pinned version. */
export const installed = (from = folder): boolean =>
  Object.entries(pinnedIn(from)).every(([name, version]) => {
    const manifest = `node_modules/${name}/package.json`
    return existsSync(new URL(manifest, from)) && (json(manifest, from) as { version: string }).version === version
  })

/** Installs the peers unless they are installed; returns the reason if that fails. */
export const installPeers = async (from = folder): Promise<string | undefined> => {
  if (installed(from)) return undefined
  console.error("installing the peers' packages (npm ci, once)")
  try {
    await promisify(execFile)("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd: fileURLToPath(from),
      shell: process.platform === "win32"
    })
    return undefined
  } catch (cause) {
    const { message, stderr } = cause as { readonly message: string; readonly stderr?: string }
    const reason = (stderr ?? "").split("\n").find((line) => line.startsWith("npm error")) ?? message.split("\n")[0]!
    return `the peers' packages could not be installed, their rows are omitted: ${reason}`
  }
}

/** Loads a module of a peer. Its types are written by hand where it is used: compiling does not need the package. */
export const peer = async <A>(name: string): Promise<A> => (await load(name)) as A
