import type { Codecs } from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"

/** The parts of a job that its endings need. */
export interface Coded<A, F> {
  readonly name: string
  readonly codecs: Codecs<A, F>
}

/** The parts of a job that its rows need. Every job with Schemas has them. */
export interface Described<K, A, F> extends Coded<A, F> {
  readonly key: KeyCodec<K>
}
