"""Serves the agent for good; MicroPython starts it when the board starts.

Over a UART of its own instead of the console:
``line = UartLine(machine.UART(0, 115200, rxbuf=8192))``.
"""

from agent import Agent
from board import Board
from lines import ConsoleLine, Escape


def main():
    line = ConsoleLine()
    agent = Agent(Board(line))
    escape = Escape()
    while not escape.is_complete:
        agent.feed(line.read(until=escape))
    line.close()


main()
