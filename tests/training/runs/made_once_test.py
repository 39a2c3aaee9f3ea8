"""What is counted is what is trained on; what was trained on is made anew."""

import tensorflow as tf

from keras_bert.training.runs.made_once import MadeOnce


def test_it_makes_an_epoch_once_and_again_for_the_next_time():
    made: list[int] = []

    def make(epoch: int) -> tf.data.Dataset:
        made.append(epoch)
        return tf.data.Dataset.range(6).shuffle(6, seed=epoch).batch(2)

    batches = MadeOnce(make)
    assert [batches.count(0), batches.count(0)] == [3, 3]
    first = [batch.numpy().tolist() for batch in batches(0)]
    assert made == [0]
    assert [batch.numpy().tolist() for batch in batches(0)] == first
    assert made == [0, 0]
