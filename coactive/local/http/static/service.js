// Talks to the service, and puts its failures into words.

const HERE = new URL(".", document.baseURI);

/** The address of something that the service has, from its path without the first slash. */
export const address = (path) => new URL(path, HERE).href;

/** Where clients find the service. */
export const host = HERE.href.replace(/\/$/, "");

/** What went wrong, in words for the reader: `message`, and in `advice` what may help. */
export class Failure extends Error {
  constructor(status, message, advice = "") {
    super(message);
    this.status = status;
    this.advice = advice;
  }

  /** Whether the same may end well at another time. */
  get maySucceed() {
    return [0, 404, 429].includes(this.status) || this.status >= 500;
  }
}

const DOWN = new Failure(
  0,
  "The service does not answer",
  "It may have been stopped. Start it again with “python -m coactive.local serve”, then try again.",
);

const WORDS = {
  400: ["This is not an image that the service can read", ""],
  401: ["The service does not accept this sign-in", "Sign in again."],
  403: ["The service asks for a sign-in", "Sign in."],
  404: ["The service does not have this any more", "It may serve another folder now. Try again, or reload the page."],
  413: ["The image is too large for the service", "Search with a smaller copy of it."],
  422: ["The service does not accept this search", ""],
  429: ["The service has too much to do", "Wait a moment, then try again."],
};

/** The token that needs no sign-in, or null. */
export async function openToken() {
  return (await json(await asked("page/access.json"))).access_token;
}

/** Exchanges the credentials for a token. */
export async function logIn(clientId, clientSecret) {
  const bytes = new TextEncoder().encode(`${clientId}:${clientSecret}`);
  const headers = {
    Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}`,
    "Content-Type": "application/json",
  };
  const body = JSON.stringify({ grant_type: "client_credentials" });
  // Without "omit" the browser asks for a name and a password of its own after a 401.
  const options = { method: "POST", headers, body, credentials: "omit" };
  return (await json(await asked("api/v0/login", options))).access_token;
}

/** What there is to search. */
export async function catalogue(token, signal) {
  return json(await asked("api/local/catalogue", { headers: bearer(token), signal, cache: "no-store" }));
}

/** The bytes of an image of the catalogue. */
export async function imageBytes(id, signal) {
  return whole(await asked(`images/${encodeURIComponent(id)}`, { signal }), "blob");
}

/** The groups that a call finds; a plain list of images is one group. */
export async function found(call, file, embeddingId, token, signal) {
  const path = call.endpoint.path.replace("{embedding_id}", encodeURIComponent(embeddingId));
  const given = [...call.positional, ...call.keyword].map(([name, value]) => [name, name === "file" ? file : value]);
  const options = { headers: bearer(token), signal };
  const answer = await json(
    call.endpoint.method === "GET"
      ? await asked(`${path}?${new URLSearchParams(given)}`, options)
      : await asked(path, { ...options, method: "POST", body: form(given) }),
  );
  return call.grouped ? answer.data : answer.data.length ? [{ group: null, images: answer.data }] : [];
}

const bearer = (token) => ({ Authorization: `Bearer ${token}`, Accept: "application/json" });

function form(given) {
  const made = new FormData();
  for (const [name, value] of given) made.append(name, value);
  return made;
}

async function asked(path, options) {
  let answer;
  try {
    answer = await fetch(address(path), options);
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : DOWN;
  }
  if (!answer.ok) throw await failure(answer);
  return answer;
}

async function failure(answer) {
  const said = await answer.json().then((body) => inWords(body.detail), () => "");
  const sentence = said && `${said[0].toUpperCase()}${said.slice(1)}.`;
  const [message, advice] = WORDS[answer.status] ?? [`The service failed (${answer.status})`, "Try again."];
  return new Failure(answer.status, message, [sentence, advice].filter(Boolean).join(" "));
}

function inWords(detail) {
  if (!Array.isArray(detail)) return typeof detail === "string" ? detail : "";
  return detail.map(({ loc, msg }) => `${loc?.at(-1)}: ${msg}`).join("; ");
}

async function whole(answer, kind) {
  try {
    return await answer[kind]();
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : DOWN;
  }
}

async function json(answer) {
  const text = await whole(answer, "text");
  try {
    return JSON.parse(text, exact);
  } catch {
    const advice = "Something else may run at this address.";
    throw new Failure(answer.status, "The answer of the service cannot be read", advice);
  }
}

/** Keeps integers that JavaScript would round as they were written, where the browser can. */
function exact(_, value, context) {
  const rounded = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
  return rounded && context?.source && JSON.rawJSON ? JSON.rawJSON(context.source) : value;
}
