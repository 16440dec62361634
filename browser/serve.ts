/** Serves the pages to look at them: `node browser/serve.ts`. The jobs take half a minute. */
import * as Site from "./src/Site.ts"

const site = await Site.open()
const job = site.job({ endsAfterMillis: 30_000 })
console.log(site.page("promise", { job: `/jobs/${job.id}` }))
