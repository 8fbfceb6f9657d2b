"""automark as a process of its own: started, asked, killed and started again."""

import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import uuid

import wire
from sandboxed import KEY, SECRET
from wait import PATIENCE, eventually

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
RULES = DATA / "rules-e2e"


def run(build, *args, stdin=None, env=None, seconds=30, cwd=None):
    """One automark command to its end."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOMARK_", "SENDKIT_"))}
    return subprocess.run([os.path.join(build, "automark"), *map(str, args)], input=stdin, text=True, cwd=cwd,
                          capture_output=True, timeout=seconds * PATIENCE, env=clean | (env or {}))


def write_rules(folder, files):
    """files: {name: text}. Returns the folder."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def at(seconds):
    """RFC 3339, that far from now."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.strftime("%Y-%m-%dT%H:%M:%S.") + f"{then.microsecond // 1000:03d}Z"


def reply_event(conversation, text="Thanks", message=None, event="email.replied", **data):
    """The payload of one reply; message None makes an id, "" leaves it out."""
    inner = {"conversationId": conversation, "leadEmail": "lead@customer.example", "replyText": text, **data}
    if message != "":
        inner["messageId"] = message or uuid.uuid4().hex[:24]
    return {"event": event, "timestamp": at(0), "data": inner}


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20 * PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, build, folder, sandbox=None, rules=RULES, config=None, args=(), env=None, secret=SECRET,
                 wrapper=()):
        self.build, self.folder = build, pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sandbox, self.secret = sandbox, secret
        self.wrapper = list(wrapper)  # a command in front of the daemon's: strace, prlimit
        self.store = self.folder / "automark.db"
        self.socket = self.folder / "automark.sock"
        self.log_path = self.folder / "log"
        self.process, self.port = None, None
        self.args = ["--listen", "127.0.0.1:0", "--store", f"sqlite:{self.store}"]
        self.env = {}
        if config is None:
            if isinstance(rules, dict):
                rules = write_rules(self.folder / "rules", rules)
            self.rules = pathlib.Path(rules)
            self.args += ["--rules", str(rules)]
            self.env = {"SENDKIT_API_KEY": sandbox.key if sandbox else KEY, "SENDKIT_WEBHOOK_SECRET": secret}
            if sandbox:
                self.args += ["--api-url", sandbox.url]
        else:
            path = self.folder / "automark.yaml"
            path.write_text(config)
            self.args = ["--config", str(path), *self.args]
        self.args += list(map(str, args))
        self.env |= env or {}

    # ---- the process ------------------------------------------------------------------------

    def launch(self):
        """Starts it without waiting for anything."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AUTOMARK_", "SENDKIT_"))}
        self.log_from = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", *self.wrapper, os.path.join(self.build, "automark"), "serve", *self.args]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                            env=clean | self.env)
        return self

    def start(self):
        self.launch()
        self.port = int(eventually(self._listening, lambda: "listening; the log:\n" + self.log(), 20))
        return self

    def _listening(self):
        assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.log()}"
        said = re.search(r"msg=\"?listening\"? .*?\baddress=127\.0\.0\.1:(\d+)", self.log(since_start=True))
        return said and said.group(1)

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait()
        return self

    def restart(self):
        if self.process.poll() is None:
            self.stop()
        return self.start()

    def stop(self, seconds=15):
        """SIGTERM; its exit code."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("SIGTERM did not end it:\n" + self.log())
        return self.process.returncode if self.process else None

    def hup(self):
        self.process.send_signal(signal.SIGHUP)

    def log(self, since_start=False):
        text = self.log_path.read_bytes() if self.log_path.exists() else b""
        return text[self.log_from if since_start else 0:].decode(errors="replace")

    def wait_log(self, pattern, seconds=10.0):
        return eventually(lambda: re.search(pattern, self.log(since_start=True)),
                          lambda: f"{pattern!r} in the log:\n{self.log()[-3000:]}", seconds)

    def size_kib(self):
        """Resident memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1))

    # ---- what senders do ----------------------------------------------------------------------

    def post(self, body, headers=None, path="/hooks/default", secret=None, event=None, **how):
        """Signed; body is bytes or something that becomes JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signed = wire.signed_headers(raw, secret or self.secret, event)
        return wire.request(self.port, "POST", path, raw, signed | (headers or {}), **how)

    def reply(self, conversation, text="Thanks", path="/hooks/default", secret=None, fresh=False, timeout=20.0, **more):
        """A webhook about a reply; nothing is added to the thread at SendKit."""
        body = reply_event(conversation, text, **more)
        return self.post(body, path=path, secret=secret, fresh=fresh, timeout=timeout)

    def says(self, conversation, text="Thanks", message=None, events=("email.replied",), **more):
        """The lead says it: into SendKit's thread and as webhooks. The last answer."""
        thread = {k: v for k, v in more.items() if k in ("subject", "aiTag", "isAutoReply", "receivedAt")}
        self.sandbox.reply(conversation, text=text, deliver=False, **thread)
        message = message or uuid.uuid4().hex[:24]
        for event in events:
            answer = self.reply(conversation, text, message=message, event=event, **more)
        return answer

    # ---- what operators do ----------------------------------------------------------------------

    def cli(self, *args, stdin=None):
        return run(self.build, *args, stdin=stdin, env=self.env | {"AUTOMARK_STORE": f"sqlite:{self.store}"})

    def admin(self, path, method="GET"):
        conn = UnixHTTP(str(self.socket))
        try:
            conn.request(method, path)
            response = conn.getresponse()
            return wire.Answer(response.status, response.getheaders(), response.read())
        finally:
            conn.close()

    def admin_post(self, path, body, headers):
        conn = UnixHTTP(str(self.socket))
        try:
            conn.request("POST", path, body, headers)
            response = conn.getresponse()
            return wire.Answer(response.status, response.getheaders(), response.read())
        finally:
            conn.close()

    def jobs(self, *filters):
        """Every job, as `queue list` tells it."""
        done = self.cli("queue", "list", "--format", "json", *filters)
        assert done.returncode == 0, done.stderr
        listed = json.loads(done.stdout)
        return listed if isinstance(listed, list) else listed["jobs"]

    def job(self, conversation, kind="read"):
        """The newest job of a conversation, or None."""
        found = [j for j in self.jobs() if j["conversation"] == conversation and j.get("kind", "read") == kind]
        return max(found, key=lambda j: j["id"]) if found else None

    def wait_job(self, conversation, state, kind="read", seconds=10.0):
        def is_there():
            job = self.job(conversation, kind)
            return job if job and job["state"] == state else None

        return eventually(is_there, lambda: f"{kind} of {conversation} {state}: {self.job(conversation, kind)}",
                          seconds, 0.1)


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
