import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { InputFailed, type InputRequest, InputRequired, InvalidAnswer } from "../../McpTaskError.ts"
import { maxInputs } from "./task.ts"

// The responses to tasks that ask for input.

/** Responds to the requests for input of all tasks of a job. */
export interface InputResponder<out E> {
  /** Starts the handler for each new request, and yields the responses that are ready to be sent. */
  readonly respond: (
    taskId: string,
    requests: ReadonlyArray<InputRequest>
  ) => Effect.Effect<ReadonlyArray<InputResponse>, E | InvalidAnswer>
  /** The task asks for nothing at present. */
  readonly idle: (taskId: string) => void
  /** The task has ended: its handlers are interrupted. */
  readonly close: (taskId: string) => void
}

/** A response to be sent; `sent` marks it as sent. */
export interface InputResponse {
  readonly key: string
  readonly value: unknown
  readonly sent: () => void
}

/** Without a handler: a request for input fails the check, or is only reported. */
export const withoutHandler = (input: "fail" | "report"): InputResponder<InputRequired> => ({
  respond: (taskId, requests) =>
    input === "report" ? Effect.succeed([]) : Effect.fail(new InputRequired({ taskId, requests })),
  idle: () => {},
  close: () => {}
})

/** With a handler, which runs in a fiber of its own for each request; `fork` starts it. */
export const withHandler = <E>(
  fork: (request: InputRequest) => Effect.Effect<Fiber.Fiber<unknown, E>>
): InputResponder<InputFailed<E>> => {
  const tasks = new Map<string, Map<string, Handling<E>>>()
  return {
    respond: Effect.fnUntraced(function* (taskId: string, requests: ReadonlyArray<InputRequest>) {
      const all = tasks.get(taskId) ?? new Map<string, Handling<E>>()
      tasks.set(taskId, all)
      const ready: Array<InputResponse> = []
      for (const request of requests) {
        const handling = all.get(keyOf(request))
        if (handling === undefined) {
          yield* roomFor(all)
          yield* Effect.uninterruptible(handle(all, request, fork))
        } else if (handling.exit !== undefined && !handling.sent) {
          ready.push(yield* responseOf(handling, handling.exit))
        }
      }
      return ready
    }),
    idle: (taskId) => {
      // A request without a key may come again, as another one.
      const all = tasks.get(taskId)
      if (all?.get(noKey)?.exit !== undefined) all.delete(noKey)
    },
    close: (taskId) => {
      for (const { fiber } of tasks.get(taskId)?.values() ?? []) fiber.interruptUnsafe()
      tasks.delete(taskId)
    }
  }
}

// ---- internal ----

/** One run of the handler. */
interface Handling<E> {
  readonly fiber: Fiber.Fiber<unknown, E>
  readonly request: InputRequest
  exit: Exit.Exit<unknown, E> | undefined
  sent: boolean
}

/** The key of the only request of a task that does not say what it asks for (2025-11-25). */
const noKey = ""

const keyOf = ({ key }: InputRequest): string => key ?? noKey

/** Starts the handler of a request. */
const handle = <E>(
  all: Map<string, Handling<E>>,
  request: InputRequest,
  fork: (request: InputRequest) => Effect.Effect<Fiber.Fiber<unknown, E>>
): Effect.Effect<void> =>
  Effect.map(fork(request), (fiber) => {
    const handling: Handling<E> = { fiber, request, exit: undefined, sent: false }
    fiber.addObserver((exit) => {
      handling.exit = exit
    })
    all.set(keyOf(request), handling)
  })

/** A server that asks for other input at each check must not start handlers without end. */
const roomFor = <E>(all: ReadonlyMap<string, Handling<E>>): Effect.Effect<void, InvalidAnswer> => {
  let running = 0
  for (const { exit } of all.values()) if (exit === undefined) running++
  if (running < maxInputs && all.size < maxKeys) return Effect.void
  const limit = running < maxInputs ? `${maxKeys} inputRequests of one task` : `${maxInputs} open inputRequests`
  return Effect.fail(new InvalidAnswer({ method: "tasks/get", kind: "excessive", issue: `Expected at most ${limit}` }))
}

/** How many requests for input a task may make in all. */
const maxKeys = 1_024

/** The response of a handler that has ended: a typed error becomes `InputFailed`, a defect stays one. */
const responseOf = <E>(
  handling: Handling<E>,
  exit: Exit.Exit<unknown, E>
): Effect.Effect<InputResponse, InputFailed<E>> => {
  const { request } = handling
  return Effect.map(
    Effect.mapError(exit, (error) => new InputFailed({ request, error })),
    (value) => ({
      key: keyOf(request),
      value,
      sent: () => {
        handling.sent = true
      }
    })
  )
}
