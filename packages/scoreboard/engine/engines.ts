import { fibers } from "./fibers.ts"
import { ours } from "./ours.ts"
import { peers, promiseLoop } from "./promises.ts"
import type { Engine } from "./task.ts"

/** Engines that run on Effect. */
export const onEffect: Record<string, Engine> = { ...fibers, ...ours }

/** All engines by the name of their row. The first is the baseline for the CPU time of the others. */
export const engines: Record<string, Engine> = { "promise-loop": promiseLoop, ...onEffect, ...peers }

/** Whether a row needs the peers' packages. */
export const isPeer = (name: string): boolean => name in peers
