"""One argument that the service would not take."""

from coactive.model.base import Model


class ValidationError(Model):
    """One argument that the service would not take, and why.

    Attributes:
        loc: where it stood, from the outside in, such as `["body", "limit"]`.
        msg: what is wrong with it.
        type: the kind of mistake, for programs.
    """

    loc: list[str | int]
    msg: str
    type: str
