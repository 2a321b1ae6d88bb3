// Which operation answers a query, and with which arguments; the request and the Python code are both made from it.

const EMBEDDING = "embeddings/{embedding_id}";

const ENDPOINTS = {
  get_similar_images: { method: "POST", path: `api/v0/similarity-search/${EMBEDDING}/search` },
  get_similar_images_grouped: { method: "POST", path: `api/v0/similarity-search/${EMBEDDING}/grouped-search` },
  get_similar_images_grouped_semantic: {
    method: "POST",
    path: `api/v0/similarity-search/${EMBEDDING}/grouped-search/semantic`,
  },
  search_images_by_text_grouped: {
    method: "GET",
    path: `api/v0/similarity-search/similarity-search/${EMBEDDING}/grouped-search/text`,
  },
};

/**
 * The call for a query that has a picture, a phrase or both.
 *
 * `groupBy` is the key that the answer is grouped by, null for none; `notice` says what the reader did not choose.
 */
export function callFor({ picture, phrase, group, within, limit }, catalogue) {
  if (!picture) return byText(phrase, group, limit);
  if (!phrase) return group ? byImageGrouped(picture, group, limit) : byImage(picture, limit);
  const groupBy = group ?? catalogue.group_by;
  if (groupBy === null) {
    const notice = "These images have no metadata, so a phrase cannot refine the search: this is by the image alone.";
    return { ...byImage(picture, limit), notice };
  }
  const notice = group ? "" : `Grouped by “${groupBy}”: a search by image and phrase needs a key to group by.`;
  return { ...byBoth(picture, phrase, groupBy, within, limit), notice };
}

const byImage = (picture, limit) => call("get_similar_images", null, [["file", picture]], [["limit", limit]]);

function byImageGrouped(picture, groupBy, limit) {
  return call("get_similar_images_grouped", groupBy, [["group_by", groupBy], ["file", picture]], [["limit", limit]]);
}

function byBoth(picture, phrase, groupBy, within, limit) {
  const keyword = [["metadata_value", phrase], ["limit", limit]];
  if (within) keyword.unshift(["metadata_key", within]);
  return call("get_similar_images_grouped_semantic", groupBy, [["group_by", groupBy], ["file", picture]], keyword);
}

function byText(phrase, group, limit) {
  const keyword = [["limit", limit]];
  if (group) keyword.unshift(["group_by", group]);
  return call("search_images_by_text_grouped", group, [["query", phrase]], keyword);
}

function call(operation, groupBy, positional, keyword) {
  const grouped = operation !== "get_similar_images";
  return { operation, endpoint: ENDPOINTS[operation], groupBy, positional, keyword, grouped, notice: "" };
}
