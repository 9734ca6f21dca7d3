"""What is broken says where; a user's own boards stand beside the shipped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devices


def own_board(folder: Path, device_id: str, like: str = "pico", **changes: Any) -> Path:
    """Writes a board of a user's into ``folder``; it is no tier unless ``changes`` make it one."""
    profile = json.loads((devices.CATALOG / like / "profile.json").read_text(encoding="utf-8"))
    profile |= {"id": device_id, "rank": None, "candidate": False, **changes}
    target = folder / device_id / "profile.json"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(profile), encoding="utf-8")
    return target


def test_unknown_board_lists_the_known_ones() -> None:
    with pytest.raises(devices.UnknownDeviceError, match=r"unknown board 'picot'.*pc, pico"):
        devices.load("picot")


def test_tiers_come_first_and_in_order() -> None:
    ranks = [profile.rank for profile in devices.load_all()]
    tiers = [rank for rank in ranks if rank is not None]
    assert ranks == sorted(tiers) + [None] * (len(ranks) - len(tiers))


@pytest.mark.parametrize("given", ["catalog", "board"])
def test_a_users_board_stands_beside_the_shipped(tmp_path: Path, given: str) -> None:
    own_board(tmp_path, "my_board")
    catalog = tmp_path if given == "catalog" else tmp_path / "my_board"
    shipped = {profile.id for profile in devices.load_all()}
    both = {profile.id for profile in devices.load_all(devices.CATALOG, catalog)}
    assert both == shipped | {"my_board"}
    mine = devices.load("my_board", devices.CATALOG, catalog)
    assert mine.domains == devices.load("pico").domains


def test_a_shipped_board_is_not_replaced(tmp_path: Path) -> None:
    target = own_board(tmp_path, "pico")
    with pytest.raises(devices.ProfileError) as caught:
        devices.load_all(devices.CATALOG, tmp_path)
    shipped = devices.CATALOG / "pico" / "profile.json"
    assert str(caught.value) == f"{target}: id: 'pico' is that of {shipped}"


def test_a_rank_is_used_once(tmp_path: Path) -> None:
    target = own_board(tmp_path, "my_board", rank=2)
    with pytest.raises(devices.ProfileError) as caught:
        devices.load_all(devices.CATALOG, tmp_path)
    shipped = devices.CATALOG / "pico" / "profile.json"
    assert str(caught.value) == f"{target}: rank: 2 is that of {shipped}"


def test_a_catalog_without_a_board(tmp_path: Path) -> None:
    with pytest.raises(devices.ProfileError, match=r"neither it nor a folder in it has a profile"):
        devices.load_all(devices.CATALOG, tmp_path)
    with pytest.raises(devices.ProfileError, match=r"nowhere: no such folder"):
        devices.load_all(devices.CATALOG, tmp_path / "nowhere")


def _no_provenance(profile: dict[str, Any]) -> None:
    del profile["ram_mb"]["reference"]


def _confident_default(profile: dict[str, Any]) -> None:
    profile["flash_kb"]["method"] = "default"


def _negative_ram(profile: dict[str, Any]) -> None:
    profile["ram_mb"]["value"] = -1


def _bare_number(profile: dict[str, Any]) -> None:
    profile["reserved_kb"] = 8


def _wrong_type(profile: dict[str, Any]) -> None:
    profile["cores"][0]["clock_hz"]["value"] = "133 MHz"


def _unknown_field(profile: dict[str, Any]) -> None:
    profile["cores"][0]["cache"] = 4


def _unknown_field_of_the_board(profile: dict[str, Any]) -> None:
    profile["colour"] = "green"


def _missing_field(profile: dict[str, Any]) -> None:
    del profile["flash_kb"]


def _unknown_level(profile: dict[str, Any]) -> None:
    profile["cores"][0]["dtypes"]["int4"]["support"] = "somewhat"


def _fractional_price_class(profile: dict[str, Any]) -> None:
    profile["price_class"]["value"] = 1.5


def _other_id(profile: dict[str, Any]) -> None:
    profile["id"] = "pico2"


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        (_no_provenance, "ram_mb", "'reference' is a required property"),
        (_confident_default, "flash_kb.confidence", "'low' was expected"),
        (_negative_ram, "ram_mb.value", "-1 is less than or equal to the minimum of 0"),
        (_bare_number, "reserved_kb", "8 is not of type 'object'"),
        (_wrong_type, "cores[0].clock_hz.value", "'133 MHz' is not of type 'number'"),
        (_unknown_field, "cores[0]", "'cache' was unexpected"),
        (_unknown_field_of_the_board, "profile", "'colour' was unexpected"),
        (_missing_field, "profile", "'flash_kb' is a required property"),
        (_unknown_level, "cores[0].dtypes.int4.support", "'somewhat' is not one of ['native'"),
        (_fractional_price_class, "price_class.value", "1.5 is not of type 'integer'"),
        (_other_id, "id", "'pico2' is not the folder's name"),
    ],
)
def test_broken_profile_names_file_field_and_reason(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], field: str, reason: str
) -> None:
    shutil.copytree(devices.CATALOG / "pico", tmp_path / "pico")
    target = tmp_path / "pico" / "profile.json"
    profile = json.loads(target.read_text(encoding="utf-8"))
    spoil(profile)
    target.write_text(json.dumps(profile), encoding="utf-8")
    for read in (lambda: devices.load("pico", tmp_path), lambda: devices.load_all(tmp_path)):
        with pytest.raises(devices.ProfileError) as caught:
            read()
        message = str(caught.value)
        assert message.startswith(f"{target}: {field}: ")
        assert reason in message


def _wrong_domain(profile: dict[str, Any]) -> None:
    profile["domains"][1]["ram_mb"]["value"] = 0


def _domain_misses_a_field(profile: dict[str, Any]) -> None:
    del profile["domains"][0]["backends"]


def _two_of_one_name(profile: dict[str, Any]) -> None:
    profile["domains"][1]["domain"] = "mcu"


def _field_beside_the_domains(profile: dict[str, Any]) -> None:
    profile["flash_kb"] = None


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        (_wrong_domain, "domains[1].ram_mb.value", "0 is less than or equal to the minimum of 0"),
        (_domain_misses_a_field, "domains[0]", "'backends' is a required property"),
        (_two_of_one_name, "domains", "two of one name"),
        (_field_beside_the_domains, "profile", "'flash_kb' was unexpected"),
    ],
)
def test_broken_domain_is_named(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], field: str, reason: str
) -> None:
    target = own_board(tmp_path, "my_board", like="uno_q")
    profile = json.loads(target.read_text(encoding="utf-8"))
    spoil(profile)
    target.write_text(json.dumps(profile), encoding="utf-8")
    with pytest.raises(devices.ProfileError) as caught:
        devices.load("my_board", tmp_path)
    assert str(caught.value).startswith(f"{target}: {field}: ")
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{\n  "id": \n}', r"profile\.json: line 3: "),
        (b'{"id": "\xff"}', r"profile\.json: not UTF-8: "),
        (b"[]", r"profile\.json: profile: \[\] is not of type 'object'"),
        (b"null", r"profile\.json: profile: None is not of type 'object'"),
        (b"[" * 100_000, r"profile\.json: nested too deeply"),
    ],
    ids=["syntax", "encoding", "list", "null", "nesting"],
)
def test_profile_that_is_no_profile(tmp_path: Path, content: bytes, message: str) -> None:
    target = tmp_path / "pico" / "profile.json"
    target.parent.mkdir()
    target.write_bytes(content)
    with pytest.raises(devices.ProfileError, match=message):
        devices.load("pico", tmp_path)
