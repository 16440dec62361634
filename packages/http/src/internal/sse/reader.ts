import * as Sse from "effect/encoding/Sse"
import * as Duration from "effect/Duration"

/** Reads the bytes of one connection to events. What is kept of an event that has not ended is bounded. */
export class Reader {
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true })
  private readonly parser: Sse.Parser
  private events: Array<Sse.Event> = []
  /** Whether an event was too large. Nothing is read after it. */
  isTooLarge = false
  /** The delay that the server asked for last, in milliseconds. */
  retry: number | undefined

  constructor(maxEventSize: number) {
    this.parser = Sse.makeParser(
      (event) => {
        if (event._tag === "Retry") this.retry = Duration.toMillis(event.duration)
        else if (event.data.length > maxEventSize) this.isTooLarge = true
        else if (!this.isTooLarge) this.events.push(event)
      },
      { maxEventSize }
    )
  }

  /** The events that end in a chunk. Before a chunk that makes an event too large there are those before that event. */
  take(chunk: Uint8Array): ReadonlyArray<Sse.Event> {
    // A chunk of any size is parsed in pieces, since the parser looks at the limit after each.
    for (let at = 0; at < chunk.byteLength && !this.isTooLarge; at += pieceBytes) {
      const text = this.decoder.decode(chunk.subarray(at, at + pieceBytes), { stream: true })
      if (this.parser.feed(text) !== undefined) this.isTooLarge = true
    }
    return this.events.splice(0)
  }
}

// ---- internal ----

const pieceBytes = 65_536

const { TextDecoder } = globalThis as unknown as {
  readonly TextDecoder: new (
    label: string,
    options: { readonly ignoreBOM: boolean }
  ) => {
    readonly decode: (bytes: Uint8Array, options: { readonly stream: boolean }) => string
  }
}
