import type { MixpeekStatus } from "../../MixpeekStatus.ts"
import type { Submission } from "../../MixpeekRequest.ts"
import type { Guard } from "../../MinimumInterval.ts"

/** What the requests to one Mixpeek service need: the options of `make`, validated and with their defaults filled in. */
export interface Api {
  /** Joins the base URL and a path. */
  readonly url: (path: string) => string
  readonly statuses: MixpeekStatus
  readonly guard: Guard
  /** Path templates of resources, by task type. */
  readonly resourcePaths: Readonly<Record<string, string>>
  readonly killable: ReadonlyArray<string>
  readonly submitPaths: { readonly [Kind in Submission["kind"]]: string }
}
