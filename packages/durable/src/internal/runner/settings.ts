/** The options of a runner, validated; times are milliseconds. */
export interface Settings {
  readonly flushInterval: number
  readonly scanInterval: number
  /** How far ahead rows are loaded. */
  readonly horizon: number
  /** How often the tokens of waits that have changed are stored; `undefined`: only when they are left. */
  readonly checkpoint: number | undefined
  readonly saveOnRelease: boolean
  readonly healthInterval: number
  readonly orphanAfter: number
  readonly pruneInterval: number
  /** The most submits of a kind in flight. */
  readonly submits: number
  /** The number of buckets of all processes. */
  readonly buckets: number
  /** After what time a bucket is claimed again; `undefined`: never. */
  readonly reclaimAfter: number | undefined
}
