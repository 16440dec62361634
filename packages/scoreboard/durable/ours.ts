// The figures of ours beside the rows.
import type { Figures } from "../fleet/row.ts"
import { costsOf, count, problemOf, spawn, told } from "./costs.ts"
import { median } from "./median.ts"
import type { Postgres } from "./postgres.ts"
import { cluster, holder, memory, ours, stream, submitter } from "./rows.ts"
import { full, type Work } from "./work.ts"

/** 5,000 checks a second. */
const busy: Work = { jobs: 5_000, checks: 20, intervalMillis: 1_000 }

/** 100,000 jobs that do not end; 5,000 checks a second. */
const many: Work = { jobs: 100_000, checks: Number.MAX_SAFE_INTEGER, intervalMillis: 20_000 }

/** Writes and statements at 200 checks a second; beside them the statements of a process in a cluster. */
export const calm = async (postgres: Postgres): Promise<Figures> => {
  const costs = costsOf(full, await count(postgres, ours.subject, full))
  const inCluster = costsOf(full, await count(postgres, cluster.subject, full))
  return {
    rowWritesPerJob: costs.rowWritesPerJob,
    statementsPerCheck: costs.statementsPerJob / costs.checksPerJob,
    statementsPerCheckInCluster: inCluster.statementsPerJob / inCluster.checksPerJob
  }
}

/** Statements and CPU time at 5,000 checks a second, in turn with the same jobs in memory. */
export const atFullLoad = async (postgres: Postgres): Promise<Figures> => {
  const rounds: Array<{ readonly durable: number; readonly inMemory: number; readonly statements: number }> = []
  for (let round = 0; round < 3; round++) {
    const durable = await count(postgres, stream.subject, busy, { warmUps: 1 })
    const { statementsPerJob } = costsOf(busy, durable)
    const inMemory = await countInMemory(busy)
    rounds.push({
      durable: (1_000 * durable.cpuMillis) / durable.checks,
      inMemory: (1_000 * inMemory.cpuMillis) / inMemory.checks,
      statements: (statementsPerJob * busy.jobs) / durable.checks
    })
  }
  return {
    statementsPerCheckBusy: median(rounds.map(({ statements }) => statements)),
    cpuVsMemoryPoller: median(rounds.map(({ durable, inMemory }) => durable / inMemory)),
    cpuMicrosPerCheck: median(rounds.map(({ durable }) => durable)),
    memoryPollerCpuMicrosPerCheck: median(rounds.map(({ inMemory }) => inMemory))
  }
}

/** The memory of a process with 100,000 jobs that another one has submitted. */
export const withManyJobs = async (postgres: Postgres): Promise<Figures> => {
  const database = "board_many"
  await postgres.run("postgres", `create database ${database}`)
  const runner = spawn(holder.subject, postgres.url(database), many, { execArgv: [heapLimit] })
  try {
    await told(runner, "Started", limitMillis)
    const client = spawn(submitter.subject, postgres.url(database), many)
    try {
      await told(client, "Started", limitMillis)
      const ended = told(runner, "Ended", limitMillis)
      runner.send("go")
      client.send("go")
      await told(client, "Ended", limitMillis)
      client.kill("SIGKILL")
      const { checks, rssMb } = await ended
      // Each job is checked within an interval.
      if (checks < many.jobs) throw new Error(`${checks} checks of ${many.jobs} jobs`)
      return { rssMbAt100k: rssMb }
    } finally {
      client.kill("SIGKILL")
    }
  } finally {
    runner.kill("SIGKILL")
    await postgres.run("postgres", `drop database ${database} with (force)`)
  }
}

// ---- internal ----

const limitMillis = 240_000

/**
 * As it is set for a process that has 512 MB. Without a limit, V8 lets garbage lie for as long as the machine has memory:
 * what it would measure is the machine.
 */
const heapLimit = "--max-old-space-size=384"

/** The CPU time of the same jobs in memory. */
const countInMemory = async (work: Work) => {
  const child = spawn(memory.subject, "", work, { warmUps: 1 })
  try {
    await told(child, "Started", limitMillis)
    child.send("go")
    const ended = await told(child, "Ended", limitMillis)
    const problem = problemOf(work, ended)
    if (problem !== undefined) throw new Error(problem)
    return ended
  } finally {
    child.kill("SIGKILL")
  }
}
