"""The parts together are the text that a search finds."""

from typing import Any

import pytest

from tests.tasks import tiny
from tests.tasks.tiny_sequences import writer


@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "temperature": 1.5, "top_k": 6}])
def test_the_parts_make_the_answer(settings: dict[str, Any]):
    model = writer(generation={"num_beams": 1, "max_new_tokens": 7, "min_new_tokens": 3, **settings})
    for text in tiny.TEXTS[:2]:
        parts = list(model.stream(text, seed=5))
        assert all(parts)
        assert "".join(parts) == model.answer([text], seed=5)[0]["text"]
    begun = "".join(model.stream(tiny.TEXTS[0], prefix="the film", seed=5))
    assert begun == model.answer(tiny.TEXTS[:1], prefix="the film", seed=5)[0]["text"]
