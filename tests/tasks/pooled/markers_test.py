"""Which markers a head reads, and what is said of texts without them."""

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.pooled.markers import marker_ids, warn_of_unmarked
from tests.tasks import tiny


def test_a_preprocessor_without_markers_is_refused():
    with pytest.raises(InputError, match="needs a preprocessor with markers="):
        marker_ids(tiny.preprocessor())


def test_unmarked_texts_are_counted_and_the_first_is_named(caplog: pytest.LogCaptureFixture):
    with caplog.at_level("WARNING"):
        warn_of_unmarked([{"marked": True}, {"label": "x"}], 9)
        assert not caplog.records
        warn_of_unmarked([{"marked": True}, {"marked": False}, {"marked": False}], 9)
    (message,) = caplog.messages
    assert message.startswith("2 of 3 texts have no <e1> or no <e2> in their first 9 tokens, the first of them text 1")
