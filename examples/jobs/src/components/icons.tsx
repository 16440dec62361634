import type { ReactNode } from "react"

const Icon = ({ children }: { children: ReactNode }) => (
  <svg className="icon" viewBox="0 0 20 20" aria-hidden="true">
    {children}
  </svg>
)

export const Logo = () => (
  <Icon>
    <path d="M1 10h3M8 10h4" opacity=".5" />
    <circle cx="6" cy="10" r="1.6" fill="currentColor" />
    <circle cx="15.5" cy="10" r="3" />
  </Icon>
)

export const Bell = () => (
  <Icon>
    <path d="M4 14h12l-1.5-2.5V8.500a4.500 4.500 0 0 0-9 0v3zM8.500 16.500h3" />
  </Icon>
)

export const Letter = () => (
  <Icon>
    <path d="M3 5h14v10H3zM3 6l7 5 7-5" />
  </Icon>
)

export const Tick = () => (
  <Icon>
    <path d="m5 10.500 3.500 3.500L15 7" />
  </Icon>
)

export const Cross = () => (
  <Icon>
    <path d="m6 6 8 8M14 6l-8 8" />
  </Icon>
)

export const Pause = () => (
  <Icon>
    <path d="M8 6v8M12 6v8" />
  </Icon>
)

export const Sun = () => (
  <Icon>
    <circle cx="10" cy="10" r="3.200" />
    <path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.300 4.300l1.400 1.400M14.300 14.300l1.400 1.400M15.700 4.300l-1.400 1.400M5.700 14.300l-1.400 1.400" />
  </Icon>
)

export const Moon = () => (
  <Icon>
    <path d="M16.500 12A7 7 0 0 1 8 3.500 7 7 0 1 0 16.500 12z" />
  </Icon>
)

export const Screen = () => (
  <Icon>
    <path d="M3 4h14v9H3zM7.500 16.500h5M10 13v3.500" />
  </Icon>
)
