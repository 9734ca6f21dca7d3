"""The catalog holds to its schema, and a broken profile says where it is broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devices


def test_every_profile_holds_to_the_schema() -> None:
    profiles = devices.load_all()
    assert {"pico", "pc"} <= {profile.id for profile in profiles}


def test_tiers_come_first_and_in_order() -> None:
    ranks = [profile.rank for profile in devices.load_all()]
    tiers = [rank for rank in ranks if rank is not None]
    assert ranks == sorted(tiers) + [None] * (len(ranks) - len(tiers))


def test_pico_is_the_data_sheets() -> None:
    pico = devices.load("pico")
    assert pico.ram_mb is not None
    assert pico.ram_mb.value * 1024 == 264
    assert pico.cores[0].clock_hz is not None
    assert pico.cores[0].clock_hz.value == 133e6
    assert pico.emulator is not None
    assert pico.emulator.fidelity == "cycle"


def test_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(devices.UnknownDeviceError, match=r"unknown board 'picot'.*pc, pico"):
        devices.load("picot")


def _without_provenance(profile: dict[str, Any]) -> None:
    del profile["ram_mb"]["reference"]


def _confident_default(profile: dict[str, Any]) -> None:
    profile["flash_kb"]["method"] = "default"


def _negative_ram(profile: dict[str, Any]) -> None:
    profile["ram_mb"]["value"] = -1


def _unknown_field(profile: dict[str, Any]) -> None:
    profile["cores"][0]["cache"] = 4


def _other_id(profile: dict[str, Any]) -> None:
    profile["id"] = "pico2"


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        (_without_provenance, "ram_mb", "'reference' is a required property"),
        (_confident_default, "flash_kb.confidence", "'low' was expected"),
        (_negative_ram, "ram_mb.value", "-1 is less than or equal to the minimum of 0"),
        (_unknown_field, "cores[0]", "'cache' was unexpected"),
        (_other_id, "id", "is not the folder's name"),
    ],
)
def test_broken_profile_names_file_field_and_reason(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], field: str, reason: str
) -> None:
    source = Path(devices.__file__).parent / "pico" / "profile.json"
    profile = json.loads(source.read_text())
    spoil(profile)
    target = tmp_path / "pico" / "profile.json"
    target.parent.mkdir()
    target.write_text(json.dumps(profile))
    with pytest.raises(devices.ProfileError) as caught:
        devices.load("pico", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{target}: {field}: ")
    assert reason in message


def test_profile_that_is_no_json_names_its_line(tmp_path: Path) -> None:
    target = tmp_path / "pico" / "profile.json"
    target.parent.mkdir()
    target.write_text('{\n  "id": \n}')
    with pytest.raises(devices.ProfileError, match=r"profile\.json: line 3: "):
        devices.load("pico", tmp_path)
