"""The files of docs/mqtt, exactly as they are: only the folder and the ports are replaced."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from pathlib import Path

from tests.support.broker import Mosquitto, free_port
from tests.support.make import ROOT

FILES = ROOT / "docs" / "mqtt"
FOLDER = "/etc/mosquitto/jumpstation"
USERS = ("bench-gateway", "bench", "lab-gateway", "lab")
BY_PASSWORD, BY_CERTIFICATE = 8883, 8884


class Site:
    """A broker with the files of docs/mqtt, passwords and certificates for all users."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.passwords = {user: uuid.uuid4().hex for user in USERS}
        self.ports = {BY_PASSWORD: free_port(), BY_CERTIFICATE: free_port()}
        subprocess.run(
            [FILES / "make-certificates", folder, "127.0.0.1", *USERS], check=True, timeout=60
        )
        shutil.copy(FILES / "acl", folder / "acl")
        (folder / "acl").chmod(0o600)
        self._write_passwords(folder / "passwords")
        config = (FILES / "mosquitto.conf").read_text()
        assert FOLDER in config
        config = config.replace(FOLDER, str(folder))
        for port, free in self.ports.items():
            assert f"listener {port}\n" in config
            config = config.replace(f"listener {port}\n", f"listener {free} 127.0.0.1\n")
        self.broker = Mosquitto(folder, config, self.ports[BY_PASSWORD])

    def _write_passwords(self, path: Path) -> None:
        path.touch(mode=0o600)
        program = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
        for user, password in self.passwords.items():
            subprocess.run([program, "-b", path, user, password], check=True, timeout=60)

    def url(self, user: str | None, path: str = "", *, port: int = BY_PASSWORD) -> str:
        files = f"ca={self.folder}/ca.crt"
        if port == BY_CERTIFICATE and user is not None:
            files += f"&cert={self.folder}/{user}.crt&key={self.folder}/{user}.key"
        who = "" if user is None or port == BY_CERTIFICATE else f"{user}@"
        return f"mqtts://{who}127.0.0.1:{self.ports[port]}{path}?{files}"
