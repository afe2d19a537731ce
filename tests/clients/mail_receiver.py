"""A mail server: aiosmtpd with STARTTLS, which takes a login and a mail only after it. Usage: mail_receiver.py CERTIFICATE KEY.
Prints its port, then each mail it takes as a line of JSON, until it is killed."""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Keeper:
    """Takes whatever it is sent."""

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        told = {
            "secured": session.ssl is not None,
            "login": session.auth_data,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["subject"],
            "text": mail.get_content(),
            "defects": [str(defect) for part in mail.walk() for defect in part.defects],
            "lacks": [name for name in ("Date", "Message-ID", "From", "To", "MIME-Version") if not mail[name]],
        }
        print(json.dumps(told), flush=True)
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    assert isinstance(data, LoginPassword)
    return AuthResult(success=True, auth_data=f"{data.login.decode()} {data.password.decode()}")


async def serve():
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(sys.argv[1], sys.argv[2])

    def session():
        return SMTP(Keeper(), tls_context=tls, require_starttls=True, auth_required=True, authenticator=login)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(serve())
