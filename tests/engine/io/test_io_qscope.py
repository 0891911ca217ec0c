"""Session files: what was saved comes back, and what cannot be is refused in a sentence."""

import contextlib
import hashlib
import io as stdio
import json
import os
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantoscope.engine.io import (
    FormatError,
    base,
    budget,
    list_tensors,
    load,
    probe,
    qscope,
    saved,
)
from quantoscope.engine.io.saved import SavedScheme, SavedSession, SavedSource, SavedTensor
from quantoscope.engine.numerics.axes_view import AxesView
from quantoscope.engine.numerics.roles import Role

NAN = np.array([0x7FC01234, 0xFF800001, 0x80000000], np.uint32).view(np.float32)


def whole_session(path):
    return SavedSession(
        (SavedSource("/data/model.safetensors", "model.safetensors", 12, "sha256:0"),),
        (
            SavedTensor("odd values", array=NAN, edited=True, chosen=2),
            SavedTensor("in its file", 0, "layers.0/weight"),
            SavedTensor("changed", 0, "b", where=np.array([3, 5]), values=np.array([0.5, np.inf])),
            SavedTensor("empty", array=np.zeros((0, 3))),
            SavedTensor("seen", 0, "c", codes=np.arange(4, dtype=np.int8), codes_name="dump.bin"),
            SavedTensor(
                "turned",
                array=np.ones((4, 3)),
                axes=AxesView().transposed((3, 4), (1, 0)),
                role=Role((1,), (0,), "MatMul"),
            ),
        ),
        (SavedScheme("int8 symmetric", "mine", 3, 2, 1, False), SavedScheme("q8_0")),
        2,
        1,
        "ein Titel ✓",
        {"docks": "AAA=", "pair": [0, 1], "ranges": {"signal": [[0.5, 1.5], [-1, 1]]}},
    )


def same(first, second):
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return (first.dtype, first.shape, first.tobytes()) == (
            second.dtype, second.shape, second.tobytes(),
        )  # fmt: skip
    return first == second


def test_everything_comes_back(tmp_path):
    path = tmp_path / "all.qscope"
    session = whole_session(path)
    qscope.write(path, session)
    read = qscope.read(path)
    for name in ("sources", "schemes", "current", "active", "title", "view"):
        assert getattr(read, name) == getattr(session, name), name
    assert len(read.tensors) == len(session.tensors)
    for one, other in zip(read.tensors, session.tensors, strict=True):
        for key, value in vars(one).items():
            assert same(value, getattr(other, key)), (one.title, key)
    assert qscope.head_of(path) == (session.title, session.view)
    assert probe(path).endings == (".qscope",)


def test_the_same_session_is_the_same_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.qscope", "b.qscope")]
    for path in paths:
        qscope.write(path, whole_session(path))
    assert paths[0].read_bytes() == paths[1].read_bytes()


@given(
    arrays.arrays(st.sampled_from([np.float32, np.float64]), arrays.array_shapes(min_dims=0)),
    st.text(max_size=30),
)
def test_any_array_under_any_title_comes_back(tmp_path_factory, array, title):
    path = tmp_path_factory.getbasetemp() / "any.qscope"
    qscope.write(path, SavedSession(tensors=(SavedTensor(title, array=array),)))
    tensor = qscope.read(path).tensors[0]
    assert tensor.title == title
    assert same(tensor.array, np.asarray(array))


def test_its_arrays_are_read_like_those_of_any_file(tmp_path):
    path = tmp_path / "twins.qscope"
    twins = [SavedTensor("twin", array=np.full(2, n, np.float32)) for n in (1, 2)]
    qscope.write(path, SavedSession(tensors=tuple(twins)))
    assert [info.name for info in list_tensors(path)] == ["twin", "twin (2)"]
    assert load(path, "twin (2)").tolist() == [2, 2]


def test_thousands_of_one_title_are_listed_in_no_time(tmp_path):
    twins = {"title": "twin", "array": "arrays/0.npy"}
    path = manifest(tmp_path / "same.qscope", lambda f: f.update(tensors=[twins] * 20_000))
    before = time.process_time()
    assert len({info.name for info in list_tensors(path)}) == 20_000
    assert time.process_time() - before < 10


def test_arrays_that_lie_within_each_other_are_refused_before_they_take_memory(tmp_path, refusal):
    """Each holds all that follow: ten of a megabyte in a file of one."""
    inner, entries = bytes(1 << 20), []
    for place in reversed(range(10)):
        npy = stdio.BytesIO()
        np.save(npy, np.frombuffer(inner, np.uint8))
        part = stdio.BytesIO()
        with zipfile.ZipFile(part, "w") as archive:
            archive.writestr(f"arrays/{place}.npy", npy.getvalue())
            (info,) = archive.infolist()
        inner = part.getvalue()[: archive.start_dir]
        entries.append((info, len(inner)))
    path = tmp_path / "nested.qscope"
    session = {
        **{"format": qscope.FORMAT, "version": qscope.VERSION},
        "tensors": [{"title": str(n), "array": f"arrays/{n}.npy"} for n in range(10)],
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.fp.write(inner)
        archive.start_dir = len(inner)
        for info, before_end in entries:
            info.header_offset = len(inner) - before_end
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
        archive.writestr(qscope.MANIFEST, json.dumps(session))
    try:
        with zipfile.ZipFile(path) as archive:
            archive.open("arrays/0.npy").close()
    except zipfile.BadZipFile:
        pass  # This Python refuses such members itself.
    else:
        assert load(path, "0").nbytes > 1 << 20
    assert "damaged" in refusal(qscope.read, path)


def manifest(path, change):
    """Write a session whose manifest was changed by hand."""
    good = path.with_suffix(".good")
    qscope.write(good, whole_session(path))
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == qscope.MANIFEST:
                fields = json.loads(data)
                fields = change(fields) or fields
                data = fields if isinstance(fields, bytes) else json.dumps(fields)
            new.writestr(member.filename, data)
    return path


BROKEN = {
    "no JSON": lambda f: b"{",
    "nested too deep": lambda f: b"[" * 100_000,
    "a list": lambda f: b"[]",
    "another format": lambda f: {"format": "something"},
    "no version": lambda f: f.pop("version") and None,
    "a version that is no number": lambda f: f.update(version=True),
    "a negative version": lambda f: f.update(version=-1),
    "no place for a tensor": lambda f: f["tensors"][0].update(array=None),
    "an array that is missing": lambda f: f["tensors"][0].update(array="arrays/9.npy"),
    "an array outside": lambda f: f["tensors"][0].update(array="../../etc/passwd"),
    "an array twice": lambda f: f["tensors"][3].update(array="arrays/0.npy"),
    "a source that leads nowhere": lambda f: f["tensors"][1].update(source=7),
    "a negative source": lambda f: f["tensors"][1].update(source=-1),
    "half of a change": lambda f: f["tensors"][2].update(where=None),
    "a change at no position": lambda f: f["tensors"][2].update(where="arrays/0.npy", array=None),
    "codes of fractions": lambda f: f["tensors"][1].update(codes="arrays/2.values.npy"),
    "a current that leads nowhere": lambda f: f.update(current=99),
    "a current behind the last tensor": lambda f: f.update(current=6),
    "axes of another shape": lambda f: f["tensors"][5].update(axes=[[[3, 5], [1, 0]]]),
    "axes of no array": lambda f: f["tensors"][1].update(axes=[[[3, 4], [1, 0]]]),
    "axes of text": lambda f: f["tensors"][5].update(axes="turned"),
    "a role of one axis twice": lambda f: f["tensors"][5].update(role={"out": [0], "in": [0]}),
    "a role of text": lambda f: f["tensors"][5].update(role="MatMul"),
    "an active scheme behind the last": lambda f: f.update(active=2),
    "a title of a number": lambda f: f["tensors"][0].update(title=5),
    "schemes of numbers": lambda f: f.update(schemes=[1, 2]),
    "a path of a list": lambda f: f["sources"][0].update(path=["/"]),
    "a path with a NUL": lambda f: f["sources"][0].update(path="/a\0b"),
    "a place with a NUL": lambda f: f["sources"][0].update(beside="a\0b"),
    "a path of half a character": lambda f: f["sources"][0].update(path="/\ud800"),
    "a view of text": lambda f: f.update(view="x"),
}


@pytest.mark.parametrize("way", BROKEN)
def test_a_session_that_makes_no_sense_is_refused_in_a_sentence(tmp_path, refusal, way):
    path = manifest(tmp_path / "broken.qscope", BROKEN[way])
    assert "broken.qscope" in refusal(qscope.read, path)


@pytest.mark.parametrize(
    "where",
    [np.array([0, -1]), np.array([[0, 1]]), np.array([0.0, 1.0]), np.array([0])],
    ids=["before the first", "in two axes", "no whole numbers", "too few"],
)
def test_changes_at_no_positions_are_refused(tmp_path, refusal, where):
    path = tmp_path / "x.qscope"
    source, values = SavedSource("/data/x.npy"), np.array([0.5, 1.5])
    tensor = SavedTensor("x", 0, where=where, values=values)
    qscope.write(path, SavedSession((source,), (tensor,)))
    sentence = refusal(qscope.read, path)
    assert sentence == "x.qscope is damaged: the changes of 'x' cannot be read."


def test_what_a_session_leaves_out_is_as_the_records_have_it(tmp_path):
    def change(fields):
        fields["sources"] = [{"path": "/data/x.npy"}]
        fields["tensors"] = [{"title": "x", "source": 0}]
        fields["schemes"] = [{"text": "q8_0"}]
        for key in ("current", "active", "title", "view"):
            del fields[key]

    session = qscope.read(manifest(tmp_path / "short.qscope", change))
    (tensor,) = session.tensors
    assert vars(tensor) == vars(SavedTensor("x", 0))
    assert session.sources == (SavedSource("/data/x.npy"),)
    assert session.schemes == (SavedScheme("q8_0"),)
    assert session.schemes[0].enabled
    others = (session.current, session.active, session.title, session.view)
    assert others == (None, None, "", {})


def test_a_session_of_a_later_version_says_so(tmp_path, refusal):
    path = manifest(tmp_path / "new.qscope", lambda f: f.update(version=qscope.VERSION + 1))
    assert "later version of Quantoscope" in refusal(qscope.read, path)


def as_version_1(fields, digest="sha256-64:0"):
    """How version 1 wrote it: a long file was hashed in samples, its time was not kept."""
    fields["version"] = 1
    for source in fields["sources"]:
        del source["modified"]
        source["digest"] = digest


def test_a_session_of_an_earlier_version_is_brought_forward(tmp_path, refusal):
    sampled = manifest(tmp_path / "sampled.qscope", as_version_1)
    session = qscope.read(sampled)
    assert len(session.tensors) == len(whole_session(sampled).tensors)
    assert [source.digest for source in session.sources] == [""]
    whole = manifest(tmp_path / "whole.qscope", lambda f: as_version_1(f, "sha256:12"))
    assert [source.digest for source in qscope.read(whole).sources] == ["sha256:12"]
    for way in (lambda f: as_version_1(f, 5), lambda f: f.update(version=1, sources=[5])):
        assert "earlier format" in refusal(qscope.read, manifest(tmp_path / "bad.qscope", way))


def test_compressed_arrays_are_refused_since_they_may_be_bombs(tmp_path, refusal):
    path = tmp_path / "bomb.qscope"
    good = tmp_path / "good.qscope"
    big = SavedTensor("zeros", array=np.zeros(1 << 20, np.float32))
    qscope.write(good, SavedSession(tensors=(big,)))
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member.filename, old.read(member))
    assert "compressed" in refusal(qscope.read, path)


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.bin"
    path.write_bytes(b"0123456789")
    return path


def later(path):
    """Give a file a time of change that it did not have before."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))


def test_a_hash_is_of_the_whole_content_and_tells_how_far_it_is(data, monkeypatch):
    monkeypatch.setattr(saved, "_CHUNK", 4)
    steps = []
    digest = saved.digest_of(data, lambda done, total: steps.append((done, total)))
    assert digest == f"sha256:{hashlib.sha256(b'0123456789').hexdigest()}"
    assert steps == [(4, 10), (8, 10), (10, 10)]


def test_a_place_is_told_from_the_folder_of_the_session(tmp_path):
    session = tmp_path / "work" / "a.qscope"
    places = {
        "work/x.npy": "x.npy",
        "work/models/v2/x.npy": "models/v2/x.npy",
        "x.npy": "",
        "workshop/x.npy": "",
    }
    for place, beside in places.items():
        found = saved.placed(SavedSource(str(tmp_path / place), "elsewhere"), session)
        assert (found.path, found.beside) == (str(tmp_path / place), beside)
    assert saved.placed(SavedSource(str(tmp_path / "x.npy"), "x.npy"), None).beside == ""


def test_a_description_says_what_and_where_a_file_is(data, tmp_path):
    found = saved.described(SavedSource(str(data)), tmp_path / "s.qscope")
    assert (found.size, found.beside) == (10, "data.bin")
    assert found.modified == data.stat().st_mtime_ns
    (tmp_path / "sub").mkdir()
    assert saved.described(SavedSource(str(data)), tmp_path / "sub" / "s.qscope").beside == ""


CHANGES = {
    "nothing": (lambda path: None, True),
    "another time": (later, True),
    "another name": (lambda path: path.rename(path.with_name("renamed")), True),
    "a digit": (lambda path: path.write_bytes(b"0123456780"), False),
    "another length": (lambda path: path.write_bytes(b"012345678"), False),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("trusted", [0, 1 << 26])
def test_a_file_is_known_again_by_its_content(data, change, trusted, monkeypatch):
    monkeypatch.setattr(saved, "TRUSTED", trusted)
    known = saved.described(SavedSource(str(data)))
    make, same = CHANGES[change]
    before = data.stat().st_mtime_ns
    make(data)
    path = data if data.exists() else data.with_name("renamed")
    if not same:
        os.utime(path, ns=(0, before))  # a tool that keeps the time deceives only long files
        deceived = trusted == 0 and path.stat().st_size == known.size
        assert saved.unchanged(known, path) == deceived
        later(path)
    assert saved.unchanged(known, path) == same


def test_without_a_hash_the_time_of_change_tells(data):
    known = saved.seen(data)
    assert saved.unchanged(known, data)
    later(data)
    assert not saved.unchanged(known, data)
    assert saved.unchanged(SavedSource(str(data)), data), "nothing is known of it"


def test_a_file_is_another_one_where_its_number_and_the_time_of_that_are(data, tmp_path):
    known = saved.seen(data)
    assert not known.replaced_by(saved.seen(data))
    data.chmod(0o600)
    assert not known.replaced_by(saved.seen(data)), "who may read it says nothing of what it holds"
    copy = tmp_path / "copy"
    copy.write_bytes(data.read_bytes())
    os.utime(copy, ns=(known.modified, known.modified))
    copy.replace(data)
    assert known.replaced_by(saved.seen(data))
    assert not SavedSource(str(data)).replaced_by(saved.seen(data)), "nothing is known of it"


def test_long_files_are_hashed_once(data, monkeypatch):
    monkeypatch.setattr(saved, "TRUSTED", 5)
    known = saved.described(saved.seen(data))
    monkeypatch.setattr(saved, "digest_of", None)
    assert saved.described(known) == known
    assert saved.unchanged(known, data)


def test_a_file_that_was_replaced_is_described_as_it_was_read(data):
    known = saved.described(saved.seen(data))
    data.write_bytes(b"other things")
    later(data)
    assert saved.described(known) == known
    assert not saved.unchanged(known, data)


def test_a_failing_write_leaves_the_old_session(tmp_path, refusal):
    path = tmp_path / "kept.qscope"
    qscope.write(path, whole_session(path))
    before = path.read_bytes()
    with pytest.raises(TypeError):
        qscope.write(path, SavedSession(view={"no JSON": object()}))
    os.chmod(path, 0o444)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["kept.qscope"]


def test_no_session_is_read_without_a_manifest(tmp_path, refusal):
    path = tmp_path / "arrays.qscope"
    with path.open("wb") as stream:
        np.savez(stream, a=np.ones(2))
    assert load(path, "a").tolist() == [1, 1], "known by its content: arrays of NumPy"
    with pytest.raises(FormatError):
        qscope.read(path)


# Memory: what a manifest becomes is counted before it is parsed


def packed(path, text):
    """A session of any text as its manifest."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(qscope.MANIFEST, text)
    return path


HEAD = '{"format":"quantoscope session","version":2'
AMPLIFIERS = {
    "a long title": ('"title":"', "x", "", '"'),
    "a title with one wide character": ('"title":"\N{GRINNING FACE}', "x", "", '"'),
    "a title with one wide escape": (r'"title":"\ud83d\ude00', "x", "", '"'),
    "lists": ('"view":{"a":[', "[[]]", ",", "]}"),
    "objects": ('"more":[', '{"a":[]}', ",", "]"),
    "tensors": ('"tensors":[', '{"title":"x","array":"a"}', ",", "]"),
    "files": ('"sources":[', '{"path":"x"}', ",", "]"),
    "schemes": ('"schemes":[', '{"text":"int8"}', ",", "]"),
    "names": ('"view":{', '"%x":1', ",", "}"),
}


@pytest.mark.parametrize("length", [60_000, 600_000, 2 << 20])
@pytest.mark.parametrize("way", AMPLIFIERS)
def test_a_manifest_that_inflates_takes_no_more_than_a_session_may(
    tmp_path, monkeypatch, way, length
):
    monkeypatch.setattr(base, "_ANYWAY", 1 << 22)
    monkeypatch.setattr(budget, "_RESERVE", 1 << 18)
    before, part, between, after = AMPLIFIERS[way]
    count = length // (len(part) + len(between))
    parts = (part % n for n in range(count)) if "%" in part else [part] * count
    text = f"{HEAD},{before}{between.join(parts)}{after}}}"
    path = packed(tmp_path / "inflates.qscope", text)
    for read in (qscope.read, qscope.head_of, list_tensors):
        tracemalloc.start()
        with contextlib.suppress(FormatError):
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < base.most_memory(path.stat().st_size)


def test_that_a_manifest_has_too_many_parts_is_said(tmp_path, refusal):
    objects = ",".join(['{"a":[]}'] * 200_000)
    path = packed(tmp_path / "parts.qscope", f'{HEAD},"more":[{objects}]}}')
    for read in (qscope.read, qscope.head_of, list_tensors):
        assert "has more names and other texts than fit into the" in refusal(read, path)


def test_how_far_a_manifest_inflates_is_said(tmp_path, refusal):
    path = packed(tmp_path / "bomb.qscope", f'{HEAD},"title":"{"x" * (40 << 20)}"}}')
    said = refusal(qscope.read, path)
    assert said.startswith("bomb.qscope has more names and other texts than fit into the ")


@pytest.mark.parametrize("depth", [70, 900, 100_000])
def test_a_manifest_whose_parts_lie_within_each_other_without_end_is_refused(
    tmp_path, refusal, depth
):
    nested = "[" * depth + "]" * depth
    path = packed(tmp_path / "deep.qscope", f'{HEAD},"view":{{"docks":{nested}}}}}')
    assert "deep.qscope is damaged" in refusal(qscope.read, path)


@pytest.mark.parametrize(
    "view", [{"docks": "x" * 2_000_000}, {"a": [0] * 20_000}, {str(n): 0 for n in range(20_000)}]
)
def test_a_view_of_any_size_is_refused(tmp_path, refusal, view):
    path = manifest(tmp_path / "view.qscope", lambda f: f.update(view=view))
    for read in (qscope.read, qscope.head_of):
        assert "its view cannot be read" in refusal(read, path)


def test_a_session_has_at_most_so_many_schemes_as_a_window(tmp_path, refusal):
    path = tmp_path / "many.qscope"
    lines = [SavedScheme("int8 symmetric", f"scheme {n}") for n in range(saved.MAX_SCHEMES + 1)]
    qscope.write(path, SavedSession(schemes=tuple(lines[:-1])))
    assert len(qscope.read(path).schemes) == saved.MAX_SCHEMES
    qscope.write(path, SavedSession(schemes=tuple(lines)))
    assert refusal(qscope.read, path) == (
        "many.qscope holds 101 schemes; a session has at most 100."
    )


@pytest.mark.parametrize(
    "text",
    [
        "[" + ",".join(["{}"] * 30_000) + "]",
        "[" + ",".join(["[[]]"] * 30_000) + "]",
        "[" + ",".join(['{"a":[]}'] * 30_000) + "]",
        "{" + ",".join(f'"{n:x}":0' for n in range(43_691)) + "}",
        "{" + ",".join(f'"{n:x}":{{"a":{{}}}}' for n in range(30_000)) + "}",
        "{" + ",".join(f'"\N{GRINNING FACE}{n:x}":1.5' for n in range(30_000)) + "}",
        "[" + ",".join(["1.5"] * 30_000) + "]",
        "[" + ",".join(['"\u0101"'] * 30_000) + "]",
        "[" + ",".join([r'"\ud83d\ude00"'] * 30_000) + "]",
        '"' + "x" * 300_000 + '\N{GRINNING FACE}"',
        '"' + "x" * 300_000 + r'\ud83d\ude00"',
        '"' + r"\ud83d\ude00x" * 30_000 + '"',
        '"' + r"\n" * 300_000 + '"',
    ],
)
def test_what_json_takes_is_counted_before_it_is_parsed(text):
    data = text.encode()
    tracemalloc.start()
    qscope._parsed(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    cost = budget.json_cost(data)
    assert len(data) + peak <= cost + 4096
    assert cost <= 10 * peak
