/** The panel beside the table: an actor, or why a call waits. */
import { useLayoutEffect, useRef } from "preact/hooks"
import { type Children, html, type View } from "../html.ts"
import { home } from "../state/route.ts"
import type { State } from "../state/state.ts"
import { ActorDetails } from "./actorDetails.ts"
import { Why } from "./why.ts"

const Frame = ({ children, title }: { readonly title: string; readonly children: Children }): View => {
  const heading = useRef<HTMLHeadingElement>(null)
  // those who follow a link by the keyboard go on reading here
  useLayoutEffect(() => heading.current!.focus(), [title])
  return html`<aside aria-labelledby="panel">
    <div class="head">
      <h2 id="panel" tabindex="-1" ref=${heading}>${title}</h2>
      <a href=${home} class="close">Close</a>
    </div>
    ${children}
  </aside>`
}

export const Panel = ({ state }: { readonly state: State }): View => {
  const { route } = state
  if (route === undefined) return null
  return route.page === "actor"
    ? html`<${Frame} title=${route.id}><${ActorDetails} id=${route.id} state=${state} key=${route.id} /><//>`
    : html`<${Frame} title=${`Why ${route.id} waits`}><${Why} id=${route.id} key=${route.id} /><//>`
}
