"""What a model does and why: explained, attacked, audited."""

from keras_bert.trust.attack.attack import attack
from keras_bert.trust.attack.report import AttackReport
from keras_bert.trust.attack.sentence import AttackedRow, Change
from keras_bert.trust.audit.association import audit_association, read_association
from keras_bert.trust.audit.calibration import Calibration, measure_calibration
from keras_bert.trust.audit.finding import Finding
from keras_bert.trust.audit.groups import audit_groups
from keras_bert.trust.audit.keep import keep_finding
from keras_bert.trust.audit.labels import audit_labels
from keras_bert.trust.audit.pairs import audit_pairs, read_pairs
from keras_bert.trust.audit.stereotypes import audit_stereotypes, read_stereoset
from keras_bert.trust.audit.templates import audit_templates, fill_templates, read_fillers
from keras_bert.trust.behaviour.behave import behave
from keras_bert.trust.behaviour.report import BehaviourReport
from keras_bert.trust.explain.explain import explain
from keras_bert.trust.explain.signature import explain_signature

__all__ = [
    "AttackReport",
    "AttackedRow",
    "BehaviourReport",
    "Calibration",
    "Change",
    "Finding",
    "attack",
    "audit_association",
    "audit_groups",
    "audit_labels",
    "audit_pairs",
    "audit_stereotypes",
    "audit_templates",
    "behave",
    "explain",
    "explain_signature",
    "fill_templates",
    "keep_finding",
    "measure_calibration",
    "read_association",
    "read_fillers",
    "read_pairs",
    "read_stereoset",
]
