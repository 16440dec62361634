// `pnpm scoreboard <table>`: ours and other pollers side by side, in one run.
import { execFileSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import * as answers from "./answers/board.ts"
import { page as answersPage } from "./answers/document.ts"
import { peers as answersPeers } from "./answers/peer.ts"
import * as board from "./conformance/board.ts"
import { page } from "./conformance/document.ts"
import * as efficiency from "./efficiency/board.ts"
import { engines, isPeer } from "./engine/engines.ts"
import * as jobs from "./engine/jobs.ts"
import * as loops from "./engine/measure.ts"
import * as fleet from "./fleet/board.ts"
import * as laws from "./laws/board.ts"
import { installPeers } from "./peers.ts"
import { update } from "./peers/update.ts"
import * as signals from "./signals/board.ts"

const usage = `usage: pnpm scoreboard <table> [options]
  engine       the cost of a check and of a wait: the loops of \`loops\`, then many jobs at once, ours and the peers'
    --n N        jobs at once (100000)
    --mixed      run all other rows on Effect in each row's process first, as in a program with many kinds of effects
    --rows a,b   only these rows: ${Object.keys(engines).join(", ")}
  loops        the cost of a check in ours, in effect's repeat and in a hand-written loop
    --waits N    (1000)
    --checks N   (100)
  conformance  how ours and other pollers behave in the cases that matter
    --rows a,b   only these pollers
    --cases text only cases whose name contains this
    --runs N     judge each poller N times; all runs must agree (1)
    --write      write docs/conformance.md; needs all pollers and all cases
  http         the cost of a check over HTTP: bare clients, the same Effect by hand, and HttpCheck
    --checks N   per row and round (2000)
    --lanes N    checks under way at a time (1)
  answers      what is made of the answers of real servers, of hostile ones, and of random ones
    --seed N     the seed of the random answers (1)
    --answers N  how many of them (10000)
    --only text  only the cases whose id begins with this
    --write      write docs/answers.md; needs all cases
  laws         waits of random worlds, in every host and cut by tokens, against a reference of the rules
    --seed N     the seed of the worlds (1)
    --worlds N   how many of them (20000)
    --only N     only the world of this index
  fleet        how a Poller behaves under attack: hung neighbours, storms of deadlines, closing, rate limits
    --rows a,b   only these rows: ${fleet.names.join(", ")}
  signals      what signals and webhooks save beside polling, what becomes of lost ones, and a receiver under attack
    --rows a,b   only these rows: ${signals.names.join(", ")}
  efficiency   requests and lag of strategies, published and learned, divided by those of the best possible schedule
    --rows a,b   only these parts: ${efficiency.names.join(", ")}; fleetOthers only if named
    --ci FILE    the durations of CI runs, as JSON: seconds by kind of job
  web          what pages ask a server for, in Chromium: a loop by hand, SWR, TanStack Query and effect-poll
    --rows a,b   only these rows
  durable      what a durable wait costs in PostgreSQL, ours and the peers', and what becomes of it when processes die
    --parts a,b  only these parts: ours, peers, kills, budget
  protocols    the long-running operations of Azure's test server, with ours and with core-lro
  peers        install the newest release of each peer, and store the dates of the releases
  engine, loops, http, web
    --rounds N   measure each row N times
  all
    --json       print the figures as JSON in the last line
    --help       print this`

const fail = (message: string): never => {
  console.error(`scoreboard: ${message}\n${usage}`)
  process.exit(2)
}

const count = (name: string, text: string): number => {
  const value = Number(text)
  return Number.isInteger(value) && value > 0 ? value : fail(`--${name} must be a positive whole number, got ${text}`)
}

const read = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        n: { type: "string", default: "100000" },
        rows: { type: "string" },
        parts: { type: "string" },
        waits: { type: "string", default: "1000" },
        checks: { type: "string" },
        lanes: { type: "string", default: "1" },
        rounds: { type: "string" },
        mixed: { type: "boolean", default: false },
        cases: { type: "string", default: "" },
        runs: { type: "string", default: "1" },
        write: { type: "boolean", default: false },
        seed: { type: "string", default: "1" },
        answers: { type: "string", default: "10000" },
        worlds: { type: "string", default: "20000" },
        only: { type: "string", default: "" },
        ci: { type: "string" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    })
  } catch (cause) {
    return fail(cause instanceof Error ? cause.message : String(cause))
  }
}

const { positionals, values } = read()
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const rounds = values.rounds === undefined ? undefined : count("rounds", values.rounds)

/** Writes a page of the documentation. */
const document = (name: string, text: string): void => {
  const file = fileURLToPath(new URL(`../../docs/${name}`, import.meta.url))
  writeFileSync(file, text)
  execFileSync(fileURLToPath(new URL("../../node_modules/.bin/oxfmt", import.meta.url)), [file])
}

const loopTable = async (defaultRounds: number) => {
  const size = { waits: count("waits", values.waits), checks: count("checks", values.checks ?? "100") }
  const rows = await loops.measure(size, rounds ?? defaultRounds)
  loops.print(size, rows)
  return rows
}

/** The requested rows, without those whose peers could not be installed. */
const rowNames = async (
  known: ReadonlyArray<string>,
  isPeer: (name: string) => boolean,
  folder?: URL
): Promise<ReadonlyArray<string>> => {
  const names = values.rows?.split(",") ?? known
  for (const name of names)
    if (!known.includes(name)) fail(`--rows: unknown row ${name}, known are ${known.join(", ")}`)
  const problem = names.some(isPeer) ? await installPeers(folder) : undefined
  if (problem === undefined) return names
  console.error(problem)
  return names.filter((name) => !isPeer(name))
}

/** A table of rows with aims. */
const rowTable = async ({ names, print, run, summary }: Pick<typeof fleet, "names" | "print" | "run" | "summary">) => {
  const wanted = values.rows?.split(",") ?? names
  for (const name of wanted)
    if (!names.includes(name)) fail(`--rows: unknown row ${name}, known are ${names.join(", ")}`)
  const measured = await run(wanted, (what) => console.error(what))
  print(measured)
  // A miss is a finding. A row that could not be measured is a bug.
  if (measured.some(({ problem }) => problem !== undefined)) process.exitCode = 1
  return summary(measured)
}

const tables: Record<string, () => Promise<unknown>> = {
  conformance: async () => {
    const peers = new Set(board.pollers.filter(({ peer }) => peer).map(({ name }) => name))
    const all = board.pollers.map(({ name }) => name)
    const names = await rowNames(all, (name) => peers.has(name))
    const judged = await board.judge(names, {
      runs: count("runs", values.runs),
      only: values.cases,
      tell: (name) => console.error(name)
    })
    board.print(judged)
    if (values.write) {
      if (names.length < all.length || values.cases !== "") fail("--write needs all pollers and all cases")
      document("conformance.md", page(judged))
    }
    // For the other pollers a failed case is a finding; for ours it is a bug.
    const broken = judged.filter(({ name }) => name.startsWith("effect-poll ")).some((one) => board.tally(one).fail > 0)
    if (broken) process.exitCode = 1
    const pollers = Object.fromEntries(judged.map((one) => [one.name, board.tally(one)]))
    return { cases: Object.keys(judged[0]?.outcomes ?? {}).length, pollers }
  },
  answers: async () => {
    const problem = await installPeers()
    if (problem !== undefined) console.error(problem)
    const board = await answers.run({
      seed: count("seed", values.seed),
      answers: count("answers", values.answers),
      only: values.only,
      peers: problem === undefined && values.only === "" ? answersPeers : []
    })
    answers.print(board)
    if (values.write) {
      if (values.only !== "" || problem !== undefined) fail("--write needs all cases and the peers")
      document("answers.md", answersPage(board))
    }
    if (!answers.holds(board)) process.exitCode = 1
    return answers.summary(board)
  },
  peers: async () => {
    const released = update()
    for (const [name, { date, version }] of Object.entries(released)) console.log(`${name} ${version} (${date})`)
    return released
  },
  laws: async () => {
    const only = values.only === "" ? undefined : Number(values.only)
    if (only !== undefined && !(Number.isInteger(only) && only >= 0))
      fail(`--only must be an index, got ${values.only}`)
    const board = await laws.run({ seed: count("seed", values.seed), worlds: count("worlds", values.worlds), only })
    laws.print(board)
    if (only === undefined ? !laws.holds(board) : board.differences > 0) process.exitCode = 1
    return laws.summary(board)
  },
  fleet: () => rowTable(fleet),
  signals: () => rowTable(signals),
  efficiency: async () => {
    const { ci, rows } = values
    const wanted = rows?.split(",") ?? efficiency.usual
    for (const name of wanted) {
      if (!efficiency.names.includes(name))
        fail(`--rows: unknown row ${name}, known are ${efficiency.names.join(", ")}`)
    }
    const figures = await efficiency.run(wanted, { ci, tell: (what) => console.error(what) })
    efficiency.print(figures)
    return efficiency.summary(figures)
  },
  // Loaded on demand: it needs the browser's client.
  web: async () => {
    const web = await import("./web/board.ts")
    const names = await rowNames(web.names, web.isPeer, web.peers)
    const measured = await web.run(names, rounds ?? 3, (what) => console.error(what))
    web.print(measured)
    // A miss is a finding. A row that could not be measured is a bug.
    if (measured.some(({ problem }) => problem !== undefined)) process.exitCode = 1
    return web.summary(measured)
  },
  // Loaded on demand: it needs clients of PostgreSQL.
  durable: async () => {
    const { parts, print, run, summary } = await import("./durable/board.ts")
    const wanted = values.parts?.split(",") ?? parts
    const known = parts.filter((part) => wanted.includes(part))
    if (known.length < wanted.length) fail(`--parts: known are ${parts.join(", ")}, got ${values.parts}`)
    const measured = await run(known, (what) => console.error(what))
    print(measured)
    // A miss is a finding. What could not be measured is a bug.
    if (measured.some(({ problem }) => problem !== undefined)) process.exitCode = 1
    return summary(measured)
  },
  // Loaded on demand: it starts a server.
  protocols: async () => (await import("./protocols/azure.ts")).run(),
  // Loaded on demand: it needs the clients.
  http: async () => {
    const { measure, print } = await import("./http/measure.ts")
    const options = {
      rounds: rounds ?? 9,
      checks: count("checks", values.checks ?? "2000"),
      lanes: count("lanes", values.lanes)
    }
    const rows = await measure(options)
    print(options, rows)
    return { rows }
  },
  loops: async () => {
    const rows = await loopTable(7)
    return { n: count("waits", values.waits), rows }
  },
  engine: async () => {
    const n = count("n", values.n)
    const names = await rowNames(Object.keys(engines), isPeer)
    const perCheck = values.rows === undefined ? await loopTable(3) : []
    const rows = await jobs.measure(names, n, rounds, values.mixed)
    jobs.print(n, rows)
    // Adds the cost of a single check, from the first table, to the row.
    const loopOf = new Map(perCheck.map((row) => [row.name, row]))
    const withLoop: Array<jobs.Row & { readonly loop?: loops.Row | undefined }> = []
    for (const row of rows) withLoop.push({ ...row, loop: loopOf.get(row.name) })
    return { n, rows: withLoop }
  }
}

const table = positionals.length === 1 ? tables[positionals[0]!] : undefined
const result = await (table ?? (() => fail(`unknown table ${positionals.join(" ") || "(none)"}`)))()
if (values.json) console.log(JSON.stringify(result))
