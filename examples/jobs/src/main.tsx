import { StrictMode } from "react"
import { createRoot } from "react-dom/client"
import { App } from "./App.tsx"
import { startAll } from "./list.ts"
import { PollProvider, store } from "./polls.ts"

// Here and not in an effect: a submit must not depend on how often React mounts something.
void startAll()

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <PollProvider store={store}>
      <App />
    </PollProvider>
  </StrictMode>
)
