"""TLS towards SendKit: a certificate that does not hold gets no call, no key and loses nothing."""

import contextlib
import os
import socket
import ssl
import subprocess
import threading

import pytest
from wait import SANITIZED, eventually, stays

PLEASE = "Please unsubscribe me."
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"  # where Debian's libcurl looks

can_mount = pytest.mark.skipif(
    subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0,
    reason="mounting in a namespace of one's own is not allowed here")


def certificate(folder, names="IP:127.0.0.1"):
    """A self-signed one."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-subj", "/CN=sandbox", "-addext", f"subjectAltName={names}",
                    "-days", "2"], check=True, capture_output=True)
    return key, cert


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class TLS:
    """Terminates TLS in front of the sandbox. Knows which handshakes came to an end."""

    def __init__(self, sandbox, key, cert, version=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        if version:
            self.context.minimum_version = self.context.maximum_version = version
            self.context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.behind = int(sandbox.url.rsplit(":", 1)[1])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.tried = self.spoke = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._one, args=(client,), daemon=True).start()

    def _one(self, client):
        self.tried += 1
        client.settimeout(30)
        with contextlib.suppress(OSError), self.context.wrap_socket(client, server_side=True) as inside:
            with socket.create_connection(("127.0.0.1", self.behind)) as outside:
                first = inside.recv(65536)
                self.spoke += bool(first)
                outside.sendall(first)
                threading.Thread(target=pump, args=(outside, inside), daemon=True).start()
                pump(inside, outside)

    def close(self):
        self.listener.close()


@pytest.fixture
def tls(sandbox, folder):
    made = []

    def make(version=None, **how):
        made.append(TLS(sandbox, *certificate(folder, **how), version=version))
        return made[-1]

    yield make
    for one in made:
        one.close()


def towards(daemons, sandbox, url, wrapper=()):
    daemon = daemons(sandbox, start=False, wrapper=wrapper)
    daemon.args[daemon.args.index("--api-url") + 1] = url
    return daemon.start()


def trusting(folder):
    """The daemon alone sees our certificate as the machine's list of authorities."""
    return ["unshare", "-m", "sh", "-c", f'mount --bind "{folder}/cert.pem" {BUNDLE} && exec "$@"', "sh"]


@can_mount
@pytest.mark.skipif(not os.path.exists(BUNDLE), reason="ca-certificates is not installed")
def test_a_good_certificate_is_taken(daemons, sandbox, folder, tls):
    server = tls()
    daemon = towards(daemons, sandbox, server.url, trusting(folder))
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, PLEASE).is_ == (202, "queued")
    sandbox.wait_read(one, 20)
    assert server.spoke >= 1


@pytest.mark.slow
@pytest.mark.parametrize("case", ["unknown authority", "another host", "an old protocol"])
def test_a_bad_one_gets_nothing(daemons, sandbox, folder, tls, case):
    """The mark waits, the reason is said, and no byte of a request leaves the machine."""
    old = ssl.TLSVersion.TLSv1_1 if case == "an old protocol" else None
    server = tls(version=old, names="DNS:elsewhere.example" if case == "another host" else "IP:127.0.0.1")
    wrapper = trusting(folder) if case != "unknown authority" and not can_mount.args[0] else ()
    daemon = towards(daemons, sandbox, server.url, wrapper)
    (one,) = sandbox.conversations(1)
    assert daemon.says(one, PLEASE).is_ == (202, "queued")
    eventually(lambda: server.tried >= 2, "tried again", 30)
    stays(lambda: server.spoke == 0, "a request was sent", 0.5)
    daemon.wait_log(r"(?i)certificate|SSL|protocol|alert")
    assert daemon.job(one)["state"] in ("pending", "sending") and not sandbox.is_read(one)
    assert sandbox.key not in daemon.log()


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="about time")
def test_a_handshake_that_stalls_is_cut(daemons, sandbox):
    """Connects, says nothing: given up after the time for connecting, and tried again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        daemon = towards(daemons, sandbox, f"https://127.0.0.1:{silent.getsockname()[1]}")
        (one,) = sandbox.conversations(1)
        assert daemon.says(one, PLEASE).is_ == (202, "queued")
        silent.settimeout(30)
        first, _ = silent.accept()
        second, _ = silent.accept()
        with first, second:
            assert daemon.job(one)["state"] in ("pending", "sending")
            assert daemon.stop(15) == 0
