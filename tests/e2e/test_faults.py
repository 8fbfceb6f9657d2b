"""Faults of the machine: failing syncs, a full disk, no more descriptors. Nothing acknowledged is lost."""

import os
import shutil
import socket
import subprocess

import pytest
import wire
from daemon import reply_event
from wait import SANITIZED, eventually

PLEASE = "Please unsubscribe me."

can_trace = pytest.mark.skipif(
    SANITIZED or not shutil.which("strace") or
    subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0,
    reason="strace is missing or not allowed, or does not mix with a sanitizer")


def injecting(what):
    """The daemon's system calls fail as strace is told; -D keeps the daemon our own child."""
    return ["strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync,pwrite64", "-e", "inject=" + what]


def post_until_it_fails(daemon, ids):
    """Acknowledged ids; ends with the first that is not."""
    good = []
    for one in ids:
        try:
            answer = daemon.reply(one, PLEASE, fresh=True)
        except OSError:
            return good
        except Exception:  # http.client: the connection ended without an answer
            return good
        if answer.status != 202:
            assert answer.status == 503, answer
            return good
        good.append(one)
    return good


@can_trace
@pytest.mark.parametrize("when", [12, 17, 25])
@pytest.mark.slow
def test_a_failed_sync_ends_the_process_and_loses_nothing(daemons, sandbox, when):
    """Trying a failed fsync again may report false success: the process must go, and come back clean."""
    daemon = daemons(sandbox, wrapper=injecting(f"fdatasync,fsync:error=EIO:when={when}+"))
    ids = sandbox.conversations(60)
    sandbox.replies([{"conversation": i, "text": PLEASE, "deliver": False} for i in ids])
    good = post_until_it_fails(daemon, ids)
    assert len(good) < len(ids), "no sync ever failed"
    eventually(lambda: daemon.process.poll() is not None, lambda: "it ends\n" + daemon.log()[-2000:], 15)
    assert daemon.process.returncode not in (0, None)
    daemon.wrapper = []
    daemon.start()
    sandbox.wait_read(good, 20)


@pytest.fixture
def small_disk(folder):
    """A file system of 96 MiB."""
    path = folder / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "none", path], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield path
    subprocess.run(["umount", "-l", path], check=True)


def test_a_full_disk_is_said_and_nothing_is_lost(small_disk, daemons, sandbox):
    """503 with Retry-After while it is full; what waits goes on; afterwards all is as before."""
    daemon = daemons(sandbox, start=False)
    daemon.store = small_disk / "automark.db"
    daemon.socket = small_disk / "automark.sock"
    daemon.args[daemon.args.index("--store") + 1] = f"sqlite:{daemon.store}"
    daemon.start()
    sandbox.trouble({"status": 500, "times": 2})
    waiting = sandbox.conversations(10)
    for one in waiting:
        assert daemon.says(one, PLEASE).is_ == (202, "queued")
    filler = small_disk / "filler"
    with open(filler, "wb", buffering=0) as f:
        try:
            while True:
                f.write(b"x" * 65536)
        except OSError:
            pass
    late = sandbox.conversations(1)[0]
    answer = eventually(lambda: full(daemon, late), lambda: "a 503\n" + daemon.log()[-2000:], 20, 0.1)
    assert int(answer.headers["retry-after"]) >= 1 and answer.json["status"] == "error"
    assert answer.headers["connection"].lower() == "close"
    assert daemon.admin("/readyz").status == 503 and daemon.admin("/healthz").status == 200
    sandbox.wait_read(waiting, 30)
    for one in waiting:
        daemon.wait_job(one, "done", seconds=20)
    filler.unlink()
    eventually(lambda: daemon.reply(late, PLEASE, message="m_late").status in (200, 202), "it stores again", 20, 0.2)
    assert daemon.admin("/readyz").status == 200
    daemon.kill()
    daemon.start()
    daemon.wait_job(late, "done")


def full(daemon, one):
    """A 503, or None while there still was room."""
    answer = daemon.reply(one + os.urandom(4).hex(), "Nothing special")
    assert answer.status in (200, 503), answer
    return answer if answer.status == 503 else None


def test_running_out_of_descriptors(daemons, sandbox):
    """More connections than descriptors: the rest waits or is refused, marks go on, and then all is well."""
    daemon = daemons(sandbox, wrapper=["prlimit", "--nofile=96:96"])
    crowd = []
    for _ in range(300):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(("127.0.0.1", daemon.port))
        crowd.append(s)
    for s in crowd:
        s.close()
    one = sandbox.conversation()
    answer = eventually(lambda: quietly(daemon, one), "an answer after the crowd", 20)
    assert answer.status == 202
    sandbox.wait_read(one)


def quietly(daemon, one):
    try:
        return daemon.reply(one, PLEASE, message="m_1", fresh=True, timeout=5)
    except Exception:
        return None


def test_a_store_that_is_no_store_is_left_alone(daemons, sandbox):
    daemon = daemons(sandbox, start=False)
    daemon.store.write_bytes(b"This is no database, but something dear to somebody." * 100)
    daemon.launch()
    eventually(lambda: daemon.process.poll() is not None, "it ends")
    assert daemon.process.returncode == 3
    assert daemon.store.read_bytes().startswith(b"This is no database")


def test_a_store_that_others_may_read_is_not_made(daemon):
    daemon.reply("c_1", "hello")
    for path in daemon.folder.glob("automark.db*"):
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} is {oct(path.stat().st_mode)}"


@pytest.mark.threads
@pytest.mark.slow
def test_a_burst_beyond_what_may_wait(daemon, sandbox):
    """More at once than listener and store will hold: some may get 503, none gets lost or hangs."""
    ids = sandbox.conversations(1500)
    sandbox.replies([{"conversation": i, "text": PLEASE, "deliver": False} for i in ids])

    # A lost answer is asked again, as a sender does, and may then be a duplicate
    def post(one):
        body = reply_event(one, PLEASE, message="m_" + one)
        for _ in range(50):
            try:
                answer = daemon.post(body, timeout=30)
            except OSError:
                continue
            if answer.is_ in ((202, "queued"), (200, "duplicate")):
                return True
            assert answer.status == 503, answer
        return False

    assert all(wire.in_parallel(post, ids, threads=64))
    sandbox.wait_read(ids, 40)
