"""The month's billing lines: from the BSS (interworks.cloud, read only) or from a distributor's report files.

`bss` sends the requests, `bss_lines` makes lines of the answers, which `bss_plans` completes; the package
`reports` reads files.
"""
