"""A made-up BSS and ConnectWise PSA on loopback: for `--demo`, for trying things out, and for the tests."""
