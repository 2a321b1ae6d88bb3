// The page: what is searched, in the form and in the address, and what comes of it.

import { callFor } from "./call.js";
import { copyOnClick, showProgram } from "./copying.js";
import { byId, counted, element } from "./dom.js";
import { clearPicture, Form, showPicture } from "./form.js";
import { groupsShown, list, summary } from "./results.js";
import * as service from "./service.js";
import { takeImages } from "./taking.js";

const KEPT = "coactive token";
const TITLE = document.title;
const MOST_UPLOADS = 20;
const NOTHING = "Try other words: a phrase finds images whose metadata or path have a word in common with it.";

const form = new Form();
const uploads = new Map(); // the last files of this visit, each with what is known of it, by the name that the browser's history has for them
let count = 0;

let openToken = null; // one that is no secret
let catalogue = null;
let under = new AbortController(); // the search that is under way; only it may show anything

const token = () => openToken ?? sessionStorage.getItem(KEPT);

// Searching.

/** Searches with what the form says, or shows some images where it says nothing. */
async function search({ push = true, focus = false, note = "" } = {}) {
  if (!form.valid()) return;
  const query = form.query();
  if (push) remember(query);
  if (!catalogue) return begin();
  document.title = [query.picture?.name, query.phrase, TITLE].filter(Boolean).join(" · ");
  under.abort();
  const own = (under = new AbortController());
  busy(true);
  try {
    await (query.picture || query.phrase ? answer(query, own) : welcome());
    if (own !== under) return;
    if (note) tell([note, byId("notice").textContent].filter(Boolean).join(" "));
    if (focus) show(byId("results"));
  } catch (problem) {
    if (own === under) fail(problem, note);
  } finally {
    if (own === under) busy(false);
  }
}

async function answer(query, own) {
  const call = callFor(query, catalogue);
  const file = query.picture && (query.picture.file ?? (await bytesOf(query.picture, own.signal)));
  const groups = await service.found(call, file, catalogue.embedding_id, token(), own.signal);
  if (own !== under) return;
  if (query.picture?.id) name(query.picture, groups);
  const nothing = element("p", { className: "quiet" }, NOTHING);
  shown(groups.length ? groupsShown(groups, call.groupBy, searchWith) : [nothing], {
    status: summary(groups, call.groupBy),
    operation: call.operation,
    notice: call.notice,
    program: [call, catalogue.embedding_id, openToken],
  });
}

async function bytesOf(picture, signal) {
  const bytes = await service.imageBytes(picture.id, signal);
  return new File([bytes], picture.name.split("/").at(-1), { type: bytes.type });
}

/** Gives an image that came by a link its path, which a link does not have. */
function name(picture, groups) {
  const itself = groups.flatMap(({ images }) => images).find((image) => image.coactive_image_id === picture.id);
  if (!itself?.path || itself.path === picture.name) return;
  picture.name = itself.path;
  showPicture(picture);
}

function welcome() {
  const status = "Drop an image, paste one, type a phrase, or begin with one of these.";
  shown([list(catalogue.examples, searchWith)], { title: "Search by example", status });
}

function shown(content, { title = "Results", status = "", operation = "", notice = "", program = null } = {}) {
  byId("groups").replaceChildren(...content);
  byId("problem").replaceChildren();
  byId("results-title").textContent = title;
  byId("status").textContent = status;
  byId("operation").textContent = operation;
  tell(notice);
  byId("tools").hidden = !content.length;
  showProgram(program);
}

function tell(notice) {
  byId("notice").textContent = notice;
  byId("notice").hidden = !notice;
}

function fail(problem, notice = "") {
  if (problem.name === "AbortError") return;
  if (isUnknown(problem)) return askToSignIn("The sign-in has ended. Please sign in again.");
  if (problem.status === 404) catalogue = null;
  shown([], { title: "No results", notice });
  const again = { type: "button", onclick: tryAgain };
  const retry = problem.maySucceed ? [element("button", again, "Try again")] : [];
  byId("problem").replaceChildren(
    element("strong", {}, problem instanceof service.Failure ? problem.message : "Something went wrong in this page"),
    element("p", {}, problem instanceof service.Failure ? problem.advice : `${problem}. Reload the page.`),
    ...retry,
  );
}

/** Searches once more; the button that has the focus goes away, and the focus must not go with it. */
function tryAgain() {
  show(byId("results"));
  search({ push: false });
}

/** Says why there is nothing to search with, instead of the search that is under way. */
function refuse(problem) {
  under.abort();
  fail(problem);
}

function busy(is) {
  byId("groups").setAttribute("aria-busy", String(is));
  if (is) byId("status").textContent = "Searching…";
}

function show(section) {
  section.focus({ preventScroll: true });
  section.scrollIntoView({ block: "start" });
}

function searchWith({ id, name }) {
  form.fill({ picture: { id, name }, phrase: "" });
  search({ focus: true });
}

// The address, so that a reload and the back button lead to the same search.

function remember(query) {
  const address = form.address(query);
  const upload = query.picture?.file ? nameOf(query.picture) : null;
  const same = address === location.href && upload === (history.state?.upload ?? null);
  history[same ? "replaceState" : "pushState"]({ upload, name: query.picture?.name ?? null }, "", address);
}

/** The name under which a file is kept; an earlier load of the page has given others. */
function nameOf(picture) {
  const known = [...uploads.keys()].find((key) => uploads.get(key) === picture);
  const name = known ?? `${performance.timeOrigin} ${(count += 1)}`;
  uploads.set(name, picture);
  if (uploads.size > MOST_UPLOADS) uploads.delete(uploads.keys().next().value);
  return name;
}

function recall() {
  const { upload, name } = history.state ?? {};
  const picture = uploads.get(upload) ?? null;
  const lost = upload && !picture;
  form.read(new URL(location.href).searchParams, picture, name);
  search({ push: false, note: lost ? `The page has not kept “${name}”: drop it again to search with it.` : "" });
}

// Signing in.

function askToSignIn(why = "") {
  under.abort();
  sessionStorage.removeItem(KEPT);
  openToken = null;
  enter(false);
  byId("sign-in-problem").textContent = why;
  byId("client-id").focus();
}

/** Ends the sign-in and forgets the search; a sign-in that has ended by itself goes on with it. */
function signOut() {
  askToSignIn();
  under = new AbortController(); // what is under way may show nothing any more
  busy(false);
  catalogue = null;
  uploads.clear();
  history.replaceState(null, "", location.pathname);
  document.title = TITLE;
  byId("catalogue").textContent = "";
  form.read(new URLSearchParams(), null);
  form.offer([]);
  shown([]);
}

const isUnknown = ({ status }) => status === 401 || status === 403;

function enter(inside) {
  byId("sign-in").hidden = inside;
  byId("search-page").hidden = !inside;
  byId("sign-out").hidden = !inside || openToken !== null;
}

async function signIn() {
  const button = byId("credentials").querySelector("button");
  button.disabled = true;
  byId("sign-in-problem").textContent = "";
  try {
    const [id, secret] = ["client-id", "client-secret"].map((field) => byId(field).value.trim());
    sessionStorage.setItem(KEPT, await service.logIn(id, secret));
    byId("client-secret").value = "";
    await begin();
    if (!byId("search-page").hidden) byId("file").focus();
  } catch (problem) {
    byId("sign-in-problem").textContent = isUnknown(problem)
      ? "The client id or the client secret is wrong."
      : `${problem.message}. ${problem.advice ?? ""}`;
  } finally {
    button.disabled = false;
  }
}

// Beginning.

async function begin() {
  try {
    openToken = await service.openToken();
    if (token() === null) return askToSignIn();
    const found = await service.catalogue(token());
    if (token() === null) return; // signed out in the meantime
    catalogue = found;
  } catch (problem) {
    enter(true);
    return fail(problem);
  }
  enter(true);
  byId("catalogue").textContent = counted(catalogue.images, "image");
  form.offer(catalogue.columns);
  return recall();
}

function listen() {
  byId("query").addEventListener("submit", (event) => {
    event.preventDefault();
    search();
  });
  for (const id of ["group", "within", "limit"]) byId(id).addEventListener("change", () => search());
  byId("clear").addEventListener("click", () => {
    form.fill({ picture: null });
    search();
    byId("file").focus();
  });
  byId("credentials").addEventListener("submit", (event) => {
    event.preventDefault();
    signIn();
  });
  byId("sign-out").addEventListener("click", signOut);
  byId("show-metadata").addEventListener("change", ({ target }) => {
    byId("results").classList.toggle("without-metadata", !target.checked);
  });
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    show(byId("results"));
  });
  takeImages((file, { pasted, of }) => {
    if (byId("search-page").hidden) return;
    form.fill({ picture: { file, name: file.name, pasted } });
    search({ note: of > 1 ? `Of ${of} files the first is searched with.` : "" });
  }, refuse);
  copyOnClick(byId("copy"), byId("copy-above"));
  addEventListener("popstate", recall);
}

clearPicture();
listen();
begin();
