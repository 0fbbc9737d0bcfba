"""What a save leaves behind: of other files, of links, of owners, when it fails, and when it is killed."""

import errno
import os
import pathlib
import pickle
import signal
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import scirs2_autograd as ag


def filled(value, n=2):
    env = ag.VariableEnvironment()
    env.name("w").set(np.full(n, float(value)))
    return env


def value(path):
    return ag.VariableEnvironment.load(path).get("w")[0]


# Errors of the system


def refused(f):
    # The caller looks at all of it.
    with pytest.raises(OSError) as e:  # noqa: PT011
        f()
    return e.value


def test_an_error_carries_what_the_system_said(tmp_path):
    env = filled(1)
    folder, plain, loop = tmp_path / "folder", tmp_path / "plain", tmp_path / "loop"
    folder.mkdir()
    plain.write_bytes(b"")
    loop.symlink_to(loop)
    absent, below, long = tmp_path / "none", tmp_path / "none" / "a", tmp_path / ("y" * 300)
    load, save = ag.VariableEnvironment.load, env.save
    for kind, code, path, f in (
        (FileNotFoundError, errno.ENOENT, absent, load),
        (FileNotFoundError, errno.ENOENT, absent, env.initialize),
        (FileNotFoundError, errno.ENOENT, below, save),
        (IsADirectoryError, errno.EISDIR, folder, save),
        (IsADirectoryError, errno.EISDIR, folder, load),
        (NotADirectoryError, errno.ENOTDIR, plain / "a", load),
        (NotADirectoryError, errno.ENOTDIR, plain / "a", save),
        (OSError, errno.ELOOP, loop, load),
        (OSError, errno.ELOOP, loop, save),
        (OSError, errno.ENAMETOOLONG, long, load),
        (OSError, errno.ENAMETOOLONG, long, save),
    ):
        e = refused(lambda f=f, path=path: f(path))
        assert isinstance(e, kind)
        assert isinstance(e, ag.AutogradError)
        assert (e.errno, e.strerror, e.filename) == (code, os.strerror(code), os.fspath(path))
        op = "save" if f == save else "load"
        what = "written" if f == save else "read"
        assert str(e).startswith(f"{op}: the file cannot be {what}. Got {str(path)!r} (".replace("'", '"')), str(e)
        assert "); expected a " in str(e)
        again = pickle.loads(pickle.dumps(e))
        assert (type(again), str(again), again.errno, again.filename) == (type(e), str(e), e.errno, e.filename)
    # What Python itself would raise.
    assert type(refused(lambda: load(absent))).__mro__.index(FileNotFoundError) > 0


def test_what_is_not_a_file_has_a_code_too(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for f in filled(1).save, ag.VariableEnvironment.load:
        for path, said in (pipe, "not a regular file"), ("a\0b", None):
            e = refused(lambda f=f, path=path: f(path))
            assert (e.errno, e.filename) == (errno.EINVAL, os.fspath(path))
            assert said is None or e.strerror == said
    assert pipe.is_fifo()


@pytest.fixture
def nobody():
    """Runs the test as a user whom permissions bind; the tests may be run by root."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    yield
    os.seteuid(0)
    os.setegid(0)
    os.setgroups(groups)


def readable_by_all(tmp_path):
    for folder in [tmp_path, *tmp_path.parents]:
        if folder.stat().st_uid == os.geteuid() and folder != pathlib.Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)


def test_a_folder_that_is_not_ours_to_write(tmp_path, request):
    path = tmp_path / "a"
    filled(1).save(path)
    readable_by_all(tmp_path)
    tmp_path.chmod(0o555)
    request.getfixturevalue("nobody")
    for target in path, tmp_path / "new":
        e = refused(lambda target=target: filled(2).save(target))
        assert isinstance(e, PermissionError)
        assert (e.errno, e.filename) == (errno.EACCES, str(target))
    assert value(path) == 1.0
    assert os.listdir(tmp_path) == ["a"]


# Paths


class Somewhere:
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


def test_paths_of_all_kinds(tmp_path):
    odd = os.fsencode(tmp_path) + b"/\xff\xfe not utf-8"
    for k, path in enumerate([odd, Somewhere(odd), Somewhere(str(tmp_path / "c")), str(tmp_path / "d"), tmp_path / "e", os.fsdecode(odd)]):
        filled(k).save(path)
        assert value(path) == float(k)
        env = filled(-1)
        env.initialize(path)
        assert env.get("w")[0] == float(k)
        os.remove(path)
        e = refused(lambda path=path: ag.VariableEnvironment.load(path))
        assert e.filename == os.fspath(path)
    for wrong in 3, None, 1.5, Somewhere(3):
        for f in filled(1).save, ag.VariableEnvironment.load, filled(1).initialize:
            with pytest.raises(TypeError, match=r"str(, bytes| or bytes)"):
                f(wrong)


# Links, owners, modes


def test_a_link_is_followed_and_kept(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "links").mkdir()
    chains = {
        "absolute": tmp_path / "data" / "absolute",
        "relative": pathlib.Path("../data/relative"),
        "twice": pathlib.Path("relative"),
    }
    for name, target in chains.items():
        link = tmp_path / "links" / name
        link.symlink_to(target)
        for k in range(2):
            # The first time the link, or the last link of the chain, points to nothing.
            filled(k).save(link)
            assert link.is_symlink()
            assert os.readlink(link) == str(target)
            assert value(link) == float(k)
        (tmp_path / "data" / "relative").unlink(missing_ok=True)
    assert sorted(os.listdir(tmp_path / "links")) == sorted(chains)
    lost = tmp_path / "links" / "lost"
    lost.symlink_to(tmp_path / "none" / "a")
    e = refused(lambda: filled(1).save(lost))
    assert isinstance(e, FileNotFoundError)
    assert e.filename == str(lost)
    assert lost.is_symlink()


def test_links_in_a_loop(tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.symlink_to(b)
    b.symlink_to(a)
    assert refused(lambda: filled(1).save(a)).errno == errno.ELOOP
    assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert a.is_symlink()
    assert b.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_the_owner_stays(tmp_path):
    path = tmp_path / "a"
    filled(1).save(path)
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    filled(2).save(path)
    s = path.stat()
    assert (s.st_uid, s.st_gid, stat.S_IMODE(s.st_mode)) == (12345, 54321, 0o640)
    assert value(path) == 2.0


def test_the_mode_stays(tmp_path):
    path = tmp_path / "a"
    before = os.umask(0o027)
    try:
        filled(1).save(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    for mode in 0o600, 0o444, 0o755, 0o660:
        path.chmod(mode)
        filled(mode).save(path)
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert value(path) == float(mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can take the place of two users")
def test_a_file_of_another_user(tmp_path, request):
    path = tmp_path / "a"
    filled(1).save(path)
    os.chown(path, 12345, 54321)
    path.chmod(0o6755)
    readable_by_all(tmp_path)
    tmp_path.chmod(0o777)
    request.getfixturevalue("nobody")
    filled(2).save(path)
    s = path.stat()
    # It could not be given back, so it does not act in the name of its new owner either.
    assert (s.st_uid, stat.S_IMODE(s.st_mode)) == (65534, 0o755)
    assert value(path) == 2.0


# Saves that are killed, and saves side by side

CHILD = """
import sys
import numpy as np
import scirs2_autograd as ag
env = ag.VariableEnvironment()
w = env.name("w").set(np.zeros(8_000_000))
for k in range(1, 10_000):
    env.name("w").set(np.full(8_000_000, float(k)))
    print(k, flush=True)
    env.save(sys.argv[1])
"""


def test_a_save_that_is_killed_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    filled(0).save(path)
    interrupted = 0
    for attempt in range(6):
        old = value(path)
        with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True) as child:
            saving = int(child.stdout.readline())
            time.sleep(0.004 * (attempt + 1))
            child.send_signal(signal.SIGKILL)
            saving = max([saving, *map(int, child.stdout.read().split())])
        seen = ag.VariableEnvironment.load(path).get("w")
        assert (seen == seen[0]).all()
        # The last save that had begun is there whole, or the one before it.
        assert seen[0] in (old if saving == 1 else saving - 1, saving)
        interrupted += seen[0] != saving
        # What a killed save may leave, the next one takes away.
        filled(-1).save(tmp_path / "b")
        assert sorted(os.listdir(tmp_path)) == ["a", "b"]
    assert interrupted > 0


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "a"
    filled(0, 100_000).save(path)
    done = threading.Event()
    seen = set()

    def read():
        while not done.is_set():
            w = ag.VariableEnvironment.load(path).get("w")
            assert (w == w[0]).all()
            seen.add(w[0])

    def write(first):
        for k in range(first, first + 40):
            filled(k, 100_000).save(path)

    failures = []

    def caught(f, *args):
        try:
            f(*args)
        except BaseException as e:
            failures.append(e)

    reader = threading.Thread(target=caught, args=(read,))
    writers = [threading.Thread(target=caught, args=(write, first)) for first in (100, 200)]
    for t in (reader, *writers):
        t.start()
    for t in writers:
        t.join()
    done.set()
    reader.join()
    assert not failures
    assert len(seen) > 1
    assert os.listdir(tmp_path) == ["a"]
