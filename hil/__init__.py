"""The rack: emulated boards, and the suites that run on them and on real ones."""
