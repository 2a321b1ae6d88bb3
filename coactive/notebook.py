"""Results as pictures: what a notebook shows of the answer to any of the searches.

    found = api.get_similar_images(embedding_id, "photo.jpg")
    coactive.notebook.gallery(found, file="photo.jpg")

A `SimilaritySearchResponse` shows itself like that, and has the methods of a `Gallery` too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from coactive import comparison, records
from coactive.display.grid import MOST, grid
from coactive.display.ipython import shell
from coactive.display.query import Query, query_of, remembered
from coactive.display.text import lines
from coactive.groups import best, groups_of
from coactive.model.similar_image_group import SimilarImageGroup

if TYPE_CHECKING:
    from pandas import DataFrame

    from coactive.image_file import ImageFile


def gallery(answer: Any, *, file: ImageFile | None = None, query: str | None = None) -> Gallery:
    """The pictures of an answer.

    Args:
        answer: a `SimilaritySearchResponse`, or the JSON of a search as plain Python values: what
            `get_similar_images` returns, or an answer that was saved.
        file: the image that was searched by, to be shown beside what was found; anything that the searches take.
        query: the phrase that was searched by, likewise.

    Raises:
        ApiTypeError: an argument is none of these; the message names it.
        ApiValueError: `file` cannot be read.
    """
    groups = groups_of("answer", answer)
    asked: dict[str, str] = getattr(answer, "_asked", None) or {}
    return Gallery(groups, query_of(file, query) or remembered(**asked))


class Gallery:
    """What a search found, as pictures in a notebook and as text elsewhere.

    Attributes:
        groups: what was found; of an answer without groups a single one without a name.
    """

    def __init__(self, groups: Sequence[SimilarImageGroup], query: Query | None = None) -> None:
        self.groups = groups
        self._query = query

    def show(self, *, fetch: bool = False) -> None:
        """Show it here: as pictures in a notebook, printed as text elsewhere.

        Args:
            fetch: whether Python fetches the pictures and embeds small ones, so that they are there when the addresses
                no longer are, or cannot be reached by the browser. The token is not sent. It needs Pillow, and shows a
                progress bar with tqdm.

        Raises:
            ModuleNotFoundError: Pillow is missing, in a notebook, with `fetch`.
        """
        if shell() is None:
            print(self)
            return
        from IPython.display import display

        pictures = self._fetched() if fetch else {}
        html = grid(self.groups, self._query, pictures)
        display({"text/html": html, "text/plain": str(self)}, raw=True)  # type: ignore[no-untyped-call]

    def _fetched(self) -> dict[str, str | None]:
        from coactive.display.download import thumbnails
        from coactive.display.thumbnail import require_pillow

        require_pillow()
        shown = best(self.groups, MOST)
        return thumbnails(image.url for group, count in shown for image in group.images[:count])

    def to_records(self) -> list[dict[str, Any]]:
        """One flat dict an image, all with the same keys; None stands for what an image lacks.

        The keys are `rank` (1 is the best of its group), `group`, `id`, `score`, `path`, `url`, and `metadata.KEY` for
        each key of the metadata that any image has.
        """
        return records.to_records(self.groups)

    def to_dataframe(self) -> DataFrame:
        """The records as a pandas DataFrame.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        return records.to_dataframe(self.groups)

    def compare(self, other: Any, k: int | None = None) -> comparison.Comparison:
        """What changed from this answer to another one.

        Args:
            other: a `Gallery`, or anything that `gallery` takes.
            k: how many of the best images count; None: all.

        Raises:
            ApiTypeError, ApiValueError: an argument is none of these; the message names it.
        """
        after = other.groups if isinstance(other, Gallery) else groups_of("other", other)
        return comparison.compare(self.groups, after, k)

    def _repr_html_(self) -> str:
        return grid(self.groups, self._query, {})

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self) -> str:
        return "\n".join(lines(self.groups, self._query))

    def __repr__(self) -> str:
        return f"<Gallery: {next(lines(self.groups, self._query))}>"
