import { Announcer } from "./components/Announcer.tsx"
import { Badge } from "./components/Badge.tsx"
import { Logo } from "./components/icons.tsx"
import { Panel } from "./components/Panel.tsx"
import { ThemeToggle } from "./components/ThemeToggle.tsx"
import { JobsPage } from "./pages/JobsPage.tsx"
import { LivePage } from "./pages/LivePage.tsx"
import { BuilderPage } from "./pages/BuilderPage.tsx"
import { Link, useRoute } from "./route.tsx"

export const App = () => {
  const { page, id } = useRoute()
  return (
    <>
      <header className="top">
        <p className="brand">
          <Logo /> effect-poll <span>example</span>
        </p>
        <nav aria-label="Pages">
          <Link to="/" isCurrent={page === ""}>
            Jobs
          </Link>
          <Link to="/builder" isCurrent={page === "builder"}>
            Package
          </Link>
          <Link to="/live" isCurrent={page === "live"}>
            Live
          </Link>
        </nav>
        <div className="tools">
          <Badge path="notifications/stats" />
          <Badge path="messages/unread" />
          <ThemeToggle />
        </div>
      </header>
      <div className="columns">
        <main>{page === "builder" ? <BuilderPage id={id} /> : page === "live" ? <LivePage /> : <JobsPage />}</main>
        <Panel />
      </div>
      <Announcer />
    </>
  )
}
