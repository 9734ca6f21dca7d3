"""Gets images into the flash of boards: their formats, and a programmer a file."""
