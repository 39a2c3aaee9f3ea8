"""What does not go together; see also `seq2seq_test.py`."""

import pytest

from keras_bert.errors import InputError
from tests.tasks.tiny_sequences import writer


def test_a_share_of_hidden_tokens_is_below_one():
    with pytest.raises(InputError, match="target_dropout is 1"):
        writer(target_dropout=1)
