/** The token with which the page may read the program. */

const key = "uactor-token"

/**
 * The token of the fragment of the address, `#token=…`, or else the one that this tab has used before. The token leaves the address at once, so
 * that neither the history nor a copied address contains it.
 */
export const takeToken = (): string | undefined => {
  const [, token] = /^#token=([\w.~+/=-]+)$/.exec(location.hash) ?? []
  if (token === undefined) return sessionStorage.getItem(key) ?? undefined
  history.replaceState(null, "", location.pathname + location.search)
  sessionStorage.setItem(key, token)
  return token
}

/** Forgets a token that the program has refused. */
export const forgetToken = (): void => sessionStorage.removeItem(key)
