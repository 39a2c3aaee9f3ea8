"""Settings as they come out; what is refused is tested with the run, in run_test.py."""

from keras_bert.training import RunSettings


def test_settings_are_taken_by_name():
    settings = RunSettings.of({"epochs": 5, "monitor": "f1"})
    assert (settings.epochs, settings.monitor, settings.batch_size) == (5, "f1", 32)
