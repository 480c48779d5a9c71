import pytest

from postane.maildrop.notes import FileNotes


def test_what_is_written_is_read_by_another(tmp_path):
    FileNotes(tmp_path, "warnings").write("../anna\udcff", 1000.5, 7)
    assert FileNotes(tmp_path, "warnings").read("../anna\udcff") == (1000.5, 7)
    assert FileNotes(tmp_path, "warnings").read("anna") == (0.0, 0)
    FileNotes(tmp_path, "warnings").write("../anna\udcff", 2.0, 1)
    assert FileNotes(tmp_path, "warnings").read("../anna\udcff") == (2.0, 1)


@pytest.mark.parametrize("octets", [b"", b"x y\n", b"1 2 3\n"])
def test_what_cannot_be_read_is_as_if_it_had_never_been(tmp_path, octets):
    notes = FileNotes(tmp_path, "warnings")
    notes.write("anna", 1.0, 1)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(octets)
    assert notes.read("anna") == (0.0, 0)
