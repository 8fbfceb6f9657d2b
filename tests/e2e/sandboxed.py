"""The SendKit sandbox as a process, with its control interface as methods."""

import json
import os
import subprocess
import urllib.parse

import wire
from wait import eventually

KEY = "sk_e2e_workspace_key"
SECRET = "e2e-webhook-secret-0123456789abcdef"
MARK_READ = "/v1/inbox/mark-read"


class Sandbox:
    def __init__(self, build, key=KEY, secret=SECRET, args=()):
        program = os.path.join(build, "automark-sandbox")
        command = [program, "--key", key, "--secret", secret, "--seconds", "600", "--with-parent", *args]
        self.key = key
        self.secret = secret
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line, "the sandbox did not start"
        self.url = line.split()[-1]
        self.port = int(self.url.rsplit(":", 1)[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()

    # ---- as a client of the API ------------------------------------------------------------

    def api(self, method, path, body=None, headers=None, key=True):
        """A call with the key in both styles; pass headers and key=False for other ways."""
        every = {"Content-Type": "application/json"} if body is not None else {}
        if key:
            every |= {"X-Api-Key": self.key, "Authorization": "Bearer " + self.key}
        text = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        return wire.request(self.port, method, path, text, every | (headers or {}))

    # ---- control ---------------------------------------------------------------------------

    def control(self, method, path, body=None):
        text = json.dumps(body).encode() if body is not None else b""
        answer = wire.request(self.port, method, "/_sandbox/" + path, text, timeout=60)
        assert answer.status == 200, answer
        return answer.json

    def conversation(self, **spec):
        """The id of a new conversation."""
        return self.control("POST", "conversations", spec)["conversations"][0]["id"]

    def conversations(self, count, **spec):
        made = self.control("POST", "conversations", {"count": count, **spec})
        return [c["id"] for c in made["conversations"]]

    def reply(self, conversation, **spec):
        """The lead answers; (facts, deliveries) of it."""
        done = self.control("POST", "reply", {"conversation": conversation, **spec})
        return done["replies"][0], done["deliveries"]

    def replies(self, specs, wait=True):
        return self.control("POST", "reply", {"replies": specs, "wait": wait})

    def deliver(self, **spec):
        return self.control("POST", "deliver", spec)["deliveries"]

    def webhook(self, url, **spec):
        """Registers a URL for every event, signed with the sandbox's --secret."""
        return self.control("POST", "webhooks", {"name": "e2e", "url": url, "events": ["*"], **spec})

    def trouble(self, *entries):
        """Each entry is about mark-read unless it says otherwise."""
        full = [{"path": MARK_READ, **e} for e in entries]
        return self.control("POST", "trouble", {"trouble": full})

    def no_trouble(self):
        self.control("DELETE", "trouble")

    def settings(self, **spec):
        self.control("POST", "settings", spec)

    def set_key(self, key, **spec):
        self.control("POST", "keys", {"key": key, **spec})

    def reset(self):
        self.control("POST", "reset")

    # ---- facts -----------------------------------------------------------------------------

    def calls(self, path=None, after=0):
        query = {"after": after} | ({"path": path} if path else {})
        calls = self.control("GET", "calls?" + urllib.parse.urlencode(query))
        for call in calls:
            try:
                call["json"] = json.loads(call["body"]) if call["body"] else None
            except ValueError:
                call["json"] = None
        return calls

    def marks(self):
        """Every mark-read call."""
        return self.calls(MARK_READ)

    def ids_marked(self):
        """Ids in the order in which mark-read calls that took effect named them."""
        return [i for call in self.marks() if call["applied"] for i in call["json"]["conversationIds"]]

    def unreads(self, conversation):
        """PATCH calls that made a conversation unread."""
        calls = self.calls("/v1/inbox/" + conversation)
        return [c for c in calls if c["method"] == "PATCH" and (c["json"] or {}).get("isRead") is False]

    def counters(self):
        return self.control("GET", "counters")

    def state(self):
        return self.control("GET", "state")

    def is_read(self, conversation):
        return self.state()[conversation]["isRead"]

    def wait_read(self, conversations, seconds=10.0):
        """All of them (an id or a list) are read."""
        wanted = [conversations] if isinstance(conversations, str) else list(conversations)

        def left():
            state = self.state()
            return [c for c in wanted if not state[c]["isRead"]]

        eventually(lambda: not left(), lambda: f"still unread: {left()[:5]} of {len(wanted)}", seconds, 0.05)

    def wait_unread(self, conversation, seconds=10.0):
        eventually(lambda: not self.is_read(conversation), f"{conversation} is still read", seconds)
