"""Boards on a broker, found and written: a Linux board that is really there."""

from __future__ import annotations

from pathlib import Path

from hil.farm.edit import NewBoard
from hil.farm.file import BoardKind, Farm, FarmBoard, Rack, load_farm
from hil.farm.scan import Standing
from hil.farm.scan_broker import scan_broker
from hil.farm.written import FarmText
from tests.support.broker import Mosquitto
from tests.support.linux_agent import agent_on_broker
from tests.support.rack import await_boards


def test_a_linux_board_is_added_by_its_url(tmp_path: Path) -> None:
    path = tmp_path / "farm.yaml"
    with Mosquitto(tmp_path) as broker:
        url = f"{broker.url}/lab/uno-q-1"
        with agent_on_broker(url, "--board", "uno_q"):
            await_boards(broker.url, lambda found: found and found["uno-q-1"].online)
            found = scan_broker(Farm(()), "bench", broker.url)
            FarmText.read(path).with_boards("bench", found.new).write()
            farm = load_farm(path)
            again = scan_broker(farm, "bench", broker.url + "/")
            own = Farm((Rack("lab", (FarmBoard(id="uno-q-1", kind=BoardKind.PROCESS),)),))
            offered = scan_broker(own, "lab", broker.url)
            await_boards(broker.url, lambda found: found["uno-q-1"].online)
        gone = scan_broker(Farm(()), "bench", broker.url)
    assert found.new == (
        NewBoard(id="uno-q-1", kind=BoardKind.MQTT, device="uno_q", identity=("url", url)),
    )
    assert farm.rack("bench").boards == (
        FarmBoard(id="uno-q-1", kind=BoardKind.MQTT, device="uno_q", url=url),
    )
    for seen in (again, offered):  # one's own rack is no board of somebody else's
        assert (seen.new, seen.findings[0].standing) == ((), Standing.KNOWN)
    assert (gone.new, gone.findings[0].standing) == ((), Standing.UNSURE)
