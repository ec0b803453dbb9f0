"""What the app can listen to: ``token_accepted.connect(function, app)``."""

from blinker import Namespace

_SIGNALS = Namespace()

#: Sent with ``caller=``.
token_accepted = _SIGNALS.signal("ringwall-token-accepted")
#: Sent with ``reason=``, a :class:`flask_ringwall.Reason`.
token_rejected = _SIGNALS.signal("ringwall-token-rejected")
#: Sent with ``caller=`` and ``why=``, one line of text.
policy_denied = _SIGNALS.signal("ringwall-policy-denied")
