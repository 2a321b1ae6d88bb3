// Makes elements; whatever the service says becomes text, never markup.

export const byId = (id) => document.getElementById(id);

/** An element with properties and contents; attributes, which have a dash or no property, are given in `attributes`. */
export function element(name, properties = {}, ...contents) {
  const { attributes = {}, ...others } = properties;
  const made = Object.assign(document.createElement(name), others);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...contents.filter((content) => content !== null));
  return made;
}

/** How many there are: `1 image`, `1,000 images`. */
export const counted = (number, thing) => `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
