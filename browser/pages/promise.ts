import * as promise from "effect-poll/promise"
import * as Status from "effect-poll/Status"

const url = new URLSearchParams(location.search).get("job")!
const bar = document.querySelector("progress")!
const text = document.querySelector("output")!
const controller = new AbortController()
document.querySelector("button")!.addEventListener("click", () => controller.abort(new Error("stopped")))

const check = async ({ signal }: promise.Context) => {
  const response = await fetch(url, { signal, cache: "no-store" })
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
  const { percent, result, state } = await response.json()
  return state === "done" ? Status.succeeded<string>(result) : Status.pending({ percent })
}
const onProgress = ({ progress = 0 }) => {
  bar.value = progress
}
try {
  text.value = await promise.poll(check, { deadline: "10 minutes", signal: controller.signal, onProgress })
} catch (error) {
  text.value = (error as Error).message
}
