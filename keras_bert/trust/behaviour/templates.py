"""Sentences made of templates: `{name} is not {adjective}.`, with lists of words for the names in braces."""

import itertools
import math
import random
import re
from collections.abc import Iterator, Mapping, Sequence

from keras_bert.errors import InputError

_PLACE = re.compile(r"\{([^\W\d_]+(?:_[^\W\d_]+)*)(\d*)\}")

Words = Mapping[str, Sequence[str]]


def places(templates: Sequence[str]) -> list[tuple[str, str]]:
    """Returns the places of templates as they come, each once: name of the list, and the number behind it.

    Example:
        >>> places(["{name1} called {name2} on {day}."])
        [('name', '1'), ('name', '2'), ('day', '')]
    """
    return list(dict.fromkeys(found for template in templates for found in _PLACE.findall(template)))


def fillings(
    templates: Sequence[str],
    words: Words,
    source: str,
    limit: int,
    seed: int = 0,
    keep: Sequence[tuple[str, str]] = (),
) -> Iterator[dict[str, str]]:
    """Yields what goes into the places of templates.

    The same place has the same word in all of them; places of one list with different numbers, `{name1}` and
    `{name2}`, have different words.

    Args:
        templates: Sentences with places.
        words: Name of a list → its words.
        source: Where the templates stand, for messages.
        limit: So many at most; of more, some are drawn.
        seed: Of the drawing.
        keep: Places to leave open.

    Raises:
        InputError: A place without a list, or with too short a one.

    Example:
        >>> words = {"name": ["Ana", "Li"], "day": ["Monday"]}
        >>> [filled("{name1} called {name2}.", each) for each in fillings(["{name1} called {name2}."], words, "", 9)]
        ['Ana called Li.', 'Li called Ana.']
    """
    found = [place for place in places(templates) if place not in keep]
    for name, _ in found:
        if name not in words:
            known = ", ".join(words) or "there is none"
            raise InputError(f"{source}: {{{name}}} names no list of words; the lists are: {known}")
    sizes = [len(words[name]) for name, _ in found]
    total = math.prod(sizes)
    # The numbers of all combinations, each a number of digits of unlike bases; more are drawn than are needed, since
    # some have a word twice.
    if total <= max(limit, 10_000):
        numbers = list(range(total))
        if total > limit:
            random.Random(f"{seed} {templates}").shuffle(numbers)
    else:
        numbers = random.Random(f"{seed} {templates}").sample(range(total), min(total, 20 * limit))
    different = (
        filling for filling in (_combination(number, found, sizes, words) for number in numbers) if _differ(filling)
    )
    chosen = itertools.islice(different, limit)
    first = next(chosen, None)
    if first is None:
        raise InputError(f"{source}: no words for the places; a list is empty, or has fewer words than places")
    for filling in (first, *chosen):
        yield {name + number: word for (name, number), word in filling.items()}


def filled(template: str, filling: Mapping[str, str]) -> str:
    """Puts words into a template; places that have none stay.

    Args:
        template: A sentence with places.
        filling: Place → word.
    """
    return _PLACE.sub(lambda found: filling.get(found[1] + found[2], found[0]), template)


def _combination(
    number: int, found: Sequence[tuple[str, str]], sizes: Sequence[int], words: Words
) -> dict[tuple[str, str], str]:
    filling = {}
    for place, size in reversed(list(zip(found, sizes, strict=True))):
        number, at = divmod(number, size)
        filling[place] = words[place[0]][at]
    return dict(reversed(filling.items()))


def _differ(filling: Mapping[tuple[str, str], str]) -> bool:
    numbered = [(name, word) for (name, number), word in filling.items() if number]
    return len(set(numbered)) == len(numbered)
