// The same situations for the pollers of other clients: each through its adapter of the conformance table, against the
// same answers in the words of its own API. Their results are measured, not asserted.
import { entries } from "../conformance/adapters/all.ts"
import { describe, Lab, span } from "../conformance/case.ts"
import type { VirtualClock } from "../conformance/clock.ts"
import type { Reply, Script } from "../conformance/server.ts"
import type { Case } from "./case.ts"
import { Lab as AnswersLab } from "./lab.ts"
import { judgeOperation } from "./peerOperation.ts"
import type { Verdicts } from "./judge.ts"

/** A situation for the pollers of other clients: of a job with a status URL, or of a long-running operation. */
export type PeerCase = PeerJob | PeerOperation

/** The server of the case itself; the operation is started by a POST to this URL. */
export interface PeerOperation {
  readonly operation: string
}

export interface PeerJob {
  readonly server: Script
  /** How the wait must end. */
  readonly ends: "succeeded" | "failed" | "canceled" | "missing" | "error"
  /** The number of checks, where it matters. */
  readonly checks?: number
  /** The least time of the wait, in milliseconds. */
  readonly atLeast?: number
}

/** The pollers that are measured beside ours. */
export const peers = ["@azure/core-lro", "openai", "replicate wait"] as const

/** Replies, the last of them for ever. */
export const replies =
  (...all: ReadonlyArray<Reply>): Script =>
  (n) =>
    all[Math.min(n, all.length) - 1]!

/** Judges a peer in the cases that apply to it. */
export const judgePeer = async (name: string, cases: ReadonlyArray<Case>, clock: VirtualClock): Promise<Verdicts> => {
  const entry = entries.find(({ names }) => names.includes(name))
  const adapter = (await entry?.load())?.find((candidate) => candidate.name === name)
  if (adapter === undefined) throw new Error(`no adapter ${name}`)
  const verdicts: Record<string, string | null> = {}
  for (const { ends, id, peer, server: handler } of cases) {
    if (peer === undefined) continue
    clock.reset()
    if ("operation" in peer) {
      if (name !== "@azure/core-lro") continue
      verdicts[id] = await judgeOperation(new AnswersLab(clock), handler!, peer.operation, ends!)
      await clock.quiet()
      continue
    }
    const lab = new Lab(adapter, clock)
    const server = lab.server(peer.server)
    // openai does not read the requested delay if it is given one of its own.
    const run = await lab.wait({ server, ...(peer.atLeast === undefined && { interval: 1_000 }) })
    verdicts[id] =
      run.ended?.tag !== peer.ends
        ? `expected ${peer.ends}, got ${describe(run.ended)} after ${server.count} requests`
        : peer.checks !== undefined && server.count !== peer.checks
          ? `expected ${peer.checks} checks, got ${server.count}`
          : peer.atLeast !== undefined && run.at < peer.atLeast
            ? `it ended after ${span(run.at)}, before the requested delays were over`
            : null
    await clock.quiet()
  }
  return verdicts
}
