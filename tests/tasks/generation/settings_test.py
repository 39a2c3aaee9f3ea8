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
        ({"num_return_sequences": 5}, r"num_return_sequences=5 \(--num_hypotheses\) is more than num_beams=4"),
        ({"early_stopping": "later"}, "early_stopping is 'later'"),
        ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"temperature": float("inf")}, "temperature is inf; it must be a number above 0"),
        ({"length_penalty": float("nan")}, "length_penalty is nan; it must be a number"),
        ({"top_p": 0.0}, "top_p is 0.0"),
        ({"top_k": -1}, "top_k is -1"),
        ({"do_sample": True}, "with num_beams=1, not 4"),
        ({"length_penalty_type": "words"}, "length_penalty_type is 'words'"),
        ({"as_long_as_source": True, "min_new_tokens": 3}, "min_new_tokens says another"),
        ({"forbidden_words": "bad"}, "it must be a list of words"),
    ],
)
def test_what_does_not_go_together_is_refused(values, message):
    with pytest.raises(InputError, match=message):
        GenerationSettings(**values)


def test_unknown_fields_of_a_file_are_left():
    read = GenerationSettings.known({"num_beams": 5, "transformers_version": "5.24.0", "length_penalty": None})
    assert read == {"num_beams": 5}
    assert GenerationSettings(**GenerationSettings.known({"do_sample": True, "top_k": 50})).num_beams == 1
    words = GenerationSettings(forbidden_words=["bad"])
    assert words.to_dict()["forbidden_words"] == ["bad"]
    assert GenerationSettings(**words.to_dict()) == words
