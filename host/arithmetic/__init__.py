"""Int8 arithmetic as TensorFlow Lite for Microcontrollers does it, bit for bit.

``fixed_point`` has the integer primitives, ``scaling`` turns scales into
multipliers, ``tables`` evaluates the non-linear functions. The compiler writes
their results into plans; the reference inference computes with them.
"""
