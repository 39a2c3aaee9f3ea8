"""Names of arguments that nothing reads are refused, with the near one, before anything is opened."""

import pytest

import keras_bert
from keras_bert.arguments import arguments_of, check_arguments, check_options, refuse_unknown
from keras_bert.errors import InputError
from tests.tasks import tiny

TASKS = [name for name in keras_bert.__all__ if name.startswith("Bert") and hasattr(getattr(keras_bert, name), "fit")]
TASKS.remove("BertEncoder")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("max_len", "did you mean 'max_length'?"),
        ("dtyp", "did you mean 'dtype'?"),
        ("zzz", "the arguments are: handle"),
    ],
)
def test_from_preset_names_the_near_argument_before_it_opens_anything(task, name, near):
    with pytest.raises(InputError, match=rf"^{task}.from_preset takes no argument '{name}'; ") as error:
        getattr(keras_bert, task).from_preset("hf://nobody/nothing-there", **{name: 16})
    assert near in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"class_weight": {"a": 1.0}}, "'class_weight'; did you mean 'class_weights'?"),
        ({"num_labels": 3}, "'num_labels'; did you mean 'labels'?"),
        ({"max_seq_length": 3}, "'max_seq_length'; did you mean 'max_length'?"),
        ({"encoder": None}, "'encoder'; "),
    ],
)
def test_from_preset_knows_the_arguments_of_the_constructor(options, message):
    with pytest.raises(InputError) as error:
        keras_bert.BertClassifier.from_preset("hf://nobody/nothing-there", labels=["a", "b"], **options)
    assert message in str(error.value)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ["dtype", "inputs", "max_length"])
def test_constructors_refuse_what_keras_would_drop(task, name):
    """`inputs` is an argument of the base, which a task fills in itself."""
    cls = getattr(keras_bert, task)
    labels = [["a", "b"]] if "labels" in arguments_of(cls.__init__) else []
    with pytest.raises(InputError, match=f"^{task} takes no argument '{name}'"):
        cls(None, None, *labels, **{name: 1})


@pytest.mark.parametrize("task", ["BertEmbedder", "BertMultipleChoice", "BertQuestionAnswerer", "BertTokenClassifier"])
def test_a_task_with_texts_of_its_own_refuses_text_pair(task):
    cls = getattr(keras_bert, task)
    labels = [["a", "b"]] if "labels" in arguments_of(cls.__init__) else []
    with pytest.raises(InputError, match=f"^{task} takes no argument 'text_pair'"):
        cls(None, None, *labels, text_pair=True)


def test_the_encoder_refuses_and_takes():
    with pytest.raises(InputError, match=r"^BertEncoder takes no argument 'use_poolers'; did you mean 'use_pooler'\?$"):
        keras_bert.BertEncoder(tiny.config(), use_poolers=False)
    assert keras_bert.BertEncoder(tiny.config(), name="mine", trainable=False).name == "mine"


def test_layers_of_text_refuse_and_take():
    tokenizer = keras_bert.BertTokenizer(tiny.VOCABULARY, name="mine")
    assert tokenizer.name == "mine"
    with pytest.raises(InputError, match=r"^BertPreprocessor takes no argument 'max_len'; did you mean 'max_length'"):
        keras_bert.BertPreprocessor(tokenizer, max_len=16)
    with pytest.raises(InputError, match=r"^BertTokenizer takes no argument 'lower_case'; did you mean 'lowercase'"):
        keras_bert.BertTokenizer(tiny.VOCABULARY, lower_case=True)


@pytest.mark.parametrize("optimizer", ["AdamW", "Lamb"])
def test_optimizers_name_the_near_one(optimizer):
    with pytest.raises(InputError, match=f"^{optimizer} takes no argument 'clip_norm'; did you mean 'clipnorm'"):
        getattr(keras_bert.training, optimizer)(1e-4, clip_norm=1.0)
    with pytest.raises(InputError, match=f"^{optimizer} takes no argument 'beta1'; did you mean 'beta_1'"):
        getattr(keras_bert.training, optimizer)(1e-4, beta1=0.9)


def test_convert_names_the_near_one(tmp_path):
    with pytest.raises(InputError, match=r"^convert takes no argument 'lower_case'; did you mean 'lowercase'"):
        keras_bert.checkpoints.convert("minilm", tmp_path / "out", lower_case=True)
    assert not list(tmp_path.iterdir())


def test_a_subclass_that_passes_everything_on_takes_what_its_base_takes():
    class Mine(keras_bert.BertClassifier):
        def __init__(self, *args, shade: int = 0, **kwargs):
            super().__init__(*args, **kwargs)
            self.shade = shade

    check_options(Mine, ["shade", "class_weights", "threshold", "name", "max_length"])
    with pytest.raises(InputError, match=r"^Mine.from_preset takes no argument 'shades'; did you mean 'shade'"):
        check_options(Mine, ["shades"])


def test_names_that_are_known_pass():
    refuse_unknown("f", ["a"], ["a", "b"])
    check_arguments(keras_bert.BertEncoder, {"name": "x", "trainable": False})
