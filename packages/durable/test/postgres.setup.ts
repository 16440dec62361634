/** Starts one PostgreSQL for all tests of this package. It ends with the run, however the run ends. */
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { freePort } from "./freePort.ts"

declare module "vitest" {
  interface ProvidedContext {
    readonly durablePostgres: { readonly port: number } | { readonly missing: string }
  }
}

const versions = "/usr/lib/postgresql"

const binaries = (): string | undefined =>
  existsSync(versions)
    ? readdirSync(versions)
        .map((version) => join(versions, version, "bin"))
        .findLast((bin) => existsSync(join(bin, "initdb")))
    : undefined

// Its input is a pipe from this process, which the system closes when this process is gone, be it killed.
const keeper = `
"$PG_BIN/initdb" -D "$PG_DATA/data" -A trust -U postgres -E UTF8 --no-sync >"$PG_DATA/log" 2>&1 &&
"$PG_BIN/pg_ctl" -D "$PG_DATA/data" -w -l "$PG_DATA/log" -o "-p $PG_PORT -k $PG_DATA -h 127.0.0.1 \
  -c max_connections=300 -c fsync=off" start >>"$PG_DATA/log" 2>&1 && echo ready || tail -n 5 "$PG_DATA/log"
echo .
exec >/dev/null 2>&1
cat >/dev/null
"$PG_BIN/pg_ctl" -D "$PG_DATA/data" -m immediate stop
rm -rf "$PG_DATA"
`

const start = async (): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> => {
  const bin = binaries()
  if (bin === undefined) throw new Error(`no initdb below ${versions}`)
  const port = await freePort()
  const data = mkdtempSync(join(tmpdir(), "effect-poll-durable-"))
  // The server does not run as root.
  const isRoot = userInfo().uid === 0
  if (isRoot) execFileSync("chown", ["postgres:", data])
  const asPostgres = isRoot ? ["-u", "postgres", "--", "sh"] : []
  const child = spawn(isRoot ? "runuser" : "sh", [...asPostgres, "-c", keeper], {
    cwd: data,
    detached: true,
    env: { ...process.env, PG_BIN: bin, PG_DATA: data, PG_PORT: String(port) },
    stdio: ["pipe", "pipe", "ignore"]
  })
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  const said = await new Promise<string>((resolve, reject) => {
    let text = ""
    child.once("error", reject)
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString()
      if (text.endsWith("\n.\n")) resolve(text.slice(0, -3))
    })
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)))
  })
  const stop = () => {
    child.stdin.end()
    return exited
  }
  if (said === "ready") return { port, stop }
  await stop()
  throw new Error(said)
}

export default async (project: TestProject): Promise<(() => Promise<void>) | undefined> => {
  try {
    const { port, stop } = await start()
    project.provide("durablePostgres", { port })
    return stop
  } catch (error) {
    project.provide("durablePostgres", { missing: error instanceof Error ? error.message : String(error) })
    return undefined
  }
}
