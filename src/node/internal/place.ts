/**
 * Where this library lies, in source and in `dist` alike.
 */

/** The entry of workers. */
export const entry = new URL(import.meta.url.endsWith(".ts") ? "../entry.ts" : "../entry.js", import.meta.url)
