// What the server answers: a job that runs, as small and as large as they come.

const task = (more: object) => Buffer.from(JSON.stringify({ id: "task-1", state: "running", progress: 40, ...more }))

const log = (bytes: number) =>
  Array.from({ length: Math.floor(bytes / 100) }, (_, line) => ({
    at: "2026-01-01T00:00:00.000Z",
    line,
    text: `frame ${String(line).padStart(6, "0")} rendered in 12 ms`
  }))

/** By the path that asks for it. */
export const bodies = {
  "100B": task({ message: "rendering frame 12 of 30 .." }),
  "1KB": task({ log: log(900) }),
  "100KB": task({ log: log(100_000) })
} as const

export type Workload = keyof typeof bodies
