"""Puts a Flask app behind Ringwall.

Start with :class:`Ringwall`. Who may call what stands in ``ringwall.toml``, never here: the
app only verifies who calls, states who owns what it answers with, and calls other services.
Importing this package starts no thread, opens no socket and reads no file.
"""

from flask_ringwall.caller import Caller
from flask_ringwall.extension import Ringwall, current_identity
from flask_ringwall.keys import KeyFile, KeysError, KeySet
from flask_ringwall.operation import data, operation
from flask_ringwall.output import (
    UnsafeOutputError,
    attachment,
    csv_cell,
    header_value,
    json_attribute,
    json_script,
    log_value,
    safe_url,
)
from flask_ringwall.own import owns, owns_all
from flask_ringwall.secret import MissingSecretError, Secret, secret
from flask_ringwall.session import Answer, Session, SessionError
from flask_ringwall.signals import policy_denied, token_accepted, token_rejected
from flask_ringwall.templates import UnsafeTemplateError, check_templates
from flask_ringwall.verify import Expected, Reason, VerifyError, verify_access, verify_internal

__all__ = [
    "Answer",
    "Caller",
    "Expected",
    "KeyFile",
    "KeySet",
    "KeysError",
    "MissingSecretError",
    "Reason",
    "Ringwall",
    "Secret",
    "Session",
    "SessionError",
    "UnsafeOutputError",
    "UnsafeTemplateError",
    "VerifyError",
    "attachment",
    "check_templates",
    "csv_cell",
    "current_identity",
    "data",
    "header_value",
    "json_attribute",
    "json_script",
    "log_value",
    "operation",
    "owns",
    "owns_all",
    "policy_denied",
    "safe_url",
    "secret",
    "token_accepted",
    "token_rejected",
    "verify_access",
    "verify_internal",
]
