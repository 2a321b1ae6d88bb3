// The form: what is searched, as the reader sees it and as the address has it.

import { byId, element } from "./dom.js";
import { address } from "./service.js";

const LIMIT = 24;

/** What the form holds; a picture is a `file` with its `name` and whether it was `pasted`, or the `id` of one of the catalogue. */
export class Form {
  #picture = null;

  constructor() {
    byId("limit").value = LIMIT;
    byId("phrase").addEventListener("input", () => this.#showWithin());
  }

  /** Offers the metadata columns to group by, and to look for the phrase in. */
  offer(columns) {
    const options = () => columns.map((column) => element("option", { value: column }, column));
    const none = columns.length ? "No groups" : "No metadata";
    byId("group").replaceChildren(element("option", { value: "" }, none), ...options());
    byId("group").disabled = !columns.length;
    byId("within").replaceChildren(element("option", { value: "" }, "Any metadata"), ...options());
  }

  /** Whether it can be searched with this; if not, the reader sees why. */
  valid = () => byId("query").reportValidity();

  query() {
    return {
      picture: this.#picture,
      phrase: byId("phrase").value.trim(),
      group: chosen("group"),
      within: chosen("within"),
      limit: byId("limit").valueAsNumber,
    };
  }

  /** Changes the picture, the phrase or both. */
  fill({ picture, phrase }) {
    if (phrase !== undefined) byId("phrase").value = phrase;
    if (picture !== undefined) this.#picture = picture;
    if (picture === null) clearPicture();
    else if (picture) showPicture(picture);
    this.#showWithin();
  }

  /** The address of the page that searches with the query; a file of the reader's is not in it. */
  address({ picture, phrase, group, within, limit }) {
    const found = new URL(location.pathname, location.href);
    const given = { like: picture?.id, phrase, group, in: within, limit: limit === LIMIT ? null : limit };
    for (const [key, value] of Object.entries(given)) if (value) found.searchParams.set(key, value);
    return found.href;
  }

  /** Takes what an address says; `picture` and `name` are what the browser's history has of the picture. */
  read(said, picture, name) {
    const id = said.get("like");
    const named = id ? { id, name: name ?? "an image of the catalogue" } : picture;
    for (const [field, key] of [["group", "group"], ["within", "in"]]) {
      byId(field).value = said.get(key) ?? "";
      if (byId(field).selectedIndex < 0) byId(field).value = "";
    }
    byId("limit").value = said.get("limit") ?? LIMIT;
    if (!byId("limit").validity.valid) byId("limit").value = LIMIT;
    this.fill({ picture: named, phrase: said.get("phrase") ?? "" });
  }

  #showWithin() {
    byId("within-field").hidden = !(this.#picture && byId("phrase").value.trim()) || byId("group").disabled;
  }
}

const chosen = (id) => byId(id).value || null;

/** Shows which image is searched with. */
export function showPicture({ file, id, name }) {
  forget();
  const preview = byId("preview");
  preview.onerror = () => readable(false);
  preview.src = file ? URL.createObjectURL(file) : address(`thumbnails/${encodeURIComponent(id)}`);
  preview.alt = `Searched with: ${name}`;
  byId("picture-name").textContent = name;
  filled(true);
  readable(true);
}

export function clearPicture() {
  forget();
  byId("preview").removeAttribute("src");
  byId("preview").alt = "";
  byId("picture-name").textContent = "";
  filled(false);
}

function forget() {
  if (byId("preview").src.startsWith("blob:")) URL.revokeObjectURL(byId("preview").src);
}

function readable(is) {
  byId("preview").hidden = !is;
  byId("no-preview").hidden = is;
}

function filled(is) {
  byId("preview").hidden = !is;
  byId("no-preview").hidden = true;
  byId("invitation").hidden = is;
  byId("searched-with").hidden = !is;
  byId("choose").textContent = is ? "Choose another image" : "Choose an image";
}
