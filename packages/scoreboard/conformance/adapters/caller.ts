// What a caller writes around a poller that only calls a function: the request, the meaning of its answer, and which
// errors are worth another check.
import type { Bad, Ended } from "../adapter.ts"
import type { Server } from "../server.ts"

/** The body of an answer. */
export interface Body {
  readonly status: string
  readonly result?: string | undefined
  readonly error?: { readonly code: string; readonly message: string } | undefined
}

export class HttpError extends Error {
  override readonly name = "HttpError"
  readonly status: number
  constructor(status: number) {
    super(`the server answered ${status}`)
    this.status = status
  }
}

/** The request got no answer. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost"
}

/** The typed error of a failed request. */
export const failureOf = (cause: unknown): HttpError | ConnectionLost =>
  cause instanceof HttpError ? cause : new ConnectionLost("no answer", { cause })

/** The job is not done, for pollers that only know errors. */
export class StillPending extends Error {
  override readonly name = "StillPending"
  readonly state: string
  constructor(state: string) {
    super(`the job is ${state}`)
    this.state = state
  }
}

/** The job ended without a result. */
export class JobEnded extends Error {
  override readonly name = "JobEnded"
  readonly state: string
  constructor({ error, status }: Body) {
    super(error === undefined ? `the job was ${status}` : `${error.code}: ${error.message}`)
    this.state = status
  }
}

/**
 * Checks the job for a poller that passes no signal to its function: the caller's own signal goes to the request. A
 * call after the abort is still recorded.
 */
export const askOwn = (server: Server, own: AbortSignal | undefined): Promise<Body> => {
  if (own?.aborted === true) server.late++
  return ask(server, own)
}

/** Checks the job, with the signal of the poller. An HTTP error status is an error. */
export const ask = async (server: Server, signal?: AbortSignal): Promise<Body> => {
  const { body, status } = await server.request(signal)
  if (status >= 400) throw new HttpError(status)
  return JSON.parse(body) as Body
}

export const isPending = ({ status }: Body): boolean => status === "running"

/** The result of a job that has ended; throws its failure. */
export const resultOf = (body: Body): string => {
  if (body.status !== "succeeded") throw new JobEnded(body)
  return body.result!
}

/** Checks the job and returns its result; throws as long as there is none. */
export const askForResult = async (server: Server, own?: AbortSignal): Promise<string> => {
  const body = await askOwn(server, own)
  if (isPending(body)) throw new StillPending(body.status)
  return resultOf(body)
}

/** Whether a later check may succeed. */
export const isTransient = (error: unknown): boolean =>
  !(error instanceof JobEnded) && (error instanceof HttpError ? error.status >= 500 || error.status === 429 : true)

/** The ending that an error stands for. */
export const endOfError = (error: unknown, signal?: AbortSignal, timeouts: ReadonlyArray<string> = []): Ended => {
  const tag = (): Bad => {
    const { name = "" } = (error ?? {}) as { readonly name?: string }
    if (error instanceof JobEnded) return error.state === "canceled" ? "canceled" : "failed"
    if (error instanceof StillPending) return "timeout"
    if (error instanceof HttpError && error.status === 404) return "missing"
    if (signal?.aborted === true && (error === signal.reason || abortErrors.has(name))) return "aborted"
    return timeouts.includes(name) ? "timeout" : "error"
  }
  return { tag: tag(), error }
}

/** How a promise of a result ended. */
export const end = async (
  wait: Promise<unknown>,
  signal?: AbortSignal,
  timeouts: ReadonlyArray<string> = []
): Promise<Ended> => {
  try {
    return { tag: "succeeded", value: await wait }
  } catch (error) {
    return endOfError(error, signal, timeouts)
  }
}

// ---- internal ----

const abortErrors: ReadonlySet<string> = new Set(["AbortError", "APIUserAbortError", "CancelledError"])
