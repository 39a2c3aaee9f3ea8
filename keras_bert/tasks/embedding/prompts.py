"""Prompts: what stands before a text, by names, so that a model knows a query from a document."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence

from keras_bert.errors import InputError

QUERY_NAMES = ("query",)
DOCUMENT_NAMES = ("document", "passage", "corpus")
"""Names of prompts for what is searched for and for what is found, the first that a model has."""


class Prompts:
    """The prompts of a model.

    Args:
        texts: Prompts by name.
        default: Name of the one that stands before a text of which nothing is said; None for none.
        of_rows: Names for the texts of a row to learn from: `text`, `text_pair`, `negative`; None where nothing is
            said. A name that is missing at the end is that of the text before it.

    Raises:
        InputError: One of the names is none of `texts`.

    Example:
        >>> prompts = Prompts({"query": "query: "})
        >>> prompts.text("query"), prompts.text(None), prompts.text("")
        ('query: ', '', '')
    """

    def __init__(self, texts: Mapping[str, str], default: str | None, of_rows: Sequence[str | None] = ()) -> None:
        for name, text in texts.items():
            if not name or not isinstance(name, str) or not isinstance(text, str):
                raise InputError(f"prompts must be texts by name, received: {name!r:.40}: {text!r:.40}")
        self.texts = dict(texts)
        self.default = default
        self.text(None)
        self.set_rows(of_rows)

    @contextlib.contextmanager
    def with_default(self, name: str | None) -> Iterator[None]:
        """Makes another prompt the default inside; None leaves it as it is."""
        self.text(name)
        before = self.default
        self.default = before if name is None else name
        try:
            yield
        finally:
            self.default = before

    def set_rows(self, names: Sequence[str | None]) -> None:
        """Sets the names for the texts of a row; see the class."""
        for name in names:
            self.text(name)
        self.of_rows = tuple(names)

    def text(self, name: str | None) -> str:
        """Returns the prompt of a name; None is the default, "" is no prompt.

        Raises:
            InputError: There is no such prompt.
        """
        name = self.default if name is None else name
        if not name:
            return ""
        if name not in self.texts:
            known = ", ".join(self.texts) or "none"
            raise InputError(f"there is no prompt {name!r}; the model has: {known}")
        return self.texts[name]

    def of_column(self, index: int) -> str:
        """Returns the prompt for the text number `index` of a row to learn from."""
        return self.text(self.name_of_column(index))

    def name_of_column(self, index: int) -> str | None:
        """Returns its name; None is the default."""
        return self.of_rows[min(index, len(self.of_rows) - 1)] if self.of_rows else None

    def for_search(self, names: Sequence[str]) -> str | None:
        """Returns the first of `names` that the model has, None where it has none of them: the default."""
        return next((name for name in names if name in self.texts), None)
