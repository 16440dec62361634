import { useState } from "react"
import { Moon, Screen, Sun } from "./icons.tsx"

const themes = ["system", "light", "dark"] as const
type Theme = (typeof themes)[number]

const current = (): Theme => themes.find((theme) => theme === document.documentElement.dataset["theme"]) ?? "system"

export const ThemeToggle = () => {
  const [theme, setTheme] = useState(current)
  const change = () => {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length]!
    document.documentElement.dataset["theme"] = next
    localStorage.setItem("theme", next)
    setTheme(next)
  }
  return (
    <button type="button" className="plain" onClick={change} aria-label={`Colors: ${theme}`} title={`Colors: ${theme}`}>
      {theme === "light" ? <Sun /> : theme === "dark" ? <Moon /> : <Screen />}
    </button>
  )
}
