"""Sources that tests assemble for the emulated UNO."""

from __future__ import annotations


def assembly(functions: list[str], table: str, suffix: str = "") -> str:
    """A source file with the functions, and a table `table` of them in SRAM."""
    names = [text.strip().partition(":")[0] for text in functions]
    return "\n".join(
        [
            ".text",
            *functions,
            suffix,
            ".global __do_copy_data  ; otherwise nothing fills .data",
            ".data",
            f".global {table}",
            f"{table}:",
            *(f"  .word gs({name})" for name in names),
        ]
    )
