// Pollers that call a condition until it holds.
import { peer } from "../../peers.ts"
import { type Adapter, type Ended, given, set } from "../adapter.ts"
import { askOwn, type Body, end, isPending, resultOf } from "./caller.ts"

const pWaitFor = async (): Promise<Adapter> => {
  const { default: waitFor } = await peer<{
    readonly default: ((condition: () => Promise<unknown>, options: object) => Promise<unknown>) & {
      readonly resolveWith: (value: unknown) => unknown
    }
  }>("p-wait-for")
  return {
    name: "p-wait-for",
    packages: ["p-wait-for"],
    how: "interval, timeout, signal; the signal is passed to the request too; the result by `resolveWith`, a failed job throws",
    features: set("deadline", "abort", "signal", "failures"),
    wait: ({ deadline, signal, ...setup }) => {
      const condition = async () => {
        const body = await askOwn(setup.server, signal)
        return isPending(body) ? false : waitFor.resolveWith(resultOf(body))
      }
      const options = given({ ...setup }, { interval: setup.interval, timeout: deadline, signal })
      return end(waitFor(condition, options), signal, ["TimeoutError"])
    }
  }
}

interface WaiterResult {
  readonly state: string
  readonly reason?: unknown
}

const smithy = async (): Promise<Adapter> => {
  const { checkExceptions, createWaiter } = await peer<{
    readonly createWaiter: (
      options: object,
      input: object,
      acceptor: (client: unknown, input: object) => Promise<WaiterResult>
    ) => Promise<WaiterResult>
    readonly checkExceptions: (result: WaiterResult) => WaiterResult
  }>("@smithy/util-waiter")
  return {
    name: "@smithy/util-waiter",
    packages: ["@smithy/util-waiter"],
    how: "`createWaiter` with minDelay, maxDelay, maxWaitTime and abortSignal, then `checkExceptions`, as the AWS SDK does; the signal is passed to the request too",
    features: set("deadline", "abort", "signal", "states", "failures", "backoff", "jitter", "waiter"),
    wait: async (setup): Promise<Ended> => {
      const { backoff, deadline, interval, server, signal } = setup
      const cap = backoff === undefined ? interval : backoff.cap
      if (deadline === undefined) throw new Error("maxWaitTime is required by its types")
      const options = {
        client: {},
        maxWaitTime: deadline / 1_000,
        abortSignal: signal,
        ...given(setup, {
          minDelay: interval === undefined ? undefined : interval / 1_000,
          maxDelay: cap === undefined ? undefined : cap / 1_000
        })
      }
      const acceptor = async (): Promise<WaiterResult> => {
        const body = await askOwn(server, signal)
        if (isPending(body)) return { state: "RETRY", reason: body }
        return { state: body.status === "succeeded" ? "SUCCESS" : "FAILURE", reason: body }
      }
      let result: WaiterResult | undefined
      const wait = createWaiter(options, {}, acceptor).then((given_) => checkExceptions((result = given_)).reason)
      const ended = await end(
        wait.then((body) => resultOf(body as Body)),
        signal,
        ["TimeoutError"]
      )
      return ended.tag === "error" && result?.state === "FAILURE" ? { tag: "failed", error: ended.error } : ended
    }
  }
}

export const adapters = async (): Promise<ReadonlyArray<Adapter>> => [await pWaitFor(), await smithy()]
