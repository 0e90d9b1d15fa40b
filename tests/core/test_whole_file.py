"""Files that appear whole or not at all."""

import os

import pytest

from banditlab.core.results.whole_file import whole_file


def test_a_file_is_replaced_at_the_end(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("old")
    with whole_file(file) as beside:
        beside.write_text("new")
        assert file.read_text() == "old"
        assert beside.suffix == ".csv"
        assert beside.name.startswith(".")
    assert file.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_after_an_error_the_old_file_is_there_and_nothing_else(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("old")

    def write_half():
        with whole_file(file) as beside:
            beside.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_link_stays_a_link(tmp_path):
    file, link = tmp_path / "a.csv", tmp_path / "link.csv"
    file.write_text("old")
    link.symlink_to(file)
    with whole_file(link) as beside:
        beside.write_text("new")
    assert link.is_symlink()
    assert file.read_text() == "new"


@pytest.mark.parametrize("letter", ["x", os.fsdecode("\N{WOLF FACE}".encode())])
def test_a_name_may_be_as_long_as_any(tmp_path, letter):
    name = letter * (251 // len(os.fsencode(letter))) + ".csv"
    with whole_file(tmp_path / name) as beside:
        beside.write_text("new")
        assert beside.suffix == ".csv"
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("write", [lambda beside: beside.write_text("x"), lambda beside: None])
def test_errors_name_the_file_that_was_asked_for(tmp_path, write):
    file = tmp_path / "missing" / "a.csv"
    with pytest.raises(FileNotFoundError) as caught, whole_file(file) as beside:
        write(beside)
    assert caught.value.filename == str(file)
    assert str(caught.value) == f"[Errno 2] No such file or directory: '{file}'"
