"""The answer of a grouped search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coactive.model.base import Model
from coactive.model.similar_image_group import SimilarImageGroup

if TYPE_CHECKING:
    from pandas import DataFrame

    from coactive.comparison import Comparison
    from coactive.image_file import ImageFile


class SimilaritySearchResponse(Model):
    """What a grouped search found.

    Attributes:
        data: the groups, in the order of their best image.
    """

    __slots__ = ("_asked",)  # beside the fields, which are the instance's __dict__

    data: list[SimilarImageGroup]

    def show(self, *, file: ImageFile | None = None, query: str | None = None, fetch: bool = False) -> None:
        """Show the images here: as pictures in a notebook, printed as text elsewhere.

        Args:
            file: the image that was searched by, to be shown beside them; None: the path that the call was given.
            query: the phrase that was searched by; None: the one that the call was given.
            fetch: whether Python fetches the pictures, and embeds small ones; see `coactive.notebook.Gallery.show`.
        """
        from coactive.notebook import gallery

        gallery(self, file=file, query=query).show(fetch=fetch)

    def to_records(self) -> list[dict[str, Any]]:
        """One flat dict an image, all with the same keys; None stands for what an image lacks.

        The keys are `rank` (1 is the best of its group), `group`, `id`, `score`, `path`, `url`, and `metadata.KEY` for
        each key of the metadata that any image has.
        """
        from coactive.records import to_records

        return to_records(self.data)

    def to_dataframe(self) -> DataFrame:
        """The records as a pandas DataFrame.

        Raises:
            ModuleNotFoundError: pandas is not installed.
        """
        from coactive.records import to_dataframe

        return to_dataframe(self.data)

    def compare(self, other: Any, k: int | None = None) -> Comparison:
        """What changed from this answer to another one; see `coactive.notebook.Gallery.compare`."""
        from coactive.notebook import Gallery

        return Gallery(self.data).compare(other, k)

    def _remember(self, asked: dict[str, str]) -> None:
        """Keep what the call was given, under the names of its arguments, to show it beside the images."""
        self._asked = asked

    def _repr_html_(self) -> str:
        from coactive.notebook import gallery

        return gallery(self)._repr_html_()

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        from coactive.notebook import gallery

        printer.text(str(gallery(self)))
