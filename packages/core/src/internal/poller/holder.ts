import type * as Exit from "effect/Exit"
import type { PollEvent } from "../../PollEvent.ts"
import type { Wait } from "../machine/wait.ts"

/** Who is told of a wait: the handle of one, or the stream of many. */
export interface Holder {
  /** Whether it wants to hear of every check and every sleep. */
  readonly hears: boolean
  readonly emit: (event: PollEvent<unknown, unknown, unknown>) => void
  readonly ended: (wait: Wait, exit: Exit.Exit<unknown, unknown>) => void
}
