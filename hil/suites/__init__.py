"""What every board must show with the bundled examples.

``pytest --pyargs hil.suites`` runs them on the emulated boards, with ``--farm FILE`` on the
physical ones of a farm; ``--min-evidence hardware`` on these alone. Written with
:mod:`hil.pytest_plugin` alone, as tests of one's own models would be.
"""
