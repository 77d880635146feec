/** Light or dark colours: those of the system, until the user chooses. */
export type Theme = "light" | "dark"

const key = "uactor-theme"

const systemTheme = (): Theme => matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"

export const readTheme = (): Theme => {
  const chosen = localStorage.getItem(key)
  return chosen === "light" || chosen === "dark" ? chosen : systemTheme()
}

/** Shows a theme; `isChoice`: this browser shows it the next time, too. */
export const showTheme = (theme: Theme, isChoice: boolean): void => {
  document.documentElement.dataset["theme"] = theme
  if (isChoice) localStorage.setItem(key, theme)
}

/** Calls back when the system changes its theme and the user has not chosen. */
export const onSystemTheme = (listener: (theme: Theme) => void): void =>
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    if (localStorage.getItem(key) === null) listener(systemTheme())
  })
