"""Fonts for the labels of a picture, in whatever script they are written."""

from collections.abc import Iterable, Sequence

from absl import logging

from keras_bert.evaluation.extras import import_extra

FIRST = "DejaVu Sans"
"""What matplotlib brings along: Latin, Greek, Cyrillic and some more, no Chinese, Japanese or Korean."""

ADVICE = "fonts-noto-cjk (apt install fonts-noto-cjk) has those of Chinese, Japanese and Korean"


def fonts_for(texts: Iterable[str]) -> tuple[list[str], set[str]]:
    """Chooses fonts that together have the characters of some texts.

    Args:
        texts: What is to be drawn.

    Returns:
        Names of families, which matplotlib tries in this order for each character, and the characters that no
        installed font has.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> fonts_for(["label"])
        (['DejaVu Sans'], set())
    """
    manager = import_extra("matplotlib.font_manager")
    families = [FIRST]
    missing = {character for text in texts for character in text if not character.isspace()}
    missing -= _characters(manager, manager.findfont(FIRST))
    if not missing:
        return families, missing
    # A font of a language has nearly all of its characters: a few fonts suffice, and each is opened once.
    found = {entry.name: _characters(manager, entry.fname) & missing for entry in _regular(manager)}
    while found and missing:
        best = max(sorted(found), key=lambda name: len(found[name] & missing))
        if not found[best] & missing:
            break
        families.append(best)
        missing -= found.pop(best)
    return families, missing


def drawable(labels: Sequence[str], missing: set[str]) -> list[str]:
    """Replaces labels with characters that no font has by the numbers of their classes, and warns once.

    Args:
        labels: Names of classes in the order of their numbers.
        missing: Characters that cannot be drawn, as `fonts_for` gives them.

    Returns:
        As many names.
    """
    if not missing:
        return list(labels)
    logging.warning(
        "no installed font has %s: classes with such labels are shown by their number, from 0; install a font, %s, "
        "and delete matplotlib's cache of fonts if it is not found (python -c 'import matplotlib as m; "
        "print(m.get_cachedir())')",
        " ".join(sorted(missing)[:20]) + (" ..." if len(missing) > 20 else ""),
        ADVICE,
    )
    return [f"class {number}" if missing & set(label) else label for number, label in enumerate(labels)]


def _regular(manager: object) -> list:
    """Installed fonts, one file a family: the upright one of ordinary weight."""
    entries = manager.fontManager.ttflist  # type: ignore[attr-defined]
    # It "has" every character: as a box with the name of the script in it.
    entries = [entry for entry in entries if not entry.name.replace(" ", "").startswith("LastResort")]
    order = sorted(entries, key=lambda entry: (entry.style != "normal", str(entry.weight) not in ("400", "normal")))
    return list({entry.name: entry for entry in reversed(order)}.values())


def _characters(manager: object, path: str) -> set[str]:
    """The characters that a font file has; none of one that matplotlib cannot draw, such as a colour font."""
    try:
        return set(map(chr, manager.get_font(path).get_charmap()))  # type: ignore[attr-defined]
    except (OSError, RuntimeError):
        return set()
