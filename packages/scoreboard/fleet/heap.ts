// What lies on the heap.
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

let collect: (() => void) | undefined

/** The bytes in use after a collection, array buffers included. */
export const bytesInUse = (): number => {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc")
    collect = runInNewContext("gc") as () => void
  }
  for (let i = 0; i < 3; i++) collect()
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
