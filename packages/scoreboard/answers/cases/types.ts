// E1-E3, E6: what the compilers say. All files of a compiler are compiled at once.
import type { Case } from "../case.ts"
import { type Compiled, compile, compilers, type Source } from "../compiler.ts"

const waits = "Poll.until(check, options), Poll.run(job, true, options)"

const tasks = `const Tasks = Schema.Struct({ state: Schema.Literals(["busy", "done"]), url: Schema.optionalKey(Schema.String) })\n`

const sources: Readonly<Record<string, Omit<Source, "id"> & { readonly name: string }>> = {
  "E1.a": {
    name: "Effect.all of two waits has their services and errors exactly",
    code: `const both = Effect.all([${waits}])
exact<typeof both, Effect.Effect<[string, string], Ends | SubmitError | "busy", Network>>(true)`
  },
  "E1.b": {
    name: "a layer for the services of both is enough",
    code: `const both = Effect.all([${waits}]).pipe(Effect.provideService(Network, { get: "x" }))
exact<Effect.Services<typeof both>, never>(true)
export const ran: Effect.Effect<[string, string], Ends | SubmitError | "busy"> = both`
  },
  "E1.c": {
    name: "a tag that no wait fails with does not compile",
    code: `export const caught = Effect.all([${waits}]).pipe(
  Effect.catchTag("JobVanished", () => Effect.void) // !
)`,
    says: /JobVanished/
  },
  "E1.d": {
    name: "zip, forEach and a generator",
    code: `const zipped = Effect.zip(Poll.until(job, "a", options), check.pipe(Poll.until(options)))
exact<typeof zipped, Effect.Effect<[string, string], Ends, Network>>(true)
const many = Effect.forEach(["a", "b"], (key) => Poll.until(job, key, options), { concurrency: 2 })
exact<Effect.Services<typeof many>, Network>(true)
const generated = Effect.gen(function* () {
  const [first] = yield* Effect.all([Poll.until(job, "a", options)])
  return first.length
})
exact<typeof generated, Effect.Effect<number, Ends, Network>>(true)`
  },
  "E1.e": {
    name: "the waits of a Poller inside Effect.all",
    code: `declare const poller: Poller.Service
const both = Effect.all([poller.until(job, "a", options), poller.until(job, "b", options)])
exact<typeof both, Effect.Effect<[string, string], Ends, Network>>(true)`
  },
  "E2.a": {
    name: "an Effect that yields a text",
    code: `export const wait = Poll.until(Effect.succeed("done"), options) // !`,
    says: /Status|CheckResult/
  },
  "E2.b": {
    name: "a promise",
    code: `export const wait = Poll.until(Promise.resolve(Status.pending()), options) // !`,
    says: /Effect|Status|CheckResult/
  },
  "E2.c": {
    name: "a function that makes a check",
    code: `export const wait = Poll.until(() => check, options) // !`,
    says: /Effect|Status|CheckResult/
  },
  "E2.d": {
    name: "a Schema in place of a check",
    code: `${tasks}export const wait = Poll.until(Tasks, options) // !`,
    says: /Effect|Status|CheckResult/
  },
  "E2.e": {
    name: "a Job whose check yields undefined",
    code: `export const wrong = Job.make("render", { check: (_id: string) => Effect.void }) // !`,
    says: /Status|CheckResult/
  },
  "E3.a": {
    name: "a misspelt case",
    code: `${tasks}export const wrong = StatusSchema.fromField(Tasks, "state", { busy: Status.pending(), doen: Status.succeeded() }) // !`,
    says: /doen|done/
  },
  "E3.b": {
    name: "a field that the payload lacks",
    code: `${tasks}export const wrong = StatusSchema.fromField(Tasks, "status", { busy: Status.pending(), done: Status.succeeded() }) // !`,
    says: /"?status"?/
  },
  "E3.c": {
    name: "the Schema of a payload where one of a status is wanted",
    code: `${tasks}export const wrong = HttpCheck.get("https://api.example/jobs/1", Tasks) // !`,
    says: /Status|CheckResult/
  },
  "E3.d": {
    name: "a Job without submit in Poll.run",
    code: `const Render = Job.make("render", { check: (_id: string) => Effect.succeed(Status.succeeded("x")) })
export const wrong = Poll.run(Render, "scene", options) // !`,
    says: /submit|never/
  },
  "E3.e": {
    name: "keys that are no strings, without a codec",
    code: `export const wrong = Job.make("render", { check: (_id: number) => Effect.succeed(Status.succeeded("x")) }) // !`,
    says: /key|number/
  }
}

const hoverCode = `export const a = Poll./*^*/until(check, options)
export const b = Poll./*^*/until(job, "a", options)
export const c = check.pipe(Poll./*^*/until(options))
export const d = Poll./*^*/start(job, "a", options)
export const e = Poll./*^*/events(check, options)
export const f = Job./*^*/make("x", { check: (_id: string) => Effect.succeed(Status.succeeded("x")) })
export const g = Status./*^*/succeeded("x")
export const h = StatusSchema./*^*/within(StatusSchema.fromField(Schema.Struct({ s: Schema.Literals(["a"]) }), "s", { a: Status.pending() }), "x")
export const i = Status./*^*/withState(Status.pending(), "x")`

const known = new Map<string, Promise<Compiled>>()

/** Compiled once, whichever case asks first. */
const compiled = (compiler: (typeof compilers)[number]): Promise<Compiled> => {
  const all: Array<Source> = []
  for (const [id, source] of Object.entries(sources)) all.push({ id, ...source })
  const found = known.get(compiler) ?? compile(compiler, all, hoverCode)
  known.set(compiler, found)
  return found
}

const hover = (id: string, name: string, compiler: "typescript-6" | "typescript-5.9", lines: RegExp): Case => ({
  id,
  name,
  where: "types",
  run: async () => {
    const found = [...(await compiled(compiler)).hovers].filter(([line]) => lines.test(line))
    if (found.length === 0) return "no hover was tried"
    const empty = found.find(([, documentation]) => documentation.length < 20)
    return empty === undefined ? undefined : `the hover of \`${empty[0]}\` shows ${JSON.stringify(empty[1])}`
  }
})

export const types: ReadonlyArray<Case> = [
  ...Object.entries(sources).map(([id, { name }]): Case => ({
    id,
    name,
    where: "types",
    run: async () => {
      for (const compiler of compilers) {
        const complaint = (await compiled(compiler)).complaints.get(id)
        if (complaint !== undefined) return `${compiler}: ${complaint}`
      }
      return undefined
    }
  })),
  hover("E6.a", "Poll's overloads in TypeScript 5.9", "typescript-5.9", /Poll\./),
  hover("E6.b", "Poll's overloads in TypeScript 6", "typescript-6", /Poll\./),
  hover("E6.c", "Job.make and the statuses in TypeScript 5.9", "typescript-5.9", /^export const [fgi] =/),
  hover("E6.d", "Job.make and the statuses in TypeScript 6", "typescript-6", /^export const [fgi] =/),
  hover("E6.e", "dual functions of StatusSchema", "typescript-5.9", /StatusSchema\./)
]
