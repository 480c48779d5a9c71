"""Memory stays flat while a large message comes in, is stored for two drops, and goes out."""

from pathlib import Path

from support.store_parent import run_child

MIB = 1024 * 1024
SIZE = 50 * MIB
ALLOWED = 20  # MiB over what the process needs for a small message


def test_fifty_megabytes_pass_through_a_few(tmp_path: Path) -> None:
    promises, status = run_child("large", tmp_path / "post", SIZE)
    assert status == 0
    assert int(promises.others["read"][0]) > SIZE - 65536
    before, stored, read = map(int, promises.others["peak"])
    print(f"peak memory in MiB: {before} before, {stored} after a deposit of 50 MB, {read} after reading it back")
    assert read - before < ALLOWED
