"""The values of `--task`: each has a model, and its flags are read by it alone."""

import pytest

import keras_bert
from keras_bert.errors import InputError
from tests.scripts.programs import imported


def test_every_kind_is_of_a_task_of_the_public_face():
    with imported("task_kinds") as module:
        for name, kind in module.KINDS.items():
            task = getattr(keras_bert, kind.task_class)
            assert kind.task_class == task.__name__, name
            assert module.kind_of(object.__new__(task)) is kind


def test_a_model_without_labelled_rows_is_refused():
    with imported("task_kinds") as module, pytest.raises(InputError, match="a BertPretrainer has no labelled rows"):
        module.kind_of(object.__new__(keras_bert.BertPretrainer))


def test_a_flag_of_another_kind_is_refused():
    with imported("task_kinds") as module:
        module.flags.FLAGS(["finetune", "--labels=a,b"])
        module.refuse_flags_of_others("classify")
        with pytest.raises(InputError, match="--labels is for --task=classify; --task=regress does not read it"):
            module.refuse_flags_of_others("regress")
