from __future__ import annotations

import pytest

from screening.errors import ConfigurationError, FormatError
from screening.evaluate.leaks import (
    Statement,
    between_splits,
    leaks,
    model_statements,
    parse_statement,
    read_statement,
    statement_of,
    trained_on,
    write_statement,
)
from screening.evaluate.samples import Sample
from screening.evaluate.splits import leave_out, split_by


def sample(name, **fields):
    return Sample(**{"id": name, "path": f"{name}.h5", "parent": name, **fields})


class Trained:
    name = "trained"
    models = {"m": "hash"}  # noqa: RUF012


def test_training_data_in_the_test_set_are_named():
    samples = [sample("a", seed=5), sample("b"), sample("c", parent="p"), sample("d", seed=6)]
    statement = Statement("m", frozenset({"seed 5", "sha256 bb", "parent p"}))
    found = trained_on(samples, {"a": "aa", "b": "bb", "c": "cc", "d": "dd"}, statement)
    assert [(item.kind, item.where, item.n, item.is_error) for item in found] == [
        ("trained on", "m", 1, True)
    ] * 3
    assert [item.text.partition(";")[0] for item in found] == [
        "the same seed as in its training: a",
        "the same bytes as in its training: b",
        "the same parent as in its training: c",
    ]


def test_many_are_counted():
    samples = [sample(f"s{i}", parent="p") for i in range(9)]
    (found,) = trained_on(samples, {}, Statement("m", frozenset({"parent p"})))
    assert found.n == 9
    assert "s4 and 4 more" in found.text


def test_a_statement_is_written_and_read_back(tmp_path):
    write_statement(tmp_path, sha256=["b", "a"], seeds=[3, -1], parents=["run 7"])
    found = read_statement(tmp_path, name="m")
    assert found.entries == {"sha256 a", "sha256 b", "seed 3", "seed -1", "parent run 7"}
    again = write_statement(tmp_path, sha256=["a", "b"], seeds=[-1, 3], parents=["run 7"]).read_bytes()
    assert again == (tmp_path / "trained_on.txt").read_bytes()
    assert read_statement(tmp_path / "nowhere", name="m") is None


@pytest.mark.parametrize("text", ["colour red", "seed five", "sha256", "seed "])
def test_what_is_no_statement_is_refused(text):
    with pytest.raises(FormatError, match="trained_on"):
        parse_statement(f"# made by hand\n\n{text}\n", name="m")


def test_a_detector_is_known_by_its_models_or_by_itself(tmp_path):
    (tmp_path / "m").mkdir()
    write_statement(tmp_path / "m", seeds=[1])
    statements = model_statements(tmp_path)
    assert statement_of(Trained(), statements).entries == {"seed 1"}
    assert statement_of(Trained(), {}) is None
    own = Trained()
    own.trained_on = ("seed 9",)
    assert statement_of(own, statements).entries == {"seed 1", "seed 9"}


def test_a_model_that_does_not_state_its_training_is_told():
    (found,) = leaks([Trained()], [sample("a")], {}, "test", {})
    assert (found.kind, found.is_error) == ("training not stated", False)


def test_entries_written_otherwise_are_the_same():
    assert parse_statement("sha256  AbC\nseed 007\nseed -0", name="m").entries == {
        "sha256 abc",
        "seed 7",
        "seed 0",
    }
    with pytest.raises(FormatError, match="line 1"):
        parse_statement("seed --5", name="m")


def test_a_detector_that_states_nonsense_is_told_and_the_others_are_checked():
    class Vague(Trained):
        name = "vague"
        trained_on = ("everything",)

    vague, other = leaks(
        [Vague(), Trained()], [sample("a")], {}, "test", {"m": Statement("m", frozenset({"parent a"}))}
    )
    assert (vague.kind, vague.where, vague.n, vague.is_error) == ("training not stated", "vague", 1, True)
    assert "'everything' is none of" in vague.text
    assert other.kind == "trained on"


def test_shipped_models_state_something_readable_or_nothing():
    assert isinstance(model_statements(), dict)


def test_what_stands_in_two_splits_is_named():
    samples = [
        sample("a", parent="run 1"),
        sample("b", parent="run 1", split="train"),
        sample("c", seed=3),
        sample("d", seed=3, split="validation"),
        sample("e"),
        sample("f", split="train"),
        sample("g", path="x", index=0),
        sample("h", path="x", index=1, split="train"),
    ]
    hashes = {"e": "same", "f": "same", "g": "file", "h": "file"}
    found = between_splits(samples, hashes, "test")
    assert [(item.where, item.text) for item in found] == [
        ("test and train", "the same parent in both: a"),
        ("test and validation", "the same seed in both: c"),
        ("test and train", "the same bytes in both: e"),
    ]
    assert between_splits(samples[:1], {}, "test") == []


def test_a_split_keeps_together_what_belongs_together():
    samples = [
        sample(f"s{i}", parent=f"p{i // 3}", scanner=f"x{i % 2}", cargo="" if i % 5 else "steel")
        for i in range(600)
    ]
    shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
    found = split_by(samples, shares)
    assert split_by(samples, shares) == found
    assert [a.id for a in found] == [b.id for b in samples]
    by_parent = {}
    for item in found:
        by_parent.setdefault(item.parent, set()).add(item.split)
    assert all(len(splits) == 1 for splits in by_parent.values())
    n = {name: sum(item.split == name for item in found) for name in shares}
    assert n["train"] / 600 == pytest.approx(0.6, abs=0.1)
    assert between_splits(found, {}, "test") == []
    # One sample more moves no other.
    more = split_by([*samples, sample("new", parent="p0")], shares)
    assert more[:-1] == found
    assert more[-1].split == found[0].split
    assert split_by(samples, shares, seed=1) != found


def test_links_over_two_keys_hold():
    chain = [
        sample("a", parent="p", site="1"),
        sample("b", parent="q", site="1"),
        sample("c", parent="q", site="2"),
    ]
    for seed in range(8):
        found = split_by(chain, {"train": 1, "test": 1}, together=("parent", "site"), seed=seed)
        assert len({item.split for item in found}) == 1


def test_a_scanner_can_be_left_out():
    samples = [sample("a", scanner="x"), sample("b", scanner="y")]
    assert [item.split for item in leave_out(samples, "scanner", "y")] == ["train", "test"]
    with pytest.raises(ConfigurationError, match="there are: x, y"):
        leave_out(samples, "scanner", "z")


@pytest.mark.parametrize(
    ("shares", "together"), [({"exam": 1.0}, ("parent",)), ({"test": -1.0}, ("parent",)), ({}, ("parent",)),
                             ({"test": 0.0}, ("parent",)), ({"test": 1.0}, ()), ({"test": 1.0}, ("colour",))],
)  # fmt: skip
def test_a_split_that_cannot_be_is_refused(shares, together):
    with pytest.raises(ConfigurationError):
        split_by([sample("a")], shares, together=together)
