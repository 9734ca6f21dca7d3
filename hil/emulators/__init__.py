"""Emulated boards. Each package here starts one emulator program and says where its UART is."""
