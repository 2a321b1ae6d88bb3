// Writes the Python code that makes a call.

import { address, host } from "./service.js";

/** A string as Python writes it, whatever it holds: what cannot be seen is escaped. */
export function literal(text) {
  return `"${text.replace(/["\\]|(?! )[\p{C}\p{Z}]/gu, escaped)}"`;
}

function escaped(character) {
  if (character === '"' || character === "\\") return `\\${character}`;
  const code = character.codePointAt(0);
  if (code > 0xffff) return `\\U${code.toString(16).padStart(8, "0")}`;
  return code > 0xff ? `\\u${code.toString(16).padStart(4, "0")}` : `\\x${code.toString(16).padStart(2, "0")}`;
}

/** A program that makes the call and prints what it finds; `openToken` is null where the token is a secret. */
export function programFor(call, embeddingId, openToken) {
  const picture = call.positional.find(([name]) => name === "file")?.[1];
  return `${[
    ...imports(picture),
    "",
    `EMBEDDING_ID = ${literal(embeddingId)}`,
    "",
    ...configuration(openToken),
    ...(picture ? photo(picture) : []),
    "with coactive.ApiClient(configuration) as api_client:",
    "    api = SimilaritySearchApi(api_client)",
    `    found = api.${call.operation}(`,
    ...["EMBEDDING_ID", ...call.positional.map(positional), ...call.keyword.map(keyword)].map((it) => `        ${it},`),
    "    )",
    ...(call.grouped ? PRINT_GROUPS : PRINT_IMAGES),
  ].join("\n")}\n`;
}

const PRINT_IMAGES = ['    for image in found["data"]:', '        print(image["path"], image["score"])'];

const PRINT_GROUPS = [
  "    for group in found.data:",
  "        print(group.group)",
  "        for image in group.images:",
  '            print("   ", image.path, image.score)',
];

function imports(picture) {
  const third = picture?.id ? ["import urllib3"] : [];
  return ["import coactive", ...third, "from coactive.apis import SimilaritySearchApi"];
}

function configuration(openToken) {
  const secret = openToken === null;
  const settings = [`host=${literal(host)}`];
  if (!secret) settings.push(`access_token=${literal(openToken)}`);
  if (!isSafe(new URL(host))) settings.push("allow_insecure_http=True");
  return [
    ...(secret ? ["# Reads COACTIVE_CLIENT_ID and COACTIVE_CLIENT_SECRET from the environment."] : []),
    "configuration = coactive.Configuration(",
    ...settings.map((setting) => `    ${setting},`),
    ")",
  ];
}

const isSafe = ({ protocol, hostname }) =>
  protocol === "https:" || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);

function photo(picture) {
  if (picture.id) return fetched(address(`images/${picture.id}`));
  const missing = picture.pasted ? "save the pasted image first, then give its path" : FOLDER;
  return [`photo = ${literal(picture.name)}  # ${missing}`];
}

const FOLDER = "add its folder, which a browser does not tell";

function fetched(url) {
  return [
    `answer = urllib3.request("GET", ${literal(url)})`,
    'if answer.status != 200: raise SystemExit(f"{answer.url}: {answer.status} {answer.reason}")',
    "photo = answer.data",
  ];
}

const positional = ([name, value]) => (name === "file" ? "photo" : literal(value));

const keyword = ([name, value]) => `${name}=${typeof value === "number" ? value : literal(value)}`;
