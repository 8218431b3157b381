"""Uploads are deleted as soon as no page holds them."""

import os
import time
from pathlib import Path

import pytest

from ambivox.app.held import Held


@pytest.fixture
def held(tmp_path: Path) -> Held:
    folder = tmp_path / "uploads"
    folder.mkdir()
    return Held(folder)


def upload(held: Held, name: str) -> Path:
    folder = held.folder / f"hash of {name}"
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"sound")
    return folder / name


def left(held: Held) -> list[str]:
    return sorted(path.name for path in held.folder.rglob("*"))


def test_a_clip_is_deleted_when_another_takes_its_place(held: Held) -> None:
    first, second = upload(held, "1.wav"), upload(held, "2.wav")
    held.hold("page", "clip", first)
    held.hold("page", "recording", second)
    assert left(held) == ["1.wav", "2.wav", "hash of 1.wav", "hash of 2.wav"]
    held.hold("page", "clip", None)
    assert left(held) == ["2.wav", "hash of 2.wav"]


def test_all_of_a_page_is_deleted_when_it_is_closed_and_nothing_of_others(held: Held) -> None:
    mine, shared = upload(held, "mine.wav"), upload(held, "shared.wav")
    held.hold("mine", "clip", mine)
    held.hold("mine", "recording", shared)
    held.hold("yours", "clip", shared)
    held.leave("mine")
    assert left(held) == ["hash of shared.wav", "shared.wav"]
    held.leave("yours")
    assert left(held) == []
    assert held.folder.is_dir()


def test_holding_the_same_again_keeps_it(held: Held) -> None:
    clip = upload(held, "1.wav")
    held.hold("page", "clip", clip)
    held.hold("page", "clip", clip)
    assert clip.exists()


def test_what_broke_off_is_swept_and_what_is_held_or_new_stays(held: Held) -> None:
    names = ("broken", "held", "new")
    broken, kept, new = (upload(held, name) for name in names)
    held.hold("page", "clip", kept)
    for path in (broken, kept):
        os.utime(path, (0, time.time() - 100))
    held.sweep(older_than_s=60)
    assert left(held) == ["hash of held", "hash of new", "held", "new"]
    assert new.exists()


def test_half_an_upload_that_lies_in_the_folder_itself_is_swept(held: Held) -> None:
    half = held.folder / "tmpabc"
    half.write_bytes(b"so")
    os.utime(half, (0, 0))
    held.sweep()
    assert left(held) == []
    assert held.folder.is_dir()


def test_nothing_outside_the_folder_is_deleted(held: Held, tmp_path: Path) -> None:
    example = tmp_path / "example.wav"
    example.write_bytes(b"sound")
    held.hold("page", "clip", example)
    held.leave("page")
    assert example.exists()
