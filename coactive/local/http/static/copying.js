// Shows the Python code of a call, and copies it.

import { byId } from "./dom.js";
import { programFor } from "./python_call.js";

const code = () => byId("code").firstElementChild;

/** Shows the program that makes the call, from the arguments of `programFor`; null: there is none. */
export function showProgram(given) {
  byId("python").hidden = !given;
  byId("copy-above").hidden = !given;
  code().textContent = given ? programFor(...given) : "";
}

/** Lets buttons copy the program. */
export function copyOnClick(...buttons) {
  for (const button of buttons) {
    const label = button.textContent;
    let timer = 0;
    button.addEventListener("click", async () => {
      const done = await copied();
      byId("copied").textContent = "";
      button.textContent = done ? "Copied" : "Press Ctrl+C";
      clearTimeout(timer);
      timer = setTimeout(() => (button.textContent = label), 2500);
      requestAnimationFrame(() => {
        byId("copied").textContent = done
          ? "The Python code is copied"
          : "The Python code is selected: press Ctrl+C to copy it";
      });
    });
  }
}

async function copied() {
  try {
    await navigator.clipboard.writeText(code().textContent);
    return true;
  } catch {
    // Over plain http from another machine a page has no clipboard.
    getSelection().selectAllChildren(code());
    return document.execCommand("copy");
  }
}
