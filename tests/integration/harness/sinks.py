# SPDX-License-Identifier: MIT
"""Receivers of alerts that check every byte: webhooks over HTTP that can be told to misbehave, and a real mail server."""

import base64
import calendar
import contextlib
import datetime
import hashlib
import hmac
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.daemon import free_ports
from harness.waiting import Deadline


class Sink:
    """What came in, and a way to wait for it."""

    def __init__(self):
        self.changed = threading.Condition()
        self.got = []
        self.faults = []

    def add(self, thing):
        with self.changed:
            self.got.append(thing)
            self.changed.notify_all()

    def blame(self, fault):
        with self.changed:
            self.faults.append(fault)
            self.changed.notify_all()

    def wait(self, what, condition, seconds=20):
        """Until condition(everything that came in) is true; its answer. A fault that was seen fails at once."""
        deadline = Deadline(seconds, what)
        with self.changed:
            while True:
                assert not self.faults, self.faults[:3]
                answer = condition(self.got)
                if answer:
                    return answer
                try:
                    self.changed.wait(deadline.left())
                except TimeoutError as late:
                    raise TimeoutError(f"{late}; {len(self.got)} came in") from None


def signed_by(key, request_id, timestamp, body):
    """The signature by Standard Webhooks, written from its page."""
    secret = base64.b64decode(key.removeprefix("whsec_"))
    text = f"{request_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()


class Server(ThreadingHTTPServer):
    """One that takes a crowd, and does not mind clients that are killed."""
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, *unused):
        pass


class Webhook(Sink):
    """A strict receiver: every request must be signed, fresh, one alert, and in order within its episode; or a digest,
    whose counts must add up.

    mode: "ok"; "slow" (2 s); "busy" (429 with Retry-After); "closing" (reads and hangs up); "down" (nobody listens);
    "broken" (500); "refusing" (400). An alert counts as delivered when it was answered by 204; one that comes again must
    be the same under the same key.
    """

    def __init__(self, keys=(), mode="ok", tls=None, retry_after=1):
        super().__init__()
        self.keys, self.mode, self.retry_after = list(keys), mode, retry_after
        self.port = free_ports(1)[0]
        self.tls = tls
        self.bodies = {}        # n -> body
        self.newest = {}        # episode -> n delivered last
        self.digests = {}       # key -> digest
        self.together = None    # a barrier: so many requests at once, or none is answered
        self.clock = time.time  # the daemon's
        self.repeats = self.requests = self.connections = 0
        self.busy_until = self.pause_began = 0
        self.server = None
        if mode != "down":
            self.up()

    # --- life

    def up(self):
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 60

            def setup(self):
                super().setup()
                with sink.changed:
                    sink.connections += 1

            def do_POST(self):
                sink._take(self)

            def log_message(self, *unused):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        if self.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        if self.mode == "down":
            self.mode = "ok"

    def close(self):
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    @property
    def url(self):
        return f"{'http' if self.tls is None else 'https'}://localhost:{self.port}/alerts?token=hidden"

    # --- a request

    def _take(self, handler):
        try:
            body = handler.rfile.read(int(handler.headers["content-length"]))
        except OSError:
            return
        mode = self.mode
        with self.changed:
            self.requests += 1
        if self.together is not None:
            self.together.wait(60)
        if mode == "slow":
            time.sleep(2)       # this is what is tested, and not a wait for anything
        if mode == "closing":
            handler.close_connection = True
            handler.connection.close()
            return
        if mode == "busy":
            self._be_busy(handler)
            return
        if mode in ("broken", "refusing"):
            self._answer(handler, 500 if mode == "broken" else 400, b"no, thank you\r\nnot today")
            return
        try:
            self._check(handler.headers, body)
        except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
            self.blame(repr(fault))
        self._answer(handler, 204)

    def _be_busy(self, handler):
        now = time.monotonic()
        with self.changed:
            if now >= self.busy_until:
                self.pause_began, self.busy_until = now, now + self.retry_after
            elif now > self.pause_began + 0.5 and now < self.busy_until - 0.05:     # not one that was under way then
                self.faults.append(f"it came {self.busy_until - now:.2f} s before Retry-After was over")
        handler.send_response(429)
        handler.send_header("Retry-After", str(self.retry_after))
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def _answer(self, handler, status, body=b""):
        try:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            pass

    def _check(self, headers, body):
        request_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
        assert headers["content-type"] == "application/json", headers["content-type"]
        assert abs(self.clock() - int(timestamp)) < 60, timestamp
        wanted = " ".join(signed_by(key, request_id, timestamp, body) for key in self.keys) or None
        assert headers["webhook-signature"] == wanted, (headers["webhook-signature"], wanted)
        alert = json.loads(body)
        if "digest" in alert:
            self._check_digest(request_id, alert)
            return
        log_id, n = request_id.split("-")
        assert len(log_id) == 32 and int(n) == alert["n"], (request_id, alert["n"])
        with self.changed:
            if alert["n"] in self.bodies:
                assert self.bodies[alert["n"]] == (request_id, body), f"alert {n} came again, and differs"
                self.repeats += 1
                return
            newest = self.newest.get(alert["id"], 0)
            assert alert["n"] > newest, f"alert {n} of {alert['id']} came behind {newest}"
            self.newest[alert["id"]] = alert["n"]
            self.bodies[alert["n"]] = (request_id, body)
            self.got.append(alert)
            self.changed.notify_all()

    def _check_digest(self, request_id, body):
        digest, alerts = body["digest"], body["alerts"]
        log_id, n, count, *again = request_id.split("-")
        assert len(log_id) == 32 and int(n) == digest["last_n"] and int(count) == digest["count"], request_id
        assert not digest.get("repeat") or again == [f"r{digest['repeat']}"], request_id
        assert len(again) < digest["count"] + 1 and digest["count"] <= digest["last_n"] - digest["first_n"] + 1, digest
        assert digest["count"] > 1 or again, digest
        assert sum(sum(by.values()) for by in digest["counts"].values()) == digest["count"], digest
        assert len(alerts) == min(10, digest["count"]), len(alerts)
        order = [(-["LOW", "MEDIUM", "HIGH", "CRITICAL"].index(alert["severity"]), -alert["n"]) for alert in alerts]
        assert order == sorted(order), order
        with self.changed:
            self.repeats += request_id in self.digests
            self.digests[request_id] = digest
            self.got.append(body)
            self.changed.notify_all()

    # --- what a test asks

    def numbers(self):
        """Of alerts that came by themselves."""
        with self.changed:
            return sorted(self.bodies)

    def told(self):
        """Of all, where a digest stands for each alert of its range."""
        with self.changed:
            covered = [n for digest in self.digests.values() for n in range(digest["first_n"], digest["last_n"] + 1)]
            return sorted(list(self.bodies) + covered)

    def wait_numbers(self, last, seconds=20):
        """Until alerts 1 to `last` are all there."""
        self.wait(f"alerts 1 to {last}", lambda got: len(self.bodies) >= last, seconds)
        assert self.numbers() == list(range(1, last + 1))


class Receiver(Sink):
    """One that answers every POST alike, when `take` has checked it."""

    path, status, answer = "/", 200, b""

    def __init__(self):
        super().__init__()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer = sink.status, sink.answer   # the test may change them when this one has come in
                try:
                    assert self.path == sink.path, self.path
                    sink.take(self.headers, body)
                except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
                    sink.blame(repr(fault))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *unused):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{self.path.rstrip('/')}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.server.shutdown()
        self.server.server_close()


class Slack(Receiver):
    """Takes what Slack takes: its block limits, and no more than one message a second."""

    path, answer = "/services/T0/B0/hidden", b"ok"
    last_at = -10

    def take(self, _headers, body):
        message = json.loads(body)
        now = time.monotonic()
        assert now - self.last_at > 0.9, f"two messages within {now - self.last_at:.3f} s"
        self.last_at = now
        assert set(message) == {"text", "blocks"} and 0 < len(message["text"]) <= 3000, message
        assert 1 <= len(message["blocks"]) <= 50
        for block in message["blocks"]:
            if block["type"] == "header":
                assert block["text"]["type"] == "plain_text" and 1 <= len(block["text"]["text"]) <= 150
            elif block["type"] == "section":
                for text in [block["text"]] if "text" in block else block["fields"]:
                    assert text["type"] == "mrkdwn" and 1 <= len(text["text"]) <= (3000 if "text" in block else 2000)
                assert len(block.get("fields", [])) <= 10
            else:
                assert block["type"] == "context" and 1 <= len(block["elements"]) <= 10, block
        self.add(message)


class PagerDuty(Receiver):
    """Events API v2 as its page has it: required members, known words, lengths."""

    path, status, answer = "/v2/enqueue", 202, b'{"status":"success","dedup_key":"as it came"}'

    def __init__(self, routing_key="R0123456789"):
        self.routing_key = routing_key
        self.incidents = {}     # dedup key -> "triggered" or "resolved"
        super().__init__()

    def take(self, _headers, body):
        event = json.loads(body)
        assert event["routing_key"] == self.routing_key
        assert event["event_action"] in ("trigger", "acknowledge", "resolve"), event
        assert 0 < len(event["dedup_key"]) <= 255, event
        payload = event["payload"]
        assert 0 < len(payload["summary"]) <= 1024 and payload["source"], payload
        assert payload["severity"] in ("critical", "error", "warning", "info"), payload
        self.incidents[event["dedup_key"]] = "resolved" if event["event_action"] == "resolve" else "triggered"
        self.add(event)


class Topic(Receiver):
    """SNS's Publish: the form, and the signature, which Debian's botocore computes as well."""

    ACCESS, SECRET, TOKEN, REGION = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", \
        "FwoGZXIv/+=" * 300, "eu-west-1"     # role credentials have thousands of bytes

    answer = b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"

    def take(self, headers, body):
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        names = re.search(r"SignedHeaders=([^,]+),", headers["authorization"]).group(1).split(";")
        assert {"content-type", "host", "x-amz-date", "x-amz-security-token"} <= set(names), names
        request = AWSRequest("POST", self.url + "/", {name: headers[name] for name in names if name != "host"}, body)
        request.context["timestamp"] = headers["x-amz-date"]
        age = time.time() - calendar.timegm(time.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ"))
        assert abs(age) < 300, age
        assert headers["x-amz-security-token"] == self.TOKEN
        judge = SigV4Auth(Credentials(self.ACCESS, self.SECRET, self.TOKEN), "sns", self.REGION)
        wanted = judge.signature(judge.string_to_sign(request, judge.canonical_request(request)), request)
        scope = f"Credential={self.ACCESS}/{headers['x-amz-date'][:8]}/{self.REGION}/sns/aws4_request, "
        assert headers["authorization"].startswith("AWS4-HMAC-SHA256 " + scope), headers["authorization"]
        assert headers["authorization"].endswith(f"Signature={wanted}"), (headers["authorization"], wanted)
        form = urllib.parse.parse_qs(body.decode("ascii"), strict_parsing=True)
        assert form["Action"] == ["Publish"] and form["Version"] == ["2010-03-31"], form
        assert re.fullmatch(r"[A-Za-z][ -~]{0,98}", form["Subject"][0]), form["Subject"]
        self.add({name: values[0] for name, values in form.items()})


def certificate(scratch, host="localhost"):
    """(certificate, key) that signs itself, for TLS."""
    certificate_path, key_path = scratch.path(f"{host}.pem"), scratch.path(f"{host}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}",
                    "-addext", f"subjectAltName=DNS:{host}", "-keyout", key_path, "-out", certificate_path],
                   check=True, capture_output=True)
    return certificate_path, key_path


class MailServer(Sink):
    """Debian's aiosmtpd with STARTTLS and a login; what it took is (envelope sender, recipients, raw bytes).

    Recipients that begin with "nobody" are refused.
    """

    def __init__(self, tls, user="tapewarden", password="hunter2"):
        super().__init__()
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import SMTP, AuthResult
        sink = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*tls)

        class Handler:
            async def handle_RCPT(self, server, session, envelope, address, options):
                if address.startswith("nobody"):
                    return "550 5.1.1 no such mailbox"
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                if session.ssl is None:
                    sink.blame("a mail came without TLS")
                sink.add((envelope.mail_from, list(envelope.rcpt_tos), envelope.original_content))
                return "250 2.0.0 taken"

        def authenticate(server, session, envelope, mechanism, data):
            good = (data.login, data.password) == (user.encode(), password.encode())
            return AuthResult(success=good, handled=False)

        class Strict(Controller):
            def factory(self):
                return SMTP(self.handler, tls_context=context, require_starttls=True, auth_required=True,
                            authenticator=authenticate, hostname="localhost")

        self.port = free_ports(1)[0]
        self.controller = Strict(Handler(), hostname="localhost", port=self.port)
        self.controller.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.controller.stop()


class SystemLog(Sink):
    """A datagram socket that takes what RFC 5424 allows, every byte of it: a local one, or UDP. `got`: (level, structured
    data, text)."""

    LINE = re.compile(r"<(\d{1,3})>1 (\S+) - tapewarden - ([!-~]{1,32}) \[alert@32473((?: [!-~]{1,32}=\"(?:[^\"\\\]]|\\[\"\\\]])*\")*)\] (.+)",
                      re.S)
    FACILITY = 19   # local3

    def __init__(self, path=None, reads=True):
        super().__init__()
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(path or ("127.0.0.1", 0))
        self.socket.settimeout(0.1)
        self.port = None if path else self.socket.getsockname()[1]
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._take_all, daemon=True)
        if reads:
            self.read()

    def read(self):
        """From now on; before, what comes fills the socket."""
        self.thread.start()

    def _take_all(self):
        while not self.ends.is_set():
            try:
                raw = self.socket.recv(65536)
            except TimeoutError:
                continue
            try:
                self.add(self._parse(raw))
            except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
                self.blame(repr(fault))

    def _parse(self, raw):
        assert len(raw) <= 2048, len(raw)
        found = self.LINE.fullmatch(raw.decode("utf-8"))
        assert found, raw
        priority, at = int(found[1]), datetime.datetime.fromisoformat(found[2].replace("Z", "+00:00"))
        assert abs(time.time() - at.timestamp()) < 60, found[2]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", found[2]), found[2]
        assert priority // 8 in (self.FACILITY, 16), priority
        data = {key: re.sub(r"\\(.)", r"\1", value)
                for key, value in re.findall(r' ([!-~]+?)="((?:[^"\\\]]|\\["\\\]])*)"', found[4])}
        assert not any(ord(c) < 32 for c in found[5]), found[5]
        return priority % 8, data, found[5]

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.ends.set()
        if self.thread.is_alive():
            self.thread.join(5)
        self.socket.close()


class SystemLogOverTcp(SystemLog):
    """The same over TCP connections, each message behind its length as RFC 6587 has it."""

    def __init__(self):     # pylint: disable=super-init-not-called  -- its socket is another
        Sink.__init__(self)
        self.connections = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._welcome, daemon=True)
        self.thread.start()

    def _welcome(self):
        while not self.ends.is_set():
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self._take, args=(connection,), daemon=True).start()

    def _take(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while (length := self._length(stream)):
                    assert re.fullmatch(rb"[1-9]\d{0,3}", length), length
                    self.add(self._parse(stream.read(int(length))))
            except OSError:
                pass
            except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
                self.blame(repr(fault))

    @staticmethod
    def _length(stream):
        digits = b""
        while (byte := stream.read(1)) not in (b" ", b""):
            digits += byte
        return digits

    def hang_up(self):
        """On all who are connected."""
        while self.connections:
            with contextlib.suppress(OSError):      # it has gone by itself
                self.connections.pop().shutdown(socket.SHUT_RDWR)

    def __exit__(self, *unused):
        self.ends.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.hang_up()


__all__ = ["SystemLog", "SystemLogOverTcp", "Webhook", "Slack", "PagerDuty", "Topic", "Alertmanager", "MailServer", "certificate"]
