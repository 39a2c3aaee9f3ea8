"""The server's configuration files are what TensorFlow Serving reads, and the compose file names them rightly."""

from pathlib import Path

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2

EXPORT = Path(__file__).resolve().parents[2] / "export"
FIELD = descriptor_pb2.FieldDescriptorProto
INT64_VALUE = wrappers_pb2.Int64Value.DESCRIPTOR.full_name

# Two of the server's protos are not in the tensorflow-serving-api package. These are their fields, from
# servables/tensorflow/session_bundle_config.proto and config/monitoring_config.proto in tensorflow/serving.
BATCHING = {
    "max_batch_size": (1, INT64_VALUE),
    "batch_timeout_micros": (2, INT64_VALUE),
    "max_enqueued_batches": (3, INT64_VALUE),
    "num_batch_threads": (4, INT64_VALUE),
    "thread_pool_name": (5, wrappers_pb2.StringValue.DESCRIPTOR.full_name),
    "allowed_batch_sizes": (6, [FIELD.TYPE_INT64]),
    "pad_variable_length_inputs": (7, FIELD.TYPE_BOOL),
}
PROMETHEUS = {"enable": (1, FIELD.TYPE_BOOL), "path": (2, FIELD.TYPE_STRING)}
MONITORING = {"prometheus_config": (1, "standin.PrometheusConfig")}


def make_messages(**messages):
    """Makes message classes of a proto3 file from name → field → (number, type); a list is a repeated field."""
    file = descriptor_pb2.FileDescriptorProto(name="standin.proto", package="standin", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for message, fields in messages.items():
        proto = file.message_type.add(name=message)
        for name, (number, kind) in fields.items():
            label = FIELD.LABEL_REPEATED if isinstance(kind, list) else FIELD.LABEL_OPTIONAL
            kind = kind[0] if isinstance(kind, list) else kind
            if isinstance(kind, str):
                proto.field.add(name=name, number=number, label=label, type=FIELD.TYPE_MESSAGE, type_name=f".{kind}")
            else:
                proto.field.add(name=name, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"standin.{name}")) for name in messages]


def read(name: str) -> str:
    return (EXPORT / name).read_text(encoding="utf-8")


def test_models():
    config_pb2 = pytest.importorskip("tensorflow_serving.config.model_server_config_pb2")
    config = text_format.Parse(read("models.config"), config_pb2.ModelServerConfig())
    (model,) = config.model_config_list.config
    assert model.name == "library_docs"
    assert model.base_path == "/models/library_docs"
    assert model.model_platform == "tensorflow"
    versions = list(model.model_version_policy.specific.versions)
    assert versions == [1]
    assert dict(model.version_labels) == {"stable": 1}
    assert set(model.version_labels.values()) <= set(versions)


def test_batching_parameters():
    (message,) = make_messages(BatchingParameters=BATCHING)
    parameters = text_format.Parse(read("batching_parameters.txt"), message())
    assert parameters.max_batch_size.value == 32
    assert parameters.num_batch_threads.value >= 1
    assert parameters.max_enqueued_batches.value >= parameters.num_batch_threads.value
    assert 0 < parameters.batch_timeout_micros.value <= 10_000
    assert not parameters.pad_variable_length_inputs, "the server would pad padding masks with ones"


def test_the_clients_send_no_more_than_the_server_takes():
    from command_line import make_parser

    (message,) = make_messages(BatchingParameters=BATCHING)
    parameters = text_format.Parse(read("batching_parameters.txt"), message())
    assert make_parser("").parse_args([]).batch_size <= parameters.max_batch_size.value


def test_monitoring():
    _, message = make_messages(PrometheusConfig=PROMETHEUS, MonitoringConfig=MONITORING)
    config = text_format.Parse(read("monitoring.config"), message())
    assert config.prometheus_config.enable
    assert config.prometheus_config.path.startswith("/")


def test_a_wrong_field_is_seen():
    (message,) = make_messages(BatchingParameters=BATCHING)
    with pytest.raises(text_format.ParseError, match="max_batch"):
        text_format.Parse("max_batch { value: 1 }", message())


def test_compose_file():
    compose = yaml.safe_load(read("docker-compose.yml"))
    service = compose["services"]["serving"]
    assert service["image"].startswith("${TF_SERVING_IMAGE:-tensorflow/serving:")
    assert service["ports"] == ["8500:8500", "8501:8501"]
    flags = dict(flag.removeprefix("--").split("=") for flag in service["command"])
    assert (flags["port"], flags["rest_api_port"]) == ("8500", "8501")
    inside = {}
    for volume in service["volumes"]:
        source, target, mode = volume.split(":")
        assert mode == "ro"
        inside[target] = EXPORT / source
    assert inside["/models"] == EXPORT / "models"
    for flag in ("model_config_file", "batching_parameters_file", "monitoring_config_file"):
        assert inside[flags[flag]].is_file(), flag
    # Without it the first start fails: the label of models.config names a version that is not loaded yet.
    assert flags["allow_version_labels_for_unavailable_models"] == "true"


def test_exported_models_are_not_committed():
    assert "export/models/" in (EXPORT.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
