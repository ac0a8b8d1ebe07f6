"""The .xlsx file format, changed in place: what is not replaced stays byte for byte. Knows no billing."""
