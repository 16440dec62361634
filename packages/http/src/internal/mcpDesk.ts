import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { InputFailed, type InputRequest, InputRequired } from "../McpTaskError.ts"

// Where the requests of tasks for input are answered.

export interface Desk<out E> {
  /** Begins to answer what is new, and yields what is ready to be sent. */
  readonly meet: (taskId: string, requests: ReadonlyArray<InputRequest>) => Effect.Effect<ReadonlyArray<Ready>, E>
  /** The task does not ask any more, for now. */
  readonly leave: (taskId: string) => void
  /** The task has ended: nobody needs to answer. */
  readonly close: (taskId: string) => void
}

/** An answer to be sent. */
export interface Ready {
  readonly key: string
  readonly response: unknown
  readonly sent: () => void
}

/** A desk where nobody answers: it fails, or leaves the task alone. */
export const unattended = (input: "fail" | "report"): Desk<InputRequired> => ({
  meet: (taskId, requests) =>
    input === "report" ? Effect.succeed([]) : Effect.fail(new InputRequired({ taskId, requests })),
  leave: () => {},
  close: () => {}
})

/** A desk where each request is answered by a fiber of its own beside the wait; `begin` forks it. */
export const make = <E>(
  begin: (request: InputRequest) => Effect.Effect<Fiber.Fiber<unknown, E>>
): Desk<InputFailed<E>> => {
  const tasks = new Map<string, Map<string, Answering<E>>>()

  const answer = (all: Map<string, Answering<E>>, key: string, request: InputRequest) =>
    Effect.map(begin(request), (fiber) => {
      const answering: Answering<E> = { fiber, request, exit: undefined, sent: false }
      fiber.addObserver((exit) => {
        answering.exit = exit
      })
      all.set(key, answering)
    })

  return {
    meet: Effect.fnUntraced(function* (taskId: string, requests: ReadonlyArray<InputRequest>) {
      const all = tasks.get(taskId) ?? new Map<string, Answering<E>>()
      tasks.set(taskId, all)
      const ready: Array<Ready> = []
      for (const request of requests) {
        const key = keyOf(request)
        const answering = all.get(key)
        if (answering === undefined) yield* Effect.uninterruptible(answer(all, key, request))
        else if (answering.exit !== undefined && !answering.sent) {
          ready.push({
            key,
            response: yield* responseOf(answering, answering.exit),
            sent: () => {
              answering.sent = true
            }
          })
        }
      }
      return ready
    }),
    leave: (taskId) => {
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

interface Answering<E> {
  readonly fiber: Fiber.Fiber<unknown, E>
  readonly request: InputRequest
  exit: Exit.Exit<unknown, E> | undefined
  sent: boolean
}

/** Stands for the one request of a task that does not say what it asks for. */
const noKey = ""

const keyOf = ({ key }: InputRequest): string => key ?? noKey

/** The response, or why there is none: a typed error as `InputFailed`, a defect as it is. */
const responseOf = <E>(
  { request }: Answering<E>,
  exit: Exit.Exit<unknown, E>
): Effect.Effect<unknown, InputFailed<E>> => Effect.mapError(exit, (error) => new InputFailed({ request, error }))
