import type * as Seed from "@effect-poll/web/Seed"
import * as PageHttp from "@effect-poll/web/PageHttp"
import { hydrateRoot } from "react-dom/client"
import { Rendered } from "../src/Views.tsx"

// A page that a server has rendered. Its data is in the attribute of the element.
const root = document.querySelector<HTMLElement>("#root")!
const { seed, url } = JSON.parse(root.dataset["data"]!) as { readonly url: string; readonly seed?: Seed.Encoded }

hydrateRoot(root, <Rendered url={url} seed={seed} client={PageHttp.layer} />, {
  onRecoverableError: (error) => console.error(`mismatch: ${String(error)}`)
})
