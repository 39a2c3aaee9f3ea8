"""Explanations as pictures: bars of words, and maps of attention."""

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from absl import logging

from keras_bert.errors import InputError, one_line
from keras_bert.evaluation.extras import import_extra
from keras_bert.evaluation.fonts import ADVICE, fonts_for
from keras_bert.files import write_file
from keras_bert.trust.page.markup import AGAINST, FOR

MOST_TEXTS = 8
"""Texts of one picture at most."""

MOST_WORDS = 30
"""Words of a text in a picture: the strongest, in the order of the text."""

_MOST_TOKENS = 64


def draw_explained(path: str | Path, explained: Iterable[Mapping[str, Any]]) -> None:
    """Draws what a picture holds of explanations: bars of the first eight texts, or the attention maps of the first.

    Args:
        path: The .png to write.
        explained: What `keras_bert.trust.explain` gives.

    Raises:
        InputError: matplotlib is not installed, or there are no words to draw.
    """
    found = list(explained)
    with_maps = [one for one in found if one.get("maps")]
    if with_maps:
        draw_attention(path, with_maps[0])
    else:
        draw_words(path, [one for one in found if one["words"]][:MOST_TEXTS])


def draw_words(path: str | Path, explained: Iterable[Mapping[str, Any]]) -> None:
    """Draws the values of words as bars, a panel a text.

    Args:
        path: The .png to write.
        explained: Up to eight of what `keras_bert.trust.explain` gives.

    Raises:
        InputError: matplotlib is not installed; there are no texts, or too many for a picture.

    Example:
        >>> draw_words("explained.png", model.explain(["a gripping film"]))  # doctest: +SKIP
    """
    figures = import_extra("matplotlib.figure")
    found = [one for one in explained if one["words"]]
    if not 1 <= len(found) <= MOST_TEXTS:
        raise InputError(f"{len(found)} explained texts with words; a picture has 1 to {MOST_TEXTS}, a page any number")
    shown = [_strongest(one["words"]) for one in found]
    names, families = _drawable([[one_line(word["text"], 24) for word in words] for words in shown])
    heights = [0.24 * len(words) + 0.9 for words in shown]
    figure = figures.Figure(figsize=(7, sum(heights)), layout="constrained")
    panels = figure.subplots(len(found), 1, squeeze=False, height_ratios=heights)[:, 0]
    for axes, one, words, labels in zip(panels, found, shown, names, strict=True):
        values = np.array([word["value"] for word in words])
        colours = [tuple(part / 255 for part in (FOR if value >= 0 else AGAINST)) for value in values]
        axes.barh(range(len(words)), values, color=colours)
        axes.set_yticks(range(len(words)), labels, family=families, parse_math=False)
        axes.invert_yaxis()
        axes.axvline(0, color="0.5", linewidth=0.8)
        (title,), _ = _drawable([[one_line(str(one["label"]), 60)]])
        axes.set_title(
            f"{title[0]} ({one['method'].replace('_', ' ')})", family=families, parse_math=False, fontsize=10
        )
    _write(figure, path)


def draw_attention(path: str | Path, explained: Mapping[str, Any], number: int = 0) -> None:
    """Draws the attention maps of a text, a panel for each chosen layer and head.

    Args:
        path: The .png to write.
        explained: One of what `keras_bert.trust.explain(..., method="attention")` gives.
        number: Which of its maps, 0 unless several rows went through the encoder.

    Raises:
        InputError: matplotlib is not installed; or there is no such map.
    """
    figures = import_extra("matplotlib.figure")
    maps = explained.get("maps") or ()
    if not 0 <= number < len(maps):
        raise InputError(f"the explanation has {len(maps)} attention maps, none of number {number}; method='attention'")
    found = maps[number]
    weights = np.asarray(found["weights"], "float64")
    (tokens,), families = _drawable([[one_line(token["text"], 24) for token in found["tokens"]]])
    layers, heads = weights.shape[:2]
    columns = min(heads, 4)
    rows = layers * -(-heads // columns)
    side = 0.16 * len(tokens) + 1.4 if len(tokens) <= _MOST_TOKENS else 4.0
    figure = figures.Figure(figsize=(side * columns, side * rows), layout="constrained")
    panels = iter(figure.subplots(rows, columns, squeeze=False).reshape(layers, -1, order="C"))
    for layer, of_layer, of_panels in zip(found["layers"], weights, panels, strict=True):
        for place, axes in enumerate(of_panels):
            if place >= heads:
                axes.set_axis_off()
                continue
            axes.imshow(of_layer[place], cmap="Blues", vmin=0)
            axes.set_title(f"layer {layer}, head {found['heads'][place]}", fontsize=8)
            labels = tokens if len(tokens) <= _MOST_TOKENS else []
            text = {"family": families, "parse_math": False, "fontsize": 6}
            axes.set_xticks(range(len(labels)), labels, rotation=90, **text)
            axes.set_yticks(range(len(labels)), labels, **text)
    _write(figure, path)


def _strongest(words: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    order = sorted(range(len(words)), key=lambda index: -abs(words[index]["value"]))[:MOST_WORDS]
    return [words[index] for index in sorted(order)]


def _drawable(names: Sequence[Sequence[str]]) -> tuple[list[list[str]], list[str]]:
    """Returns names that the installed fonts can draw, other characters as boxes, and the fonts."""
    families, missing = fonts_for(name for each in names for name in each)
    if missing:
        logging.warning(
            "no installed font has %s: drawn as boxes; install a font, %s", " ".join(sorted(missing)[:20]), ADVICE
        )
    boxes = {ord(character): "□" for character in missing}
    return [[name.translate(boxes) for name in each] for each in names], families


def _write(figure: Any, path: str | Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    write_file(path, buffer.getvalue())
