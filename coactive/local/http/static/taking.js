// Takes an image that the reader drops, picks or pastes.

import { byId } from "./dom.js";
import { Failure } from "./service.js";

/**
 * Calls `take` with a file that comes, and `refuse` with a Failure where none can be had.
 *
 * `take` gets `pasted`, whether it may be no file on the disk, and `of`, how many files came of which it is the first.
 */
export function takeImages(take, refuse) {
  const taken = (files, { why, pasted = false } = {}) => {
    if (!files?.length) return refuse(new Failure(null, "There is no image file in that", why));
    return read(files[0]).then((file) => take(file, { pasted, of: files.length }), refuse);
  };
  byId("file").addEventListener("change", ({ target }) => {
    if (target.files.length) taken([...target.files]);
    target.value = ""; // so that the same file can be chosen again
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    taken(files, { pasted: true });
  });
  drops((files) => taken(files, { why: "Drop an image file, or save the image first and drop the file." }));
}

function drops(taken) {
  const curtain = byId("curtain");
  let inside = 0; // elements that the pointer has entered and not left
  const enter = (change) => {
    inside = Math.max(0, inside + change);
    curtain.hidden = inside === 0;
  };
  const on = (kind, act) =>
    document.addEventListener(kind, (event) => {
      const files = event.dataTransfer.types.includes("Files");
      if (!files && event.target.matches?.("input")) return; // text that is moved into a field
      event.preventDefault();
      act(files, event.dataTransfer);
    });
  on("dragenter", (files) => files && enter(1));
  on("dragleave", (files) => files && enter(-1));
  on("dragover", () => {});
  on("drop", (_, { files }) => {
    enter(-inside);
    taken([...files]);
  });
}

/** A copy in memory: a file that changes on the disk could not be sent a second time. */
async function read(file) {
  try {
    return new File([await file.arrayBuffer()], file.name || "image", { type: file.type });
  } catch {
    const why = `“${file.name}” is a folder, is too large, or has moved or changed since.`;
    throw new Failure(null, "The browser cannot read this", why);
  }
}
