// A PostgreSQL of the board's own: on loopback, with fsync, and with the statements counted by the server.
import { execFile, execFileSync } from "node:child_process"
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { freePort } from "../../durable/test/freePort.ts"

export interface Postgres {
  readonly port: number
  /** The process that is the parent of all others of the server. */
  readonly pid: number
  /** The URL of a database. */
  readonly url: (database: string) => string
  /** Runs a statement in a database, and yields its only row, as numbers. */
  readonly numbers: (database: string, sql: string) => Promise<ReadonlyArray<number>>
  /** Runs a statement in a database. */
  readonly run: (database: string, sql: string) => Promise<void>
  readonly stop: () => void
}

/** Starts a server in a folder of its own, which `stop` removes. */
export const open = async (): Promise<Postgres> => {
  const bin = binaries()
  const folder = mkdtempSync(join(tmpdir(), "scoreboard-postgres-"))
  const port = await freePort()
  // PostgreSQL refuses to run as root.
  const user = process.getuid?.() === 0 ? "postgres" : undefined
  const tool = (name: string, args: ReadonlyArray<string>) =>
    user === undefined
      ? execFileSync(join(bin, name), args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] })
      : execFileSync("runuser", ["-u", user, "--", join(bin, name), ...args], {
          cwd: folder,
          stdio: ["ignore", "ignore", "pipe"]
        })
  if (user !== undefined) chownSync(folder, idOf(user), idOf(user, "-g"))
  const data = join(folder, "data")
  tool("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "--no-sync"])
  const settings = [
    `-p ${port}`,
    `-k ${folder}`,
    "-h 127.0.0.1",
    "-c fsync=on",
    "-c max_connections=300",
    "-c shared_preload_libraries=pg_stat_statements",
    // Batches of different sizes are different statements: none of them may be dropped.
    "-c pg_stat_statements.max=50000"
  ]
  tool("pg_ctl", ["-w", "-D", data, "-l", join(folder, "log"), "-o", settings.join(" "), "start"])
  const end = () => process.exit(130)
  const stop = () => {
    process.off("exit", stop).off("SIGINT", end).off("SIGTERM", end)
    if (!existsSync(folder)) return
    try {
      tool("pg_ctl", ["-w", "-D", data, "-m", "immediate", "stop"])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }
  process.on("exit", stop).on("SIGINT", end).on("SIGTERM", end)
  const psql = async (database: string, sql: string) => {
    const args = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", String(port)]
    const { stdout } = await execute(join(bin, "psql"), [...args, "-U", "postgres", "-d", database, "-c", sql])
    return stdout
  }
  await psql("postgres", "create extension pg_stat_statements")
  return {
    port,
    pid: Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0]),
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    numbers: async (database, sql) => (await psql(database, sql)).trim().split("|").map(Number),
    run: async (database, sql) => void (await psql(database, sql)),
    stop
  }
}

// ---- internal ----

const execute = promisify(execFile)

/** The folder with the newest server's programs. */
const binaries = (): string => {
  const installed = "/usr/lib/postgresql"
  const versions = existsSync(installed) ? readdirSync(installed).toSorted((a, b) => Number(b) - Number(a)) : []
  const found = versions
    .map((version) => join(installed, version, "bin"))
    .find((bin) => existsSync(join(bin, "initdb")))
  if (found === undefined) throw new Error("PostgreSQL cannot be found (Debian: apt-get install postgresql)")
  return found
}

const idOf = (user: string, which = "-u"): number => Number(execFileSync("id", [which, user], { encoding: "utf8" }))
