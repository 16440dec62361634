import type { Adapter } from "../adapter.ts"

/** A file of adapters. */
export interface Entry {
  readonly names: ReadonlyArray<string>
  /** Whether it needs the peers' packages. */
  readonly peer: boolean
  readonly load: () => Promise<ReadonlyArray<Adapter>>
}

/** Loaded one at a time, in a process of its own, after the clock has been put under it. */
export const entries: ReadonlyArray<Entry> = [
  {
    names: ["effect-poll until", "effect-poll start", "effect-poll promise", "effect-poll poller"],
    peer: false,
    load: async () => (await import("./effect-poll.ts")).adapters
  },
  { names: ["effect-poll durable"], peer: false, load: async () => (await import("./durable.ts")).adapters },
  { names: ["effect repeat"], peer: false, load: async () => (await import("./effect.ts")).adapters },
  { names: ["@azure/core-lro"], peer: true, load: async () => (await import("./core-lro.ts")).adapters() },
  {
    names: ["@smithy/util-waiter", "p-wait-for"],
    peer: true,
    load: async () => (await import("./waiters.ts")).adapters()
  },
  {
    names: ["p-retry", "async-retry", "cockatiel"],
    peer: true,
    load: async () => (await import("./retries.ts")).adapters()
  },
  {
    names: ["openai", "replicate wait", "replicate run"],
    peer: true,
    load: async () => (await import("./clients.ts")).adapters()
  },
  {
    names: ["rxjs", "@tanstack/query-core", "google-gax"],
    peer: true,
    load: async () => (await import("./streams.ts")).adapters()
  }
]
