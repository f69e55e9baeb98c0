# SPDX-License-Identifier: MIT
"""What receivers say stays readable and gives nothing away: servers that repeat what they were sent, that never end, or
that refuse before they have heard of the message. Raw sockets: real servers are too well behaved for this."""

import base64
import json
import socket
import ssl
import threading
import unittest

from harness import Catchup, Daemon, Publisher, Scratch, run_tool, trade, wait_until
from harness.sinks import Webhook, certificate

PASSWORD = "correct-horse/battery"
USER = "tapewarden"


class Raw:
    """A server; converse(stream) has each connection, in a thread. With `tls`, from the first byte."""

    def __init__(self, converse, tls=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.converse, self.connections = converse, 0
        self.context = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._have, args=(connection,), daemon=True).start()

    def _have(self, connection):
        try:
            if self.context is not None:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection, connection.makefile("rwb", buffering=0) as stream:
                self.converse(stream)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.listener.close()


def read_request(stream):
    """The request line and the headers; the body is read and let go of."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = stream.read(1)
        if not byte:
            raise OSError("it hung up")
        head += byte
    lines = head.decode().split("\r\n")
    left = next(int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:"))
    while left > 0:
        left -= len(stream.read(left))
    return lines


def quoting(stream):
    """An error page as many frameworks make it, and one that JSON escaped; the path once more where what is heard ends."""
    while True:
        lines = read_request(stream)
        path = lines[0].split(" ")[1]
        secrets = " ".join(line for line in lines if line.lower().startswith("authorization"))
        said = f"Cannot POST {path} {secrets} " + json.dumps({"uri": path}).replace("/", "\\/")
        said = said.ljust(930, ".") + path + " behind it all"
        stream.write(f"HTTP/1.1 400 Bad Request\r\nContent-Length: {len(said)}\r\n\r\n{said}".encode())


def endless(taken):
    def converse(stream):
        read_request(stream)
        stream.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            stream.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
            taken[0] += 0x4000
    return converse


class Smtp:
    """Scripted: `refusal` says what is refused and how, None: nothing. Repeats the login, as no server should."""

    def __init__(self):
        self.refusal, self.mails, self.met = None, 0, 0

    def refuses(self, stream, what, more=""):
        if self.refusal is None or self.refusal[0] != what:
            return False
        self.met += 1
        stream.write(f"{self.refusal[1]}{more}\r\n".encode())
        return True

    def converse(self, stream):
        if self.refuses(stream, "greeting"):
            return
        stream.write(b"220 here\r\n")
        while line := stream.readline():
            word = line.split()[0].upper()
            if word == b"EHLO":
                stream.write(b"250-here\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                told = line.decode().split()[-1]
                if told == "PLAIN":
                    stream.write(b"334 \r\n")
                    told = stream.readline().decode().strip()
                user, password = base64.b64decode(told).split(b"\0")[1:]
                assert (user, password) == (USER.encode(), PASSWORD.encode())
                if not self.refuses(stream, "login", f" {told} for {USER} with {PASSWORD}"):
                    stream.write(b"235 welcome\r\n")
            elif word == b"RCPT" and self.refuses(stream, "recipient"):
                continue
            elif word == b"DATA":
                stream.write(b"354 go on\r\n")
                while stream.readline() != b".\r\n":
                    pass
                self.mails += 1
                stream.write(b"250 taken\r\n")
            elif word == b"QUIT":
                stream.write(b"221 bye\r\n")
                return
            else:
                stream.write(b"250 well\r\n")


def publish(daemon, count=1):
    with Publisher(daemon, "desk-7") as publisher:
        publisher.publish([trade(qty=20000, symbol=f"S{i}", account=None) for i in range(count)])


def listed(daemon, *arguments):
    done = run_tool("deliveries", "list", "--data", daemon.data, *arguments)
    assert done.code == 0, done
    return done.out


def count(daemon, state):
    return len(listed(daemon, "--json", "--state", state).splitlines())


class Discretion(unittest.TestCase):
    def nothing_tells(self, daemon, *secrets):
        """Log, ledger and the page of an alert: to people and to programs."""
        with Catchup(daemon) as catchup:
            alert = catchup.everything()[0][0]
        shown = run_tool("alerts", "show", alert["id"], "--data", daemon.data)
        self.assertEqual(shown.code, 0, shown)
        for place, text in {"log": daemon.said(), "list": listed(daemon), "json": listed(daemon, "--json"),
                            "show": shown.out}.items():
            for secret in secrets:
                self.assertNotIn(secret, text, place)

    def test_an_error_page_that_quotes_the_request_tells_no_secret(self):
        path = "/services/T0123456789/B9876543210/abcdefghijklmnopqrstuvwx"
        with Raw(quoting) as server:
            login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            sets = {"slack/webhook_url": f"http://127.0.0.1:{server.port}{path}",
                    "webhook/ops": f"http://{USER}:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{server.port}/hook?token=s3cr3t-token"}
            with Daemon(sets=sets) as daemon:
                publish(daemon)
                wait_until("both are dead letters", lambda: count(daemon, "dead") == 2)
                self.nothing_tells(daemon, path, "T0123456789", "B9876543210", "abcdefgh", "s3cr3t", PASSWORD, login,
                                   PASSWORD.replace("/", "%2F"))
                self.assertIn("Cannot POST ***", listed(daemon))     # the rest of it is there to be read

    def test_a_mail_server_that_repeats_the_login_does_so_in_vain(self):
        smtp = Smtp()
        smtp.refusal = ("login", "535 5.7.8 not with")
        with Scratch() as scratch:
            tls = certificate(scratch)
            with Raw(smtp.converse, tls) as server, Daemon(sets=self.mail(server, tls)) as daemon:
                publish(daemon)
                wait_until("the login was refused twice", lambda: smtp.met > 1)
                plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
                self.nothing_tells(daemon, PASSWORD, plain)
                self.assertEqual(count(daemon, "pending"), 1)
                self.assertIn("535 5.7.8 not with *** for tapewarden with ***", listed(daemon))

    @staticmethod
    def mail(server, tls):
        return {"mail/server": "localhost", "mail/port": server.port, "mail/tls": "tls", "mail/from": "tw@desk.example",
                "mail/to": "ops@desk.example", "mail/username": USER, "mail/password": PASSWORD, "delivery/ca_file": tls[0],
                "delivery/retry_max": 1}


class Manners(unittest.TestCase):
    def test_a_body_without_an_end_is_heard_for_a_while_and_counts_by_its_status(self):
        taken = [0]
        with Raw(endless(taken)) as server, Webhook() as well:
            sets = {"webhook/endless": f"http://127.0.0.1:{server.port}/", "webhook/well": well.url}
            with Daemon(sets=sets) as daemon:
                publish(daemon)
                well.wait_numbers(1)
                wait_until("delivered", lambda: count(daemon, "delivered") == 2)
                self.assertEqual(server.connections, 1)
                self.assertLess(taken[0], 16 << 20)     # the kernel's buffers included

    def test_who_refuses_before_the_message_is_tried_again(self):
        for refusal in (("greeting", "554 5.3.2 not now"), ("login", "554 5.7.8 not with that")):
            smtp = Smtp()
            smtp.refusal = refusal
            with self.subTest(refusal[0]), Scratch() as scratch:
                tls = certificate(scratch)
                with Raw(smtp.converse, tls) as server, Daemon(sets=Discretion.mail(server, tls)) as daemon:
                    publish(daemon)
                    wait_until("two attempts", lambda: smtp.met > 1)
                    smtp.refusal = None
                    wait_until("the mail", lambda: smtp.mails == 1)
                    wait_until("delivered", lambda: count(daemon, "delivered") == 1)

    def test_who_refuses_the_recipient_has_judged_the_message(self):
        smtp = Smtp()
        smtp.refusal = ("recipient", "550 5.1.1 unknown")
        with Scratch() as scratch:
            tls = certificate(scratch)
            with Raw(smtp.converse, tls) as server, Daemon(sets=Discretion.mail(server, tls)) as daemon:
                publish(daemon)
                wait_until("dead", lambda: count(daemon, "dead") == 1)
                self.assertEqual(smtp.met, 1)


if __name__ == "__main__":
    unittest.main()
