/** Templates of HTML: `html` makes the nodes of Preact from a tagged template. */
import htm from "htm"
import { type ComponentChildren, h, type VNode } from "preact"

/** What a component returns. */
export type View = VNode | null

/** What a template may contain. */
export type Children = ComponentChildren

export const html = htm.bind(h) as (strings: TemplateStringsArray, ...values: ReadonlyArray<unknown>) => VNode
