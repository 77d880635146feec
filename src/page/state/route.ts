/** What the panel shows: it is in the fragment of the address, so links and the buttons of the browser work. */
export type Route = { readonly page: "actor" | "why"; readonly id: string } | undefined

/** The address of an actor, or of the explanation of a call or an actor. */
export const addressOf = (page: "actor" | "why", id: string): string => `#/${page}/${encodeURIComponent(id)}`

/** The address without a panel. */
export const home = "#/"

export const readRoute = (): Route => {
  const [, page, id] = /^#\/(actor|why)\/(.+)$/.exec(location.hash) ?? []
  try {
    return id === undefined ? undefined : { page: page as "actor" | "why", id: decodeURIComponent(id) }
  } catch {
    // an address that somebody has typed
    return undefined
  }
}
