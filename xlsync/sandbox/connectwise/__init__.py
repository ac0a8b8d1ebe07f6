"""The made-up ConnectWise PSA: strict about conditions, fields and writes where real servers are."""
