import * as PageHttp from "@effect-poll/web/PageHttp"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { installReact, View } from "../src/Views.tsx"

// Views with the hook. If the query says `fetch`, checks are made by the client that is not for pages.
const isPlain = new URLSearchParams(location.search).has("fetch")
installReact(View, isPlain ? FetchHttpClient.layer : PageHttp.layer)
