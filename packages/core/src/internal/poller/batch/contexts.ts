import type { CheckContext } from "../../../CheckContext.ts"
import { contextOf, type Wait } from "../../machine/wait.ts"

/** The contexts of the waits of a request by their keys. They are made when they are first read: most requests do not. */
export class Contexts implements ReadonlyMap<string, CheckContext> {
  private readonly waits: ReadonlyArray<Wait>
  private made: ReadonlyMap<string, CheckContext> | undefined

  constructor(waits: ReadonlyArray<Wait>) {
    this.waits = waits
  }

  private get all(): ReadonlyMap<string, CheckContext> {
    return (this.made ??= new Map(this.waits.map((wait) => [wait.key, contextOf(wait)])))
  }

  get size(): number {
    return this.waits.length
  }

  get(key: string): CheckContext | undefined {
    return this.all.get(key)
  }

  has(key: string): boolean {
    return this.all.has(key)
  }

  forEach(
    run: (context: CheckContext, key: string, contexts: ReadonlyMap<string, CheckContext>) => void,
    self?: unknown
  ): void {
    for (const [key, context] of this.all) run.call(self, context, key, this)
  }

  entries(): MapIterator<[string, CheckContext]> {
    return this.all.entries()
  }

  keys(): MapIterator<string> {
    return this.all.keys()
  }

  values(): MapIterator<CheckContext> {
    return this.all.values()
  }

  [Symbol.iterator](): MapIterator<[string, CheckContext]> {
    return this.all.entries()
  }
}
