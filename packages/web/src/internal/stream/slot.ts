/**
 * Keeps the streams of pages apart: HTTP/1.1 has six connections for an origin, and each event stream holds one of them
 * for as long as it is open.
 *
 * A wait that has no stream polls by its own strategy: without `push` and without `behind`. Once it may open one, it is
 * left and resumed with both.
 */

/** A wait that wants a stream. */
export interface Place {
  /** Gives the stream, or the wish for one, back. To be called once the stream is closed, and when the wait is parked. */
  readonly release: () => void
}

/** Who may open a stream. */
export interface StreamSlot {
  /**
   * Asks for a stream. `onChange` is told whether there is one: a first time soon after the call, and not within it, then
   * with `true` once there is. Never called again after `true`, or after `release`.
   */
  readonly want: (onChange: (hasStream: boolean) => void) => Place
}
