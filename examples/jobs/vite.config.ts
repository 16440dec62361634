import react from "@vitejs/plugin-react"
import { defineConfig } from "vite"

export default defineConfig({
  plugins: [react()],
  clearScreen: false,
  // Browsers that know light-dark() and color-mix().
  build: { target: ["chrome125", "firefox128", "safari18"] }
})
