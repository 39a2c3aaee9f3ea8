"""A missing extra is one line that says how to install it."""

import pytest

from keras_bert.errors import InputError
from keras_bert.evaluation.extras import import_extra


def test_found():
    assert import_extra("json").loads("1") == 1


def test_missing():
    with pytest.raises(InputError, match=r"no_such_package is not installed; pip install 'bert-for-keras\[train\]'"):
        import_extra("no_such_package.part")


def test_the_extra_is_named():
    with pytest.raises(InputError, match=r"pip install 'bert-for-keras\[generate\]'"):
        import_extra("no_such_package", "generate")
