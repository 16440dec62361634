import * as PageHttp from "@effect-poll/web/PageHttp"
import * as PollStore from "@effect-poll/web/PollStore"
import { ByUrl, optionsOf, shownOf } from "../src/ByUrl.ts"
import { install } from "../src/Program.ts"

// All views of the page have one store. A hidden page is slow by the second, so that the rows need not take minutes.

const store = PollStore.make({ layer: PageHttp.layer, slowInterval: "3 seconds" })

install(({ url, ...watch }, show) => {
  const entry = store.entry(ByUrl, url, optionsOf(watch))
  const changed = () => show(shownOf(entry.getSnapshot()))
  const unsubscribe = entry.subscribe(changed)
  changed()
  return unsubscribe
})
