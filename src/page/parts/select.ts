/** A choice between values. */
import { html, type View } from "../html.ts"

export interface SelectProps {
  readonly id: string
  readonly label: string
  readonly value: string
  /** each value with its name */
  readonly choices: ReadonlyArray<readonly [value: string, name: string]>
  readonly onChoose: (value: string) => void
}

export const Select = ({ choices, id, label, onChoose, value }: SelectProps): View => {
  const onChange = ({ currentTarget }: { readonly currentTarget: HTMLSelectElement }): void =>
    onChoose(currentTarget.value)
  // the label is beside the field, because a label around it would be named by the choices, too
  return html`<span><label for=${id}>${label}</label> <select id=${id} value=${value} onChange=${onChange}>
    ${choices.map(([value, name]) => html`<option value=${value} key=${value}>${name}</option>`)}
  </select></span>`
}
