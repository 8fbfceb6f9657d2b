"""Requests as a webhook sender makes them: signed, over real sockets, or mangled on purpose."""

import concurrent.futures
import hashlib
import hmac
import http.client
import json
import re
import socket
import threading

from wait import PATIENCE


class Answer:
    """One HTTP answer; json is None when the body is none."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = {k.lower(): v for k, v in headers}
        self.body = body
        try:
            self.json = json.loads(body)
        except ValueError:
            self.json = None

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"

    @property
    def is_(self):
        """The word in `status` of the body, with the HTTP status: (202, 'queued')."""
        return self.status, (self.json or {}).get("status")


def sign(body, secret):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed_headers(body, secret, event=None):
    headers = {"Content-Type": "application/json", "x-sendkit-signature": "sha256=" + sign(body, secret)}
    if event:
        headers["X-Webhook-Event"] = event
    return headers


_kept = threading.local()


def request(port, method, path, body=b"", headers=None, timeout=20.0, fresh=False):
    """One request; connections are kept per thread and port, and opened anew when they died."""
    pool = _kept.__dict__.setdefault("pool", {})
    for attempt in (1, 2):
        conn = None if fresh else pool.pop(port, None)
        old = conn is not None
        if conn is None:
            conn = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout * PATIENCE)
        try:
            conn.request(method, path, body, headers or {})
            response = conn.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        except (http.client.HTTPException, OSError) as trouble:
            conn.close()
            if old and attempt == 1 and isinstance(trouble, (ConnectionError, BrokenPipeError)):
                continue  # a kept connection had died in the meantime
            raise
        if fresh or response.will_close:
            conn.close()
        else:
            pool[port] = conn
        return answer
    raise AssertionError("not reached")


def raw(port, data, timeout=20.0, shut=False):
    """Sends bytes to the letter; everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout * PATIENCE) as s:
        try:
            s.sendall(data)
            if shut:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the server may have said no and closed already
        got = b""
        while True:
            try:
                piece = s.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            got += piece
        return got


def statuses(data):
    """The status codes of all answers in what raw() gave."""
    return [int(code) for code in re.findall(rb"HTTP/1\.[01] (\d{3})", data)]


def in_parallel(fn, items, threads=16):
    """fn of each item in threads; results in the items' order."""
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return list(pool.map(fn, items))
