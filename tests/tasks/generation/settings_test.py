"""What goes together, and what is read from a `generation_config.json`."""

import pytest

from keras_bert.errors import InputError
from keras_bert.tasks.generation.settings import GenerationSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_beams": 0}, "num_beams is 0; it must be a whole number from 1"),
        ({"max_new_tokens": 2.5}, "max_new_tokens is 2.5"),
        ({"min_new_tokens": 9, "max_new_tokens": 9}, "leaves no room for an end"),
        ({"num_return_sequences": 5}, "num_return_sequences=5 is more than num_beams=4"),
        ({"early_stopping": "later"}, "early_stopping is 'later'"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0"),
    ],
)
def test_what_does_not_go_together_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        GenerationSettings(**values)


def test_unknown_fields_of_a_file_are_left():
    read = GenerationSettings.of({"num_beams": 5, "transformers_version": "5.24.0", "length_penalty": None})
    assert read == GenerationSettings(num_beams=5)
    assert GenerationSettings.of(read.to_dict()) == read
