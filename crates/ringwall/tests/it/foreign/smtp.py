"""A mail server that others wrote: MODE CERTIFICATE KEY USER PASSWORD. Says what it got, as JSON."""

import asyncio
import email
import json
import ssl
import sys
from email import policy

try:
    from aiosmtpd.smtp import SMTP, AuthResult
except ModuleNotFoundError as error:
    sys.exit(print(f"missing {error.name}"))

mode, certificate, key, user, password = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)


def say(**what):
    print(json.dumps(what), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (user.encode(), password.encode())
    if not good:
        say(refused="password")
    return AuthResult(success=good, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=policy.default)
        assert not message.defects, message.defects
        say(
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            signed_in=session.authenticated,
            encrypted=session.ssl is not None or mode == "tls",
            headers={name.lower(): str(value) for name, value in message.items()},
            text=message.get_content(),
        )
        return "250 taken"


def protocol():
    if mode == "starttls":
        return SMTP(Handler(), tls_context=context, require_starttls=True,
                    authenticator=authenticate, auth_required=True)
    return SMTP(Handler(), authenticator=authenticate, auth_required=mode == "tls",
                auth_require_tls=False)


async def serve():
    loop = asyncio.get_running_loop()
    secured = context if mode == "tls" else None
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=secured)
    print(f"port {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


asyncio.run(serve())
