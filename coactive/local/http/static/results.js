// Shows images in their groups.

import { counted, element } from "./dom.js";
import { address } from "./service.js";

const LONG = 100; // characters of a value that are shown unasked

/** The groups with their images; `search` is called with the image that the reader chooses. */
export function groupsShown(groups, groupBy, search) {
  return groups.map(({ group, images }) => {
    const title = groupBy === null ? [] : [heading(group, groupBy, images)];
    return element("section", { className: "group" }, ...title, list(images, search));
  });
}

/** How much was found: `24 images in 5 groups`. */
export function summary(groups, groupBy) {
  const images = groups.reduce((sum, group) => sum + group.images.length, 0);
  if (!images) return "No images found";
  return counted(images, "image") + (groupBy === null ? "" : ` in ${counted(groups.length, "group")}`);
}

/** Images to choose from, in no group. */
export function list(images, search) {
  const cards = images.map((image) => element("li", { className: "card" }, ...card(image, search)));
  return element("ol", { className: "grid" }, ...cards);
}

function heading(group, groupBy, images) {
  const name = group === null || group === "" ? "(no value)" : group;
  return element(
    "h3",
    {},
    element("span", { className: "unseen" }, `${groupBy}: `),
    name,
    " ",
    element("span", { className: "count" }, counted(images.length, "image")),
  );
}

function card(image, search) {
  const id = image.coactive_image_id;
  const path = image.path ?? id;
  const score = typeof image.score === "number" ? image.score.toFixed(3) : null;
  return [
    element(
      "button",
      {
        className: "picture",
        type: "button",
        onclick: () => search({ id, name: path }),
        attributes: { "aria-label": `Search with ${path}${score === null ? "" : `, score ${score}`}` },
      },
      thumbnail(id, image.metadata?.caption ?? path),
      score === null ? null : element("span", { className: "score", title: `score ${image.score}` }, score),
    ),
    element(
      "p",
      { className: "place" },
      element(
        "a",
        {
          href: address(`images/${encodeURIComponent(id)}`),
          target: "_blank",
          rel: "noopener",
          title: "Open the image in a new tab",
          attributes: { "aria-label": `Open ${path} in a new tab` },
        },
        ...breakable(path),
      ),
    ),
    known(image.metadata),
  ];
}

/** The small picture of an image of the catalogue. */
export function thumbnail(id, alt) {
  const image = element("img", { loading: "lazy", decoding: "async", draggable: false, alt: String(alt) });
  image.onerror = () => image.parentElement?.classList.add("missing");
  image.src = address(`thumbnails/${encodeURIComponent(id)}`);
  return image;
}

/** A path that may break after each slash. */
function breakable(path) {
  return path.split(/(?<=[/\\])/).flatMap((part, at) => (at ? [element("wbr"), part] : [part]));
}

function known(metadata) {
  const entries = Object.entries(metadata ?? {});
  if (!entries.length) return null;
  const row = ([key, value]) => element("div", {}, element("dt", {}, key), element("dd", {}, shown(value)));
  const rows = entries.map(row);
  return element("dl", { className: "known" }, ...rows);
}

function shown(value) {
  const text = asText(value);
  const none = { className: "quiet", attributes: { role: "img", "aria-label": "no value" } };
  if (text === "") return element("span", none, "—");
  if (text.length <= LONG) return text;
  return element("details", {}, element("summary", {}, `${text.slice(0, LONG).trimEnd()}…`), text);
}

function asText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value;
  const plain = (it) => it === null || typeof it !== "object" || JSON.isRawJSON?.(it);
  const list = Array.isArray(value) && value.length > 0 && value.every(plain);
  return list ? value.map((it) => asText(it) || "—").join(", ") : JSON.stringify(value);
}
