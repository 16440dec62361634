// Checks a slice of the worlds of a seed, in this process.
import { type Board, mostShown, type Slice } from "./board.ts"
import { type Cuts, type Difference, draw, judge, type Wrong } from "./court.ts"
import { shrink } from "./shrink.ts"

export const session = ({ from, seed, to }: Slice, wrong?: Wrong): Board => {
  const cut: Cuts = { inRow: 0, inHold: 0, atLimit: 0, throttled: 0, inCancel: 0 }
  const shown: Array<Difference> = []
  let comparisons = 0
  let differences = 0
  let resumes = 0
  for (let index = from; index < to; index++) {
    const world = draw(seed, index)
    const judged = judge(world, wrong)
    comparisons += judged.comparisons
    resumes += judged.resumes
    differences += judged.differing.length
    for (const span of judged.cuts)
      for (const state of Object.keys(cut) as Array<keyof Cuts>) if (span[state]) cut[state]++
    // One of a world is enough to look at.
    const [first] = judged.differing
    if (first !== undefined && shown.length < mostShown) shown.push(shrink(world, first, wrong))
  }
  return { worlds: to - from, comparisons, differences, resumes, cut, shown }
}
