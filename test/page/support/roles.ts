/** Rules of accessibility, as scripts in the page: each gives the elements that break it. */

const name = `
  const nameOf = (element) => {
    const by = element.getAttribute("aria-labelledby")
    if (by !== null) return by.split(" ").map((id) => document.getElementById(id)?.innerText ?? "").join(" ").trim()
    const label = element.getAttribute("aria-label")
    if (label !== null) return label.trim()
    if (element.labels?.length > 0) return element.labels[0].innerText.trim()
    return element.innerText?.trim() ?? ""
  }
  const isSeen = (element) => element.getClientRects().length > 0 && element.closest("[aria-hidden=true]") === null
  const seen = (selector) => [...document.querySelectorAll(selector)].filter(isSeen)
  const show = (element) => element.outerHTML.slice(0, 120)
`

const colours = `
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = colour
    canvas.fillRect(0, 0, 1, 1)
    return canvas.getImageData(0, 0, 1, 1).data
  }
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)
    return 0.2126 * x + 0.7152 * y + 0.0722 * z
  }
  const backOf = (element) => {
    for (let one = element; one !== null; one = one.parentElement) {
      const back = rgba(getComputedStyle(one).backgroundColor)
      if (back[3] === 255) return back
    }
    return [255, 255, 255]
  }
  const ratio = (element) => {
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(backOf(element))].sort((a, b) => b - a)
    return (a + 0.05) / (b + 0.05)
  }
`

/** The elements that break a rule, by the rule. */
export const broken = `(() => {
  ${name}
  ${colours}
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id)
  const rules = {
    "a control has a name": seen("button, a, input, select, meter, [role=img], [role=region], [tabindex='0']").filter((one) => nameOf(one) === ""),
    "a visible label is in the name": seen("button[aria-label]").filter((one) => !nameOf(one).includes(one.innerText.trim())),
    "a landmark has a name": seen("nav, aside, section, dialog").filter((one) => nameOf(one) === ""),
    "a head of a table has a scope": seen("table th").filter((one) => !one.hasAttribute("scope")),
    "a table has a head": seen("table").filter((one) => one.querySelector("thead th") === null),
    "what scrolls can be reached": seen("body *").filter((one) =>
      /auto|scroll/.test(getComputedStyle(one).overflow) && (one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1) &&
      one.tabIndex !== 0 && one.querySelector("a, button, input, select") === null),
    "the page has one main heading": seen("h1").slice(1).concat(seen("h1").length === 0 ? [document.body] : []),
    "the page has one main part": seen("main").slice(1),
    "a list has items alone": seen("ul > :not(li), ol > :not(li), dl > :not(dt, dd, div)"),
    "no order of its own of the key Tab": seen("[tabindex]").filter((one) => one.tabIndex > 0),
    "text can be read on its ground": seen("h1, h2, h3, p, a, button, td, th, dt, dd, li, label, strong, .status, .note")
      .filter((one) => one.ariaDisabled !== "true" && one.closest("tr")?.style.opacity === undefined | one.closest("tr")?.style.opacity === "")
      .filter((one) => one.innerText.trim() !== "" && ratio(one) < 4.5)
  }
  const found = Object.entries(rules).filter(([, broken]) => broken.length > 0).map(([rule, broken]) => rule + ": " + broken.slice(0, 3).map(show).join(" "))
  const twice = ids.filter((id, i) => ids.indexOf(id) !== i)
  return [...found, ...(twice.length > 0 ? ["an id is there once: " + twice.join()] : [])]
})()`
