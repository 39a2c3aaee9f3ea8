"""Labels of all scripts are drawn where a font is installed; where none is, one warning names a font."""

import logging
from pathlib import Path

import matplotlib.figure
import matplotlib.font_manager
import numpy as np
import pytest

from keras_bert.evaluation import plot_confusion
from keras_bert.evaluation.fonts import FIRST, drawable, fonts_for

# In Unicode's private use area, which no font of a script has.
PRIVATE = "\ue123\uf456"


@pytest.fixture
def installed(tmp_path: Path):
    """Installs a font with some characters, each a square; gives a function that does it."""
    builder = pytest.importorskip("fontTools.fontBuilder")
    pens = pytest.importorskip("fontTools.pens.ttGlyphPen")
    entries = matplotlib.font_manager.fontManager.ttflist
    before = list(entries)

    def install(name: str, characters: str) -> None:
        pen = pens.TTGlyphPen(None)
        pen.moveTo((0, 0))
        for point in ((0, 900), (900, 900), (900, 0)):
            pen.lineTo(point)
        pen.closePath()
        square = pen.glyph()
        glyphs = {".notdef": square, **{f"glyph{number}": square for number in range(len(characters))}}
        font = builder.FontBuilder(1000, isTTF=True)
        font.setupGlyphOrder(list(glyphs))
        font.setupCharacterMap({ord(character): f"glyph{n}" for n, character in enumerate(characters)})
        font.setupGlyf(glyphs)
        font.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
        font.setupHorizontalHeader(ascent=1000, descent=0)
        font.setupNameTable({"familyName": name, "styleName": "Regular"})
        font.setupOS2()
        font.setupPost()
        path = tmp_path / f"{name}.ttf"
        font.save(path)
        matplotlib.font_manager.fontManager.addfont(path)

    yield install
    entries[:] = before


def test_latin_needs_no_other_font():
    assert fonts_for(["label", "Größe", "число", " \n"]) == ([FIRST], set())
    assert fonts_for([]) == ([FIRST], set())


def test_fonts_are_chosen_until_all_characters_are_there(installed):
    installed("One", PRIVATE[0])
    installed("Two", PRIVATE + "\ue777")
    assert fonts_for([f"a{PRIVATE[0]}", PRIVATE[1]]) == ([FIRST, "Two"], set())
    families, missing = fonts_for([PRIVATE, "\ue888"])
    assert (families, missing) == ([FIRST, "Two"], {"\ue888"})


def test_what_no_font_has_becomes_a_number_with_one_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert drawable(["good", f"a{PRIVATE[0]}", "bad"], set(PRIVATE)) == ["good", "class 1", "bad"]
        assert drawable(["good"], set()) == ["good"]
    (message,) = caplog.messages
    assert "fonts-noto-cjk (apt install fonts-noto-cjk)" in message


def test_a_picture_is_drawn_with_the_font_that_there_is(installed, tmp_path, monkeypatch, caplog, recwarn):
    installed("Two", PRIVATE)
    saved = []
    save = matplotlib.figure.Figure.savefig
    monkeypatch.setattr(
        matplotlib.figure.Figure, "savefig", lambda figure, *a, **b: (saved.append(figure), save(figure, *a, **b))
    )
    plot_confusion(np.array([0, 1]), np.array([0, 1]), ["no", f"yes {PRIVATE}"], tmp_path / "c.png")
    labels = saved[0].axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["no", f"yes {PRIVATE}"]
    assert labels[1].get_fontfamily() == [FIRST, "Two"]
    assert not [warning for warning in recwarn if "missing from" in str(warning.message)]
    assert not caplog.messages
