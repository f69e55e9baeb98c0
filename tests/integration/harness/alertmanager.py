# SPDX-License-Identifier: MIT
"""Prometheus' Alertmanager itself, and a receiver of webhooks in its form that checks every byte."""

import json
import re
import subprocess
import time
import urllib.request
from datetime import datetime

from harness.daemon import free_ports
from harness.sinks import Receiver
from harness.waiting import wait_until


class WebhookOfAlertmanager(Receiver):
    """What Alertmanager's page has of its own webhooks, version 4, without a member more: groups of one, texts everywhere."""

    path = "/old"

    def take(self, headers, body):
        group = json.loads(body)
        assert headers["content-type"] == "application/json", headers["content-type"]
        assert set(group) == {"version", "groupKey", "truncatedAlerts", "status", "receiver", "groupLabels", "commonLabels",
                              "commonAnnotations", "externalURL", "alerts"}, set(group)
        [alert] = group["alerts"]
        assert set(alert) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}, set(alert)
        assert (group["version"], group["truncatedAlerts"], group["status"]) == ("4", 0, alert["status"]), group
        assert (group["commonLabels"], group["commonAnnotations"]) == (alert["labels"], alert["annotations"])
        assert group["groupLabels"].items() <= alert["labels"].items() and "alertname" in alert["labels"], group
        for texts in (alert["labels"], alert["annotations"]):
            assert all(isinstance(text, str) and re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) for name, text in texts.items()), texts
        begun, ended = (datetime.fromisoformat(re.sub(r"(\.[0-9]{6})[0-9]*Z|Z$", r"\1+00:00", alert[at])) for at in ("startsAt", "endsAt"))
        assert begun <= ended if alert["status"] == "resolved" else alert["status"] == "firing" and ended.year == 1, alert
        self.add(group)


class Alertmanager:
    """Debian's, the real one, in a process of its own."""

    def __init__(self, scratch):
        config = scratch.write("alertmanager.yml", "route:\n  receiver: none\nreceivers:\n  - name: none\n")
        self.port = free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = open(scratch.path("alertmanager.log"), "wb")
        self.process = subprocess.Popen(
            ["prometheus-alertmanager", f"--config.file={config}", f"--storage.path={scratch.path('alertmanager')}",
             f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="],
            stdout=self.log, stderr=self.log)
        wait_until("Alertmanager", self._is_there, seconds=30)

    def _is_there(self):
        assert self.process.poll() is None, "Alertmanager ended"
        try:
            return self.ask("/-/ready") is not None
        except OSError:
            return None

    def ask(self, path, body=None):
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"[", b"{")) else text

    def alerts(self):
        """(name, entity, severity) -> its state, of those that have not ended."""
        return {(alert["labels"]["alertname"], alert["labels"]["entity"], alert["labels"]["severity"]):
                alert["status"]["state"] for alert in self.ask("/api/v2/alerts")}

    def silence(self, entity):
        self.ask("/api/v2/silences", {
            "matchers": [{"name": "entity", "value": entity, "isRegex": False, "isEqual": True}],
            "startsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 5)),
            "endsAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600)),
            "createdBy": "test", "comment": "known"})

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.terminate()
        self.process.wait()
        self.log.close()
