/** Files that the user saves. */
export const saveFile = (content: Blob, name: string): void => {
  const address = URL.createObjectURL(content)
  const link = document.createElement("a")
  link.href = address
  // the id of a worker within another worker contains slashes
  link.download = name.replaceAll("/", "-")
  link.click()
  // the browser has opened the address within this time
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
