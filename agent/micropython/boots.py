"""How often the board has started since power-on, and why it last did, kept in a file.

machine.reset_cause() alone cannot say: on the RP2040 machine.reset() is a watchdog reset.
"""

from jsp_protocol import RESET_PIN, RESET_POWER_ON, RESET_SOFTWARE, RESET_UNKNOWN, RESET_WATCHDOG

_CAUSES = (
    ("PWRON_RESET", RESET_POWER_ON),
    ("WDT_RESET", RESET_WATCHDOG),
    ("HARD_RESET", RESET_PIN),
    ("SOFT_RESET", RESET_SOFTWARE),
)


def machine_cause(machine):
    """The RESET_* that the module ``machine`` reports; ports name different ones."""
    cause = machine.reset_cause()
    for name, known in _CAUSES:
        if getattr(machine, name, None) == cause:
            return known
    return RESET_UNKNOWN


def count_boot(path, cause):
    """Boot count and cause of this start; the file at ``path`` remembers them."""
    boots, was_asked_for = _read(path)
    if was_asked_for:
        cause = RESET_SOFTWARE
    boots = 1 if cause == RESET_POWER_ON else boots + 1
    if (boots, False) != _read(path):
        _write(path, boots, False)  # spares the flash where nothing changed
    return boots, cause


def announce_reset(path, boots):
    """The next start is one that the host asked for."""
    _write(path, boots, True)


def _read(path):
    try:
        with open(path) as file:
            boots, was_asked_for = file.read().split()
        return int(boots), was_asked_for == "1"
    except (OSError, ValueError):
        return 0, False


def _write(path, boots, is_asked_for):
    with open(path, "w") as file:
        file.write(f"{boots} {int(is_asked_for)}")
